import Model
import Testing
import Wire

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
    one.permitOpen = [ForwardingPlace(host: "a", port: 1)]
    one.permitListen = [ForwardingPlace(host: "b", port: nil)]
    #expect(one.merged(with: .everything) == one)
    #expect(KeyPermissions.everything.merged(with: one) == one)
    #expect(one.merged(with: one) == one)
    var other = one
    other.environment[0].value = Array("2".utf8)
    #expect(one.merged(with: other) == one)
    #expect(other.merged(with: one) == other)
  }

  typealias Places = [(host: String, port: UInt16?)]

  static let lists: [(one: Places, other: Places, common: Places)] = [
    ([("a", 1)], [], []), ([], [("a", 1)], []), ([("a", 1)], [("a", 1)], [("a", 1)]),
    ([("a", 1)], [("a", 2)], []), ([("a", 1)], [("b", 1)], []), ([("a", 1)], [("A", 1)], []),
    ([("a", nil)], [("a", 1)], [("a", 1)]), ([("*", 1)], [("a", nil)], [("a", 1)]),
    ([("*", nil)], [("a", 1), ("b", nil)], [("a", 1), ("b", nil)]), ([("*", 1)], [("a", 2)], []),
    ([("a", 1), ("b", 2), ("c", nil)], [("c", 3), ("b", nil), ("c", nil)], [("b", 2), ("c", 3), ("c", nil)]),
    ([("a", nil), ("*", 1)], [("a", 1)], [("a", 1)]),
  ]

  @Test(arguments: lists.indices) func `permitopen of key and certificate intersect`(index: Int) {
    let places = { (list: Places) in list.map { ForwardingPlace(host: $0.host, port: $0.port) } }
    let (one, other, common) = Self.lists[index]
    for list in [\KeyPermissions.permitOpen, \.permitListen] {
      var first = KeyPermissions.everything
      first[keyPath: list] = places(one)
      var second = KeyPermissions.everything
      second[keyPath: list] = places(other)
      #expect(first.merged(with: second)?[keyPath: list] == places(common))
      #expect(second.merged(with: first)?[keyPath: list].map(Set.init) == Set(places(common)))
    }
  }

  @Test(.timeLimit(.minutes(5))) func `the intersection of two full lists fits into a message`() throws {
    let limit = KeyPermissions.listLimit
    var one = KeyPermissions.everything
    one.permitOpen = (0..<limit).map { ForwardingPlace(host: $0 % 2 == 0 ? "*" : "h\($0)", port: nil) }
    var other = KeyPermissions.everything
    other.permitOpen = (0..<limit).map { ForwardingPlace(host: "h\($0)", port: UInt16($0)) }
    let merged = try #require(one.merged(with: other))
    #expect(merged.permitOpen?.count == limit)
    #expect(try KeyPermissions(wireBytes: merged.wireBytes[...]) == merged)
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
