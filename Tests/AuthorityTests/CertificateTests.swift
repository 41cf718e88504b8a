import Audit
import Authentication
import Configuration
import Credentials
import IPC
import Model
import System
import Testing
import Wire

@testable import Authority

/// Certificates, from the request to the verdict.
@Suite struct CertificateTests {
  private func verdict(
    _ client: Client, _ certificate: [UInt8], algorithm: String? = nil, isSigned: Bool = true, lines: String = "",
    principals: String? = nil, from address: String? = "192.0.2.7", _ configure: (inout Settings) -> Void = { _ in }
  ) throws -> Verdict {
    var files = Files()
    if !lines.isEmpty { files.add(lines) }
    if let principals { files.addPrincipals(principals) }
    let request = try client.request(algorithm: algorithm, isSigned: isSigned, certificate: certificate)
    return try process(configure).verdict(files.question(client, request, from: address), files)
  }

  private func trust(_ authority: CertificateAuthority) -> (inout Settings) -> Void {
    { $0.auth.trustedUserCAKeys = Array("# CA\n\(authority.key.publicKey.text)\n".utf8) }
  }

  @Test(
    arguments: [
      (HostKey.Kind.ed25519, 256, nil), (.ecdsa, 256, nil), (.ecdsa, 384, nil), (.ecdsa, 521, nil),
      (.rsa, 2048, "rsa-sha2-256"), (.rsa, 2048, "rsa-sha2-512"),
    ] as [(HostKey.Kind, Int, String?)])
  func `keys of every type can be certified and sign certificates`(
    kind: HostKey.Kind, bits: Int, algorithm: String?
  ) throws {
    let client = try Client(kind, bits: bits)
    let authority = try CertificateAuthority(kind, bits: bits, algorithm: algorithm)
    let certificate = try authority.certify(client.key.publicKey)
    let name = algorithm.map { $0 + "-cert-v01@openssh.com" }
    for isSigned in [false, true] {
      let verdict = try verdict(client, certificate, algorithm: name, isSigned: isSigned, trust(authority))
      #expect(verdict.outcome == (isSigned ? .accepted : .acceptable), "\(verdict)")
      #expect(verdict.fingerprint == client.key.publicKey.fingerprint)
      #expect(
        verdict.certificate
          == CertificateIdentity(keyID: "anna's laptop", serial: 7, authority: authority.key.publicKey.fingerprint))
      #expect(verdict.place == "auth.publickey.trusted_user_ca_keys")
      var permissions = KeyPermissions.restricted
      permissions.terminal = true
      #expect(verdict.permissions == permissions)
    }
  }

  @Test func `a cert-authority line trusts a CA for one user as the file does for all`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    let line = "\n\ncert-authority \(authority.key.publicKey.text)\n"
    let verdict = try verdict(client, certificate, lines: line)
    #expect(verdict.outcome == .accepted)
    #expect(verdict.place == "/home/anna/.ssh/authorized_keys:3")
    let inline = try self.verdict(client, certificate) { settings in
      var user = Settings.User(name: "anna")
      user.authorizedKeys = ["cert-authority,no-pty \(authority.key.publicKey.text)"]
      settings.auth.users = [user]
    }
    #expect(inline.outcome == .accepted && !inline.permissions.terminal)
    #expect(inline.place == "authorized_keys of 'anna':1")
  }

  @Test func `a certificate of an untrusted CA is refused even if its key is listed`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    for lines in ["", client.key.publicKey.text, authority.key.publicKey.text] {
      let verdict = try verdict(client, certificate, lines: lines)
      #expect(verdict.outcome == .rejected && verdict.reason == "untrusted_ca")
      #expect(verdict.certificate != nil)
    }
  }

  @Test func `a trusted CA key does not log in by itself`() throws {
    let authority = try CertificateAuthority()
    let client = Client(key: authority.key)
    let plain = try client.request()
    let verdict = try process(trust(authority)).verdict(Files().question(client, plain))
    #expect(verdict.reason == "no_such_key")
  }

  /// The authority process, as opposed to the CA.
  private func process(_ configure: (inout Settings) -> Void) throws -> Authority {
    try AuthorityTests.authority(configure)
  }

  @Test func `a certificate that was changed after signing is refused`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let good = try authority.certify(client.key.publicKey)
    var reasons: Set<Reason> = []
    for place in stride(from: 0, to: good.count, by: 7) {
      var certificate = good
      certificate[place] ^= 1
      let verdict = try verdict(client, certificate, isSigned: false, trust(authority))
      #expect(verdict.outcome == .rejected, "byte \(place)")
      reasons.insert(try #require(verdict.reason))
    }
    #expect(reasons.contains("bad_certificate"))
    // Signed by another CA in the name of this one.
    let other = try CertificateAuthority()
    let blob = authority.key.publicKey.blob
    let forged = try other.certify(client.key.publicKey) { _ in
    } tamper: { bytes in
      guard let range = bytes.firstRange(of: other.key.publicKey.blob) else { return }
      bytes.replaceSubrange(range, with: blob)
    }
    #expect(try verdict(client, forged, trust(authority)).reason == "bad_certificate")
  }

  @Test func `a signature by a key other than the certified one is refused`() throws {
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(try Client().key.publicKey)
    #expect(try verdict(try Client(), certificate, trust(authority)).reason == "bad_signature")
  }

  @Test func `a CA key signs with SHA-2, has at least 2048 bits and is not a certificate`() throws {
    let client = try Client()
    let authority = try CertificateAuthority(.rsa, bits: 2048)
    let certificate = try authority.certify(client.key.publicKey) { _ in
    } tamper: { bytes in
      // The name of the algorithm is the first string of the signature; ssh-rsa means SHA-1.
      guard let range = bytes.firstRange(of: Array("rsa-sha2-512".utf8)) else { return }
      let tail = Array(bytes[range.upperBound...])
      bytes.removeSubrange((range.lowerBound - 8)...)
      var signature = WireWriter()
      signature.text("ssh-rsa")
      signature.raw(tail)
      var whole = WireWriter()
      whole.string(signature.bytes)
      bytes += whole.bytes
    }
    #expect(try verdict(client, certificate, trust(authority)).reason == "ca_key_refused")

    let small = PublicKey(.rsa(exponent: [1, 0, 1], modulus: [0x80] + Array(repeating: 0, count: 126) + [1]))
    let weak = try replacingAuthority(of: try authority.certify(client.key.publicKey), by: small.blob, authority)
    #expect(try verdict(client, weak).reason == "ca_key_refused")
    let nested = try replacingAuthority(
      of: try authority.certify(client.key.publicKey), by: try authority.certify(client.key.publicKey), authority)
    #expect(try verdict(client, nested).reason == "ca_key_refused")
  }

  private func replacingAuthority(
    of certificate: [UInt8], by blob: [UInt8], _ authority: CertificateAuthority
  ) throws -> [UInt8] {
    let old = authority.key.publicKey.blob
    let range = try #require(certificate.firstRange(of: old))
    var writer = WireWriter()
    writer.string(blob)
    return Array(certificate[..<(range.lowerBound - 4)]) + writer.bytes + Array(certificate[range.upperBound...])
  }

  @Test func `certificate algorithms are permitted separately from plain ones`() throws {
    let client = try Client(.rsa, bits: 2048)
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    for algorithm in ["rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-rsa"] {
      let request = try client.request(
        algorithm: algorithm, signatureAlgorithm: "rsa-sha2-512", certificate: certificate)
      let verdict = try process(trust(authority)).verdict(Files().question(client, request))
      #expect(verdict.reason == "key_type_refused", "\(algorithm)")
    }
    let name = "rsa-sha2-512-cert-v01@openssh.com"
    for (allowed, isGood) in [(["rsa-sha2-512"], false), ([name], true)] {
      let verdict = try verdict(client, certificate, algorithm: name) {
        trust(authority)(&$0)
        $0.server.publicKeyAlgorithms = allowed
      }
      #expect((verdict.outcome == .accepted) == isGood)
    }
    // The request names one algorithm and the signature another.
    let mixed = try client.request(algorithm: name, signatureAlgorithm: "rsa-sha2-256", certificate: certificate)
    #expect(try process(trust(authority)).verdict(Files().question(client, mixed)).reason == "bad_signature")
  }

  static let refused: [(Reason, @Sendable (inout CertificateAuthority.Form) -> Void)] = [
    ("host_certificate", { $0.kind = 2 }), ("certificate_not_yet_valid", { $0.validAfter = .max - 1 }),
    ("expired_certificate", { $0.validBefore = 1_000_000_000 }), ("wrong_principal", { $0.principals = ["bert"] }),
    ("wrong_principal", { $0.principals = [] }), ("unknown_critical_option", { $0.critical = [("x@y", "z")] }),
    ("wrong_source", { $0.critical = [("source-address", "10.0.0.0/8")] }),
    ("malformed_certificate_options", { $0.critical = [("force-command", nil)] }),
  ]

  @Test(arguments: refused.indices) func `the restrictions of a certificate apply and each refusal has a code`(
    index: Int
  )
    throws
  {
    let (reason, change) = Self.refused[index]
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey, change)
    let line = "cert-authority \(authority.key.publicKey.text)\n"
    for isSigned in [false, true] {
      let trusted = try verdict(client, certificate, isSigned: isSigned, trust(authority))
      #expect(trusted.outcome == .rejected && trusted.reason == reason)
      #expect(trusted.certificate?.keyID == "anna's laptop" && !trusted.place.isEmpty)
      let listed = try verdict(client, certificate, isSigned: isSigned, lines: line)
      #expect(listed.outcome == .rejected && listed.reason == reason)
    }
  }

  @Test(
    arguments: [
      ("anna\n", true), ("laptops\n", true), ("bert\n", false), ("", false), (nil, false),
      ("from=\"192.0.2.0/24\" laptops", true), ("from=\"10.0.0.0/8\" laptops", false),
    ] as [(String?, Bool)])
  func `the user's principals file decides if one is configured`(principals: String?, isGood: Bool) throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey) { $0.principals = ["laptops", "anna"] }
    let configure: (inout Settings) -> Void = {
      trust(authority)(&$0)
      $0.auth.authorizedPrincipalsPattern = "/etc/principals/%u"
    }
    let keys = "# none\n\(client.key.publicKey.text)\n"
    for lines in ["", keys] {
      let verdict = try verdict(client, certificate, lines: lines, principals: principals, configure)
      #expect((verdict.outcome == .accepted) == isGood)
    }
    // It does not apply to cert-authority lines of a user.
    let line = "cert-authority \(authority.key.publicKey.text)\n"
    #expect(try verdict(client, certificate, lines: line, principals: principals, configure).outcome == .accepted)
  }

  @Test func `an unreadable principals file lists no principals and other files are not mistaken for it`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    var files = Files()
    files.add("anna\n")
    files.principals = KeyFile(path: "/principals", length: 0, problem: "no such file")
    let verdict = try process {
      trust(authority)(&$0)
      $0.auth.authorizedPrincipalsPattern = "/principals"
    }.verdict(files.question(client, try client.request(certificate: certificate)), files)
    #expect(verdict.reason == "wrong_principal")
  }

  @Test func `a key ID that is not text or too long is logged as far as possible`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    for keyID in [[0xff, 0xfe], Array(repeating: 0xff, count: 2000), Array(repeating: 97, count: 2000)] as [[UInt8]] {
      let certificate = try authority.certify(client.key.publicKey) { $0.keyID = keyID }
      let verdict = try verdict(client, certificate, trust(authority))
      #expect(verdict.outcome == .accepted)
      #expect((1...CertificateIdentity.keyIDLimit).contains(verdict.certificate?.keyID.utf8.count ?? 0))
    }
  }

  @Test func `a truncated request with a certificate is refused and never traps`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    for length in certificate.indices {
      let verdict = try verdict(client, Array(certificate[..<length]), isSigned: false, trust(authority))
      #expect(verdict.outcome == .rejected)
    }
  }
}
