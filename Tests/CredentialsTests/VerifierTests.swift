import Authentication
import COpenSSL
import Foundation
import Testing
import Wire

@testable import Credentials

@Suite struct VerifierTests {
  @Test(arguments: [
    (UInt8(0), false, false), (1, true, false), (4, false, true), (5, true, true), (0xff, true, true),
  ])
  func `a security key's signature verifies with any flags and its flags and counter are returned`(
    flags: UInt8, isTouched: Bool, isVerified: Bool
  ) throws {
    for token in [try Token.ed25519(), try Token.ecdsa()] {
      let data = Array("signed data".utf8)
      let signature = try token.sign(data, flags: flags)
      let says = try Verifier.verify(signature, over: data, by: token.publicKey, algorithm: token.publicKey.type)
      #expect(says == .init(flags: flags, counter: 7))
      #expect(says?.provesUserPresence == isTouched && says?.provesUserVerification == isVerified)
      #expect(throws: Verifier.Failure.signature) {
        try Verifier.verify(signature, over: data + [1], by: token.publicKey, algorithm: token.publicKey.type)
      }
    }
  }

  @Test func `changing the flags or counter after signing is refused`() throws {
    for token in [try Token.ed25519(), try Token.ecdsa()] {
      let blob = try SignatureBlob(try token.sign([1], flags: 0)[...])
      let lie = SignatureBlob(algorithm: blob.algorithm, bytes: blob.bytes, securityKey: .init(flags: 1, counter: 7))
      #expect(throws: Verifier.Failure.signature) {
        try Verifier.verify(lie.wireBytes, over: [1], by: token.publicKey, algorithm: token.publicKey.type)
      }
    }
  }

  @Test func `a signature for another application is refused`() throws {
    let token = try Token.ed25519(application: "ssh:other")
    let signature = try token.sign([1], flags: 1)
    guard case .securityKeyEd25519(let point, _) = token.publicKey.material else { return }
    let key = PublicKey(.securityKeyEd25519(point: point, application: Array("ssh:".utf8)))
    #expect(throws: Verifier.Failure.signature) {
      try Verifier.verify(signature, over: [1], by: key, algorithm: key.type)
    }
  }

  @Test func `a point off the curve is refused`() {
    let key = PublicKey(.ecdsa(.p256, point: [4] + Array(repeating: 1, count: 64)))
    let signature = SignatureBlob(algorithm: key.type, bytes: ECDSASignature(r: [1], s: [1]).wireBytes).wireBytes
    #expect(throws: Verifier.Failure.key) { try Verifier.verify(signature, over: [1], by: key, algorithm: key.type) }
  }

  @Test func `an ECDSA signature with zeros or negative numbers is refused`() throws {
    let key = try HostKey.generate(.ecdsa).publicKey
    for numbers: [UInt8] in [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0x80, 0, 0, 0, 1, 1], []] {
      let signature = SignatureBlob(algorithm: key.type, bytes: numbers).wireBytes
      #expect(throws: Verifier.Failure.malformed) {
        try Verifier.verify(signature, over: [1], by: key, algorithm: key.type)
      }
    }
  }

  @Test(arguments: ["sha256", "sha512", "sha1"])
  func `RSA signatures by openssl verify unless they use SHA-1`(digest: String) throws {
    let scratch = try Scratch()
    _ = try Run.sshKeygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", scratch.file("key"))
    let key = try PublicKey(text: try scratch.bytes("key.pub").dropLast()[...])
    try scratch.write([1, 2, 3], to: "data")
    let run = try Run.openssl(
      "dgst", "-\(digest)", "-sign", scratch.file("key"), "-out", scratch.file("signature"), scratch.file("data"))
    #expect(run.status == 0, "\(run.output)")
    let raw = try scratch.bytes("signature")
    for algorithm in ["rsa-sha2-256", "rsa-sha2-512"] {
      let signature = SignatureBlob(algorithm: algorithm, bytes: raw).wireBytes
      if algorithm == "rsa-sha2-\(digest.dropFirst(3))" {
        try Verifier.verify(signature, over: [1, 2, 3], by: key, algorithm: algorithm)
      } else {
        #expect(throws: Verifier.Failure.signature) {
          try Verifier.verify(signature, over: [1, 2, 3], by: key, algorithm: algorithm)
        }
      }
    }
  }

  /// RFC 8032, section 7.1, test 2.
  @Test func `the Ed25519 test vector of RFC 8032 verifies`() throws {
    let point = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    let raw =
      bytes("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da")
      + bytes("085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    let signature = SignatureBlob(algorithm: "ssh-ed25519", bytes: raw).wireBytes
    try Verifier.verify(
      signature, over: [0x72], by: PublicKey(.ed25519(point: point)), algorithm: "ssh-ed25519")
  }

  private func bytes(_ hex: String) -> [UInt8] {
    stride(from: 0, to: hex.count, by: 2).map { start in
      let first = hex.index(hex.startIndex, offsetBy: start)
      return UInt8(hex[first..<hex.index(first, offsetBy: 2)], radix: 16) ?? 0
    }
  }
}

/// A security key in software, which signs the same data as a real one.
struct Token {
  let publicKey: PublicKey
  private let inner: HostKey
  private let application: [UInt8]

  static func ed25519(application: String = "ssh:") throws -> Token {
    let inner = try HostKey.generate(.ed25519)
    guard case .ed25519(let point) = inner.publicKey.material else { throw CredentialError.library("test") }
    let application = Array(application.utf8)
    return Token(
      publicKey: PublicKey(.securityKeyEd25519(point: point, application: application)), inner: inner,
      application: application)
  }

  static func ecdsa() throws -> Token {
    let inner = try HostKey.generate(.ecdsa)
    guard case .ecdsa(_, let point) = inner.publicKey.material else { throw CredentialError.library("test") }
    let application = Array("ssh:".utf8)
    return Token(
      publicKey: PublicKey(.securityKeyECDSA(point: point, application: application)), inner: inner,
      application: application)
  }

  func sign(_ data: [UInt8], flags: UInt8) throws -> [UInt8] {
    var writer = WireWriter()
    writer.raw(sha256(application))
    writer.byte(flags)
    writer.uint32(7)
    writer.raw(sha256(data))
    let signature = try inner.sign(writer.bytes, algorithm: inner.publicKey.type)
    let bytes = try SignatureBlob(signature[...]).bytes
    return SignatureBlob(
      algorithm: publicKey.type, bytes: bytes, securityKey: .init(flags: flags, counter: 7)
    ).wireBytes
  }
}
