import Testing
import Wire

@testable import Model

@Suite struct KeyPermissionsTests {
  static let flags: [WritableKeyPath<KeyPermissions, Bool> & Sendable] = [
    \.terminal, \.agentForwarding, \.portForwarding, \.x11Forwarding, \.userRC,
  ]

  @Test(arguments: flags) func `merged permissions allow what both allow`(
    flag: WritableKeyPath<KeyPermissions, Bool> & Sendable
  ) {
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
      var one = KeyPermissions.everything
      one[keyPath: flag] = first
      var other = KeyPermissions.everything
      other[keyPath: flag] = second
      var expected = KeyPermissions.everything
      expected[keyPath: flag] = first && second
      #expect(one.merged(with: other) == expected)
    }
  }

  @Test func `a forced command of either is forced, and different ones cannot be merged`() {
    var one = KeyPermissions.everything
    one.forcedCommand = Array("true".utf8)
    var other = KeyPermissions.everything
    #expect(one.merged(with: other)?.forcedCommand == one.forcedCommand)
    #expect(other.merged(with: one)?.forcedCommand == one.forcedCommand)
    other.forcedCommand = one.forcedCommand
    #expect(one.merged(with: other)?.forcedCommand == one.forcedCommand)
    other.forcedCommand = []
    #expect(one.merged(with: other) == nil)
  }

  @Test func `variables and lists come from whichever has them`() {
    var one = KeyPermissions.everything
    one.environment = [EnvironmentVariable(name: "A", value: "1")]
    one.permitOpen = [PlaceList("a", [ForwardingPlace(.any, port: 1)])]
    one.permitListen = [PlaceList("b", [ForwardingPlace(.any, port: nil)])]
    #expect(one.merged(with: .everything) == one)
    #expect(KeyPermissions.everything.merged(with: one) == one)
    #expect(one.merged(with: one) == one)
    var other = one
    other.environment[0].value = Array("2".utf8)
    #expect(one.merged(with: other) == one)
    #expect(other.merged(with: one) == other)
  }

  @Test func `lists of two permissions stay apart, and both apply`() throws {
    let list = { (source: String, host: String) in
      PlaceList(source, [ForwardingPlace(.name(Array(host.utf8)), port: 1)])
    }
    for path in [\KeyPermissions.permitOpen, \.permitListen] {
      var one = KeyPermissions.everything
      one[keyPath: path] = [list("one", "a")]
      var other = KeyPermissions.everything
      other[keyPath: path] = [list("other", "a")]
      #expect(one.merged(with: other)?[keyPath: path] == [list("one", "a"), list("other", "a")])
      #expect(other.merged(with: one)?[keyPath: path] == [list("other", "a"), list("one", "a")])
      // An empty list permits nothing, and is not the same as none.
      other[keyPath: path] = [PlaceList("other", [])]
      #expect(one.merged(with: other)?[keyPath: path] == [list("one", "a"), PlaceList("other", [])])
    }
  }

  @Test func `lists beyond the limit are not lost without denying everything`() throws {
    var all = KeyPermissions.everything
    for number in 0..<40 {
      var next = KeyPermissions.everything
      next.permitOpen = [PlaceList("\(number)", [ForwardingPlace(.any, port: 1)])]
      all = try #require(all.merged(with: next))
    }
    #expect(all.permitOpen.count == KeyPermissions.placeListLimit)
    #expect(all.permitOpen.last?.places == [])
    #expect(try KeyPermissions(wireBytes: all.wireBytes[...]) == all)
  }

  @Test func `a forced command denies forwarding beside it unless each line that forces it permits that`() {
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
      var one = KeyPermissions.everything
      one.forwardsBesideCommand = first
      var other = KeyPermissions.everything
      other.forwardsBesideCommand = second
      #expect(one.merged(with: other)?.forwardsBesideCommand == (first && second))
    }
  }

  @Test func `lists get the place of their line`() {
    var permissions = KeyPermissions.everything
    permissions.permitOpen = [PlaceList("permitopen=", [])]
    permissions.permitListen = [PlaceList("permitlisten=", [])]
    permissions.setSource("/home/anna/.ssh/authorized_keys:3")
    #expect(permissions.permitOpen[0].source == "permitopen= of /home/anna/.ssh/authorized_keys:3")
    #expect(permissions.permitListen[0].source == "permitlisten= of /home/anna/.ssh/authorized_keys:3")
  }

  @Test func `a command with a NUL byte is refused`() {
    var permissions = KeyPermissions.everything
    permissions.forcedCommand = [1, 0]
    #expect(throws: WireError.malformed) { try KeyPermissions(wireBytes: permissions.wireBytes[...]) }
  }

  @Test func `the value of a variable may contain any byte but NUL`() throws {
    for byte in UInt8.min...UInt8.max {
      let bytes = EnvironmentVariable(name: "A", value: [0x61, byte]).wireBytes
      if byte == 0 {
        #expect(throws: WireError.malformed) { try EnvironmentVariable(wireBytes: bytes[...]) }
      } else {
        #expect(try EnvironmentVariable(wireBytes: bytes[...]).value == [0x61, byte])
      }
    }
  }
}
