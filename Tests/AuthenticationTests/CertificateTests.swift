import Testing
import Wire

@testable import Authentication

@Suite struct CertificateTests {
  @Test func `a certificate for every key type parses to what was encoded`() throws {
    #expect(Certificate.types.count == PublicKey.types.count)
    for key in Keys.all {
      let form = CertificateForm {
        $0.key = key
        $0.critical = [("force-command", [1])]
        $0.extensions = [("permit-pty", []), ("x@y", [2])]
      }
      let certificate = try form.certificate()
      #expect(Certificate.isCertificate(form.blob))
      #expect(Certificate.types.contains(certificate.type))
      #expect(certificate.key == key)
      #expect(certificate.serial == 7 && certificate.kind == .user)
      #expect(certificate.keyID == form.keyID && certificate.principals == form.principals)
      #expect(certificate.validAfter == 1000 && certificate.validBefore == 2000)
      #expect(certificate.criticalOptions == [.init(name: Array("force-command".utf8), data: [1])])
      #expect(certificate.extensions.map(\.name) == [Array("permit-pty".utf8), Array("x@y".utf8)])
      #expect(certificate.authority == Keys.rsa && certificate.signature == [1, 2, 3])
      // Everything before the signature, which is a string of three bytes.
      #expect(certificate.signedData == form.blob.dropLast(7))
    }
  }

  @Test(
    arguments: [
      ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"), ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512"),
      ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com"), ("rsa-sha2-256", nil),
      ("ssh-dss-cert-v01@openssh.com", nil), ("", nil),
    ] as [(String, String?)])
  func `a certificate algorithm maps to its plain signature algorithm`(name: String, plain: String?) {
    #expect(Certificate.plainAlgorithm(name) == plain)
  }

  @Test func `an RSA certificate signs only with SHA-2`() throws {
    let certificate = try CertificateForm { $0.key = Keys.rsa }.certificate()
    #expect(certificate.type == "ssh-rsa-cert-v01@openssh.com")
    #expect(
      certificate.signatureAlgorithms == ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"])
  }

  @Test func `a truncated blob or one with trailing bytes is refused`() {
    for key in Keys.all {
      let blob = CertificateForm { $0.key = key }.blob
      for length in blob.indices {
        #expect(throws: CertificateError.self) { try Certificate(blob: blob[..<length]) }
      }
      #expect(throws: CertificateError.blob(.trailingBytes)) { try Certificate(blob: (blob + [0])[...]) }
    }
  }

  @Test func `changing any byte gives a different certificate or an error and never traps`() {
    let blob = CertificateForm { $0.critical = [("force-command", CertificateForm.string("date"))] }.blob
    for place in blob.indices {
      for change: UInt8 in [0, 1, 0x7f, 0x80, 0xff] where blob[place] != change {
        var bytes = blob
        bytes[place] = change
        if let certificate = try? Certificate(blob: bytes[...]) { _ = try? CertificateOptions(certificate) }
      }
    }
  }

  @Test(arguments: [
    "ssh-ed25519", "ssh-dss-cert-v01@openssh.com", "ssh-ed25519-cert-v00@openssh.com", "ssh-rsa-cert-v01@openssh.com2",
  ])
  func `other types are not accepted as certificates`(type: String) {
    let form = CertificateForm { $0.type = type }
    #expect(!Certificate.isCertificate(form.blob))
    #expect(throws: CertificateError.type) { try form.certificate() }
  }

  @Test func `the certified key must have the type that the certificate names`() {
    #expect(throws: CertificateError.self) {
      try CertificateForm { $0.type = "ecdsa-sha2-nistp256-cert-v01@openssh.com" }.certificate()
    }
    let weak = CertificateForm {
      $0.key = PublicKey(.rsa(exponent: [2], modulus: [1, 1]))
    }
    #expect(throws: CertificateError.key(.rsaNumbers)) { try weak.certificate() }
  }

  @Test func `a certificate cannot be a CA key`() {
    let nested = CertificateForm { $0.authority = CertificateForm().blob }
    #expect(throws: CertificateError.authority(.type)) { try nested.certificate() }
    let old = CertificateForm { $0.authority = Keys.blob(Array("ssh-dss".utf8), [1]) }
    #expect(throws: CertificateError.authority(.type)) { try old.certificate() }
  }

  @Test(arguments: [UInt32(0), 3, .max]) func `only the kinds user and host are accepted`(kind: UInt32) throws {
    #expect(throws: CertificateError.blob(.malformed)) { try CertificateForm { $0.kind = kind }.certificate() }
    #expect(try CertificateForm { $0.kind = 2 }.certificate().kind == .host)
  }

  @Test func `names with a NUL byte and more than 256 principals are refused`() throws {
    #expect(throws: CertificateError.blob(.malformed)) { try CertificateForm { $0.keyID = [97, 0] }.certificate() }
    #expect(throws: CertificateError.blob(.malformed)) {
      try CertificateForm { $0.principals = [Array("anna\0".utf8)] }.certificate()
    }
    let most = CertificateForm { $0.principals = Array(repeating: [97], count: 256) }
    #expect(try most.certificate().principals.count == 256)
    let more = CertificateForm { $0.principals = Array(repeating: [97], count: 257) }
    #expect(throws: CertificateError.blob(.tooLong)) { try more.certificate() }
  }
}
