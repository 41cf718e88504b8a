import AccessControl
import Audit
import Model
import Testing

@testable import Authentication

@Suite struct CertificateOptionsTests {
  private func options(
    critical: [(String, [UInt8])] = [], extensions: [(String, [UInt8])] = []
  ) throws -> CertificateOptions {
    let form = CertificateForm {
      $0.critical = critical
      $0.extensions = extensions
    }
    return try CertificateOptions(try form.certificate())
  }

  private static let string = CertificateForm.string

  @Test func `a certificate permits nothing that it does not name`() throws {
    let options = try options()
    #expect(options.permissions == .restricted)
    #expect(options.requiresTouch && !options.requiresVerification && options.sources == nil)
  }

  static let extensions: [(String, WritableKeyPath<KeyPermissions, Bool> & Sendable)] = [
    ("permit-pty", \.terminal), ("permit-agent-forwarding", \.agentForwarding),
    ("permit-port-forwarding", \.portForwarding), ("permit-X11-forwarding", \.x11Forwarding),
    ("permit-user-rc", \.userRC),
  ]

  @Test(arguments: extensions) func `each extension permits one thing`(
    name: String, path: WritableKeyPath<KeyPermissions, Bool> & Sendable
  ) throws {
    var expected = KeyPermissions.restricted
    expected[keyPath: path] = true
    #expect(try options(extensions: [(name, [])]).permissions == expected)
    // The same name is unknown as a critical option.
    #expect(throws: KeyRefusal.unknownCriticalOption) { try options(critical: [(name, [])]) }
    #expect(throws: KeyRefusal.malformedCertificateOptions) { try options(extensions: [(name, [0])]) }
    // Names are case-sensitive.
    let other = name == name.uppercased() ? name.lowercased() : name.uppercased()
    #expect(try options(extensions: [(other, [])]).permissions == .restricted)
  }

  @Test func `extensions add up and unknown ones are ignored`() throws {
    let all = Self.extensions.map { ($0.0, [UInt8]()) } + [("login@example.com", Self.string("x")), ("", [])]
    #expect(try options(extensions: all).permissions == .everything)
    #expect(try options(extensions: [("force-command", Self.string("date"))]).permissions.forcedCommand == nil)
    #expect(try options(extensions: [("source-address", Self.string("::1"))]).sources == nil)
    #expect(try options(extensions: [("no-touch-required", [])]).requiresTouch == false)
    #expect(try options(extensions: [("verify-required", [])]).requiresVerification == false)
  }

  @Test func `critical options take effect`() throws {
    #expect(
      try options(critical: [("force-command", Self.string("date"))]).permissions.forcedCommand == Array("date".utf8))
    // ssh-keygen adds permit-port-forwarding to every certificate, so it is no word about forwarding beside a command.
    for extensions in [[], [("permit-port-forwarding", [UInt8]())]] {
      let forced = try options(critical: [("force-command", Self.string("date"))], extensions: extensions)
      #expect(!forced.permissions.forwardsBesideCommand)
      #expect(try options(extensions: extensions).permissions.forwardsBesideCommand)
    }
    #expect(try options(critical: [("verify-required", [])]).requiresVerification)
    let sources = try options(critical: [("source-address", Self.string("10.0.0.0/8,2001:db8::1"))])
    for (address, isIn) in [("10.1.2.3", true), ("2001:db8::1", true), ("11.0.0.1", false), ("2001:db8::2", false)] {
      #expect(sources.allows(IPAddress(address)) == isIn)
    }
    #expect(!sources.allows(nil))
    #expect(try options().allows(nil))
  }

  @Test(arguments: ["unknown@example.com", "", "Force-Command", "permit-pty", "no-touch-required"])
  func `an unknown critical option refuses the certificate`(name: String) {
    #expect(throws: KeyRefusal.unknownCriticalOption) {
      try options(critical: [("force-command", Self.string("date")), (name, [])])
    }
  }

  static let malformed: [(String, [UInt8])] = [
    ("force-command", []), ("force-command", [0, 0, 0, 9]), ("force-command", string("a") + [0]),
    ("force-command", string("a\0b")), ("force-command", string(String(repeating: "a", count: 16 << 10 | 1))),
    ("verify-required", [0]), ("source-address", []), ("source-address", string("")),
    ("source-address", string("10.0.0.0/8,")), ("source-address", string("10.0.0.1/8")),
    ("source-address", string("*")), ("source-address", string("!10.0.0.0/8")), ("source-address", string("host")),
    ("source-address", string("10.0.0.0/33")),
  ]

  @Test(arguments: malformed) func `a malformed critical option refuses the certificate`(name: String, data: [UInt8]) {
    #expect(throws: KeyRefusal.malformedCertificateOptions) { try options(critical: [(name, data)]) }
  }

  @Test(arguments: ["force-command", "source-address"]) func `a critical option with a value may occur only once`(
    name: String
  ) {
    let data = Self.string(name == "force-command" ? "date" : "10.0.0.0/8")
    #expect(throws: KeyRefusal.malformedCertificateOptions) { try options(critical: [(name, data), (name, data)]) }
  }
}
