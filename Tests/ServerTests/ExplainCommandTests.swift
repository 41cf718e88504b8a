import Foundation
import Testing

@testable import Server

/// The command line of `explain`. InteropTests compare its output with the daemon.
@Suite struct ExplainCommandTests {
  @Test(arguments: [
    ([], "explain needs a user and an address: --user NAME --from ADDRESS"),
    (["--user", "anna"], "explain needs a user and an address"),
    (["--user", "anna", "--from", "host.example.org"], "--from host.example.org is not an IPv4 or IPv6 address"),
    (["--user", "anna", "--from", "192.0.2.0/24"], "is not an IPv4 or IPv6 address"),
    (["--user", String(repeating: "x", count: 257), "--from", "192.0.2.7"], "not a valid user name"),
    (["--user", "anna", "--from", "::1", "--method", "telepathy"], "unknown method 'telepathy': expected publickey"),
  ])
  func `an impossible question is an invalid command line`(words: [String], complaint: String) throws {
    let arguments = try Arguments(["explain"] + words)
    let failure = #expect(throws: Failure.self) { try LoginQuery(arguments) }
    #expect(failure?.code == .usage)
    #expect(failure?.lines.first?.contains(complaint) == true)
  }

  @Test func `all options of the question are read`() throws {
    let folder = try Folder()
    let key = String(decoding: Base64Text.ed25519, as: UTF8.self)
    let file = try folder.write("id.pub", "# mine\nssh-ed25519 \(key) anna@host\n")
    let question = try LoginQuery(
      Arguments([
        "explain", "--user", "anna", "--from", "::ffff:192.0.2.7", "--key", file, "--method", "publickey", "--method",
        "password",
      ]))
    #expect(question.user == "anna" && "\(question.address)" == "192.0.2.7")
    #expect(question.keys.map(\.name) == [file])
    #expect(question.methods == [.publicKey, .password])
  }

  @Test(arguments: [
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "contains a private key; use the public key instead"),
    ("", "contains no public key"), ("ssh-ed25519\n", "contains no public key"),
    ("ssh-rsa AAAA\n", "contains no public key"),
    ("ssh-dss \(String(decoding: Base64Text.ed25519, as: UTF8.self))\n", "contains no public key"),
  ])
  func `a file without a public key is named`(content: String, complaint: String) throws {
    let folder = try Folder()
    let file = try folder.write("id", content)
    let failure = #expect(throws: Failure.self) { try OfferedKey(file: file) }
    #expect(failure?.code == .noInput)
    #expect(failure?.lines.first?.contains(complaint) == true)
  }

  @Test func `with a configuration that does not load nothing is explained`() throws {
    let folder = try Folder()
    let file = try folder.write("c.yaml", "server: {prot: 1}\n")
    let outcome = try bsshServer("explain", "-c", file, "--user", "anna", "--from", "::1")
    #expect(outcome.code == 78)
    #expect(outcome.errors.contains("server.prot: unknown key"))
    #expect(outcome.output == "")
  }
}

private enum Base64Text {
  /// The blob of an Ed25519 key.
  static let ed25519 = Array("AAAAC3NzaC1lZDI1NTE5AAAAICvBWzRFNAbWSXnUNNlSD0RP0kvc4Po9yNTIZ0FxqrZw".utf8)
}
