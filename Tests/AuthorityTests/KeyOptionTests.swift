import Authentication
import Configuration
import Credentials
import IPC
import Model
import System
import Testing
import Wire

@testable import Authority

/// The effect of key options and revocation lists on the verdict.
@Suite struct KeyOptionTests {
  private func verdict(
    _ client: Client, options: String, isSigned: Bool = true, from address: String? = "192.0.2.7",
    _ configure: (inout Settings) -> Void = { _ in }
  ) throws -> Verdict {
    var files = Files()
    files.add("\(options) \(client.key.publicKey.text)\n")
    let question = files.question(client, try client.request(isSigned: isSigned), from: address)
    return try authority(configure).verdict(question, files)
  }

  @Test(arguments: [
    ("no-pty", ""), ("from=\"192.0.2.0/24\"", ""), ("from=\"10.0.0.0/8\"", "wrong_source"),
    ("expiry-time=\"20000101\"", "expired_key"), ("expiry-time=\"20000101Z\"", "expired_key"),
    ("expiry-time=\"99990101Z\"", ""), ("cert-authority", "no_such_key"), ("verify-required", ""),
  ])
  func `the options of a line apply to its key whether offered or signed`(options: String, reason: String) throws {
    let client = try Client()
    for isSigned in [false, true] {
      let verdict = try verdict(client, options: options, isSigned: isSigned)
      #expect(verdict.reason?.code ?? "" == reason)
      #expect(verdict.outcome == (!reason.isEmpty ? .rejected : isSigned ? .accepted : .acceptable))
      #expect(verdict.place.isEmpty == (reason == "no_such_key"))
    }
  }

  @Test func `the verdict contains the permissions of the line`() throws {
    let client = try Client()
    let options = "restrict,port-forwarding,command=\"date\",permitopen=\"a:1\""
    var expected = KeyPermissions.restricted
    expected.portForwarding = true
    expected.forcedCommand = Array("date".utf8)
    let verdict = try verdict(client, options: options)
    // Denials name the line.
    let source = "permitopen= of \(verdict.place)"
    #expect(verdict.place.hasSuffix(":1"))
    expected.permitOpen = [PlaceList(source, [ForwardingPlace(.name(Array("a".utf8)), port: 1)])]
    #expect(verdict.permissions == expected)
  }

  static let variables =
    "environment=\"LANG=C\",environment=\"PATH=/x\",environment=\"LD_PRELOAD=/x\",environment=\"SSH_TTY=x\","
    + "environment=\"HOME=/\""

  @Test(
    arguments: [
      ([], []), (["LANG"], ["LANG"]), (["L*"], ["LANG"]), (["LANG", "PATH"], ["LANG", "PATH"]),
      (["*"], ["LANG", "PATH"]),
      (["LD_PRELOAD", "SSH_TTY", "HOME"], []),
    ] as [([String], [String])])
  func `a line sets the variables that are permitted and never those of the linker or the login`(
    permitted: [String], names: [String]
  ) throws {
    let verdict = try verdict(try Client(), options: Self.variables) { $0.auth.permittedUserEnvironment = permitted }
    #expect(verdict.outcome == .accepted)
    #expect(verdict.permissions.environment.map(\.name) == names)
    #expect(verdict.warnings.count == 5 - names.count)
    #expect(
      verdict.warnings.last?.hasPrefix("/home/anna/.ssh/authorized_keys:1: environment= does not set HOME") == true)
  }

  @Test(arguments: [
    ("", UInt8(1), ""), ("", 0, "no_user_presence"), ("", 4, "no_user_presence"), ("no-touch-required", 0, ""),
    ("verify-required", 5, ""), ("verify-required", 1, "no_user_verification"),
    ("verify-required", 4, "no_user_presence"), ("verify-required,no-touch-required", 4, ""),
    ("verify-required,no-touch-required", 0, "no_user_verification"),
  ])
  func `a security key must prove presence and verification as the line requires`(
    options: String, flags: UInt8, reason: String
  ) throws {
    for token in try [SecurityKey(.ed25519), SecurityKey(.ecdsa)] {
      var files = Files()
      files.add("\(options) \(token.publicKey.text)\n")
      let client = try Client()
      let verdict = try authority().verdict(
        files.question(client, try token.request(flags: flags, sessionID: client.sessionID)), files)
      #expect(verdict.reason?.code ?? "" == reason)
      #expect((verdict.outcome == .accepted) == reason.isEmpty)
    }
  }

  // MARK: Revocation

  @Test func `a revoked key is refused in every way that it can be listed`() throws {
    let client = try Client()
    let list = Array("# stolen\n\(client.key.publicKey.text)\n".utf8)
    for isSigned in [false, true] {
      let verdict = try verdict(client, options: "pty", isSigned: isSigned) { $0.auth.revokedKeys = list }
      #expect(verdict.outcome == .rejected && verdict.reason == "revoked_key")
      #expect(verdict.place == "auth.publickey.revoked_keys")
    }
    #expect(try verdict(try Client(), options: "pty") { $0.auth.revokedKeys = list }.outcome == .accepted)
  }

  @Test func `an unreadable revocation list refuses certificates as well as keys`() throws {
    let client = try Client()
    let trusted = try CertificateAuthority()
    let certificate = try trusted.certify(client.key.publicKey)
    for (list, reason) in [(nil, ""), (Array("nonsense".utf8), "unreadable_revocations")] as [([UInt8]?, String)] {
      for isSigned in [false, true] {
        for shown in [nil, certificate] {
          var files = Files()
          files.add("\(client.key.publicKey.text)\ncert-authority \(trusted.key.publicKey.text)\n")
          let request = try client.request(isSigned: isSigned, certificate: shown)
          let verdict = try authority { $0.auth.revokedKeys = list }.verdict(files.question(client, request), files)
          #expect((verdict.outcome == .rejected) == (list != nil) && verdict.reason?.code ?? "" == reason)
          #expect((verdict.place == "auth.publickey.revoked_keys") == (list != nil))
        }
      }
    }
  }

  @Test func `revoking a key revokes its certificates, and revoking a CA key all that it signed`() throws {
    let client = try Client()
    let authority = try CertificateAuthority()
    let certificate = try authority.certify(client.key.publicKey)
    for (revoked, isGood) in [
      (client.key.publicKey, false), (authority.key.publicKey, false), (try Client().key.publicKey, true),
    ] {
      let request = try client.request(certificate: certificate)
      let verdict = try AuthorityTests.authority {
        $0.auth.trustedUserCAKeys = Array(authority.key.publicKey.text.utf8)
        $0.auth.revokedKeys = Array(revoked.text.utf8)
      }.verdict(Files().question(client, request))
      #expect((verdict.outcome == .accepted) == isGood)
      #expect(isGood || verdict.reason == "revoked_key")
    }
  }

  @Test(arguments: ["nonsense", "SSHKRL\n\0cut"]) func `an unreadable revocation list refuses every key`(list: String)
    throws
  {
    let verdict = try verdict(try Client(), options: "pty") { $0.auth.revokedKeys = Array(list.utf8) }
    #expect(verdict.outcome == .rejected && verdict.reason == "unreadable_revocations")
  }
}

/// A security key in software, and the requests that it signs.
struct SecurityKey {
  let publicKey: PublicKey
  private let inner: HostKey

  init(_ kind: HostKey.Kind) throws {
    inner = try HostKey.generate(kind)
    let application = Array("ssh:".utf8)
    switch inner.publicKey.material {
    case .ed25519(let point): publicKey = PublicKey(.securityKeyEd25519(point: point, application: application))
    case .ecdsa(_, let point): publicKey = PublicKey(.securityKeyECDSA(point: point, application: application))
    case .rsa, .securityKeyEd25519, .securityKeyECDSA: throw CredentialError.library("make a security key")
    }
  }

  func request(flags: UInt8, sessionID: [UInt8]) throws -> [UInt8] {
    var writer = WireWriter()
    for text in ["anna", "ssh-connection", "publickey"] { writer.text(text) }
    writer.boolean(true)
    writer.text(publicKey.type)
    writer.string(publicKey.blob)
    var data = WireWriter()
    data.string(sessionID)
    data.byte(50)
    data.raw(writer.bytes)
    var signed = WireWriter()
    signed.raw(sha256(Array("ssh:".utf8)))
    signed.byte(flags)
    signed.uint32(9)
    signed.raw(sha256(data.bytes))
    let bytes = try SignatureBlob(try inner.sign(signed.bytes, algorithm: inner.publicKey.type)[...]).bytes
    writer.string(
      SignatureBlob(algorithm: publicKey.type, bytes: bytes, securityKey: .init(flags: flags, counter: 9)).wireBytes)
    return writer.bytes
  }
}
