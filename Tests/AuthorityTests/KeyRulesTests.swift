import Configuration
import Credentials
import Filter
import IPC
import Model
import Testing

@testable import Authority

/// The effect of `match` blocks on public key authentication, for anna inside and outside of the group `staff`.
@Suite struct KeyRulesTests {
  private static func block(_ paths: [String], _ change: (inout Settings.Auth) -> Void) -> Match {
    var block = Match()
    block.groups = [.init(NamePattern("staff"))]
    block.paths = paths.map { "auth.publickey.\($0)" }
    change(&block.values.auth)
    return block
  }

  /// The verdicts for anna as a member of `staff` and otherwise.
  private func verdicts(
    certificate: [UInt8]? = nil, _ client: Client, line: String = "", _ settings: (inout Settings) -> Void
  ) throws -> [Verdict] {
    var files = Files()
    if !line.isEmpty { files.add(line) }
    let request = try client.request(certificate: certificate)
    let authority = try authority(settings)
    return try [["staff"], []].map { groups in
      try authority.verdict(files.question(client, request, groups: groups), files)
    }
  }

  @Test func `a CA is trusted where a match block says so`() throws {
    let client = try Client()
    let trusted = try CertificateAuthority()
    let certificate = try trusted.certify(client.key.publicKey)
    let verdicts = try verdicts(certificate: certificate, client) { settings in
      settings.matches = [
        Self.block(["trusted_user_ca_keys"]) { $0.trustedUserCAKeys = Array(trusted.key.publicKey.text.utf8) }
      ]
    }
    #expect(verdicts.map(\.outcome) == [.accepted, .rejected])
  }

  @Test func `a match block can remove the trust in a CA or replace the CA`() throws {
    let client = try Client()
    let (trusted, other) = (try CertificateAuthority(), try CertificateAuthority())
    let certificate = try trusted.certify(client.key.publicKey)
    for keys in [nil, Array(other.key.publicKey.text.utf8)] {
      let verdicts = try verdicts(certificate: certificate, client) { settings in
        settings.auth.trustedUserCAKeys = Array(trusted.key.publicKey.text.utf8)
        settings.matches = [Self.block(["trusted_user_ca_keys"]) { $0.trustedUserCAKeys = keys }]
      }
      #expect(verdicts.map(\.outcome) == [.rejected, .accepted])
    }
  }

  @Test func `a key is revoked where a match block says so`() throws {
    let client = try Client()
    let text = client.key.publicKey.text
    let verdicts = try verdicts(client, line: text) { settings in
      settings.matches = [Self.block(["revoked_keys"]) { $0.revokedKeys = Array("\(text)\n".utf8) }]
    }
    #expect(verdicts.map(\.outcome) == [.rejected, .accepted])
    #expect(verdicts.map(\.reason) == ["revoked_key", nil])
  }

  @Test func `a match block can require principals files and a user without one is then refused`() throws {
    let client = try Client()
    let trusted = try CertificateAuthority()
    let certificate = try trusted.certify(client.key.publicKey)
    let verdicts = try verdicts(certificate: certificate, client) { settings in
      settings.auth.trustedUserCAKeys = Array(trusted.key.publicKey.text.utf8)
      settings.matches = [Self.block(["authorized_principals_pattern"]) { $0.authorizedPrincipalsPattern = "/p/%u" }]
    }
    #expect(verdicts.map(\.outcome) == [.rejected, .accepted])
    #expect(verdicts.first?.reason == "wrong_principal")
  }

  @Test func `a match block can permit variables`() throws {
    let client = try Client()
    let line = "environment=\"COLOUR=red\" \(client.key.publicKey.text)"
    let verdicts = try verdicts(client, line: line) { settings in
      settings.matches = [Self.block(["permit_user_environment"]) { $0.permittedUserEnvironment = ["COLOUR"] }]
    }
    #expect(verdicts.map(\.permissions.environment.count) == [1, 0])
  }

  @Test func `the last matching block wins and an unreadable revocation list affects only its own block`() throws {
    let client = try Client()
    let text = client.key.publicKey.text
    let revoking = Self.block(["revoked_keys"]) { $0.revokedKeys = Array("\(text)\n".utf8) }
    let nothing = Self.block(["revoked_keys"]) { $0.revokedKeys = Array("# none\n".utf8) }
    let damaged = Self.block(["revoked_keys"]) { $0.revokedKeys = Array("nonsense".utf8) }
    for (blocks, outcome) in [
      ([revoking, nothing], ProofOutcome.accepted), ([nothing, revoking], .rejected),
      ([nothing, damaged], .rejected),
    ] {
      let verdicts = try verdicts(client, line: text) { $0.matches = blocks }
      #expect(verdicts.map(\.outcome) == [outcome, .accepted])
    }
  }
}
