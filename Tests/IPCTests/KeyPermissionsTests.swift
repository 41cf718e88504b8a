import IPC
import Testing
import Wire

@Suite struct KeyPermissionsTests {
  static let flags: [WritableKeyPath<KeyPermissions, Bool> & Sendable] = [
    \.terminal, \.agentForwarding, \.portForwarding, \.x11Forwarding, \.userRC,
  ]

  @Test(arguments: flags) func `two permissions together allow what both allow`(
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

  @Test func `a command that one of two permissions forces is forced, and two different ones go together never`() {
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

  @Test func `lists are those of the one that has some, of the first when both have`() {
    var one = KeyPermissions.everything
    one.environment = [EnvironmentVariable(name: "A", value: "1")]
    one.permitOpen = [ForwardingPlace(host: "a", port: 1)]
    one.permitListen = [ForwardingPlace(host: "b", port: nil)]
    #expect(one.merged(with: .everything) == one)
    #expect(KeyPermissions.everything.merged(with: one) == one)
    var other = one
    other.environment[0].value = "2"
    other.permitOpen = []
    other.permitListen = []
    #expect(one.merged(with: other) == one)
    #expect(other.merged(with: one) == other)
  }

  @Test func `a command with a NUL byte is no message`() {
    var permissions = KeyPermissions.everything
    permissions.forcedCommand = [1, 0]
    #expect(Samples.error(KeyPermissions.self, permissions.wireBytes[...]) == .malformed)
  }

  @Test func `a port over 65,535 is refused, not cut`() {
    var bytes = ForwardingPlace(host: "", port: 1).wireBytes
    bytes[bytes.count - 3] = 1
    #expect(Samples.error(ForwardingPlace.self, bytes[...]) == .malformed)
  }
}
