import Authentication
import Foundation
import Testing
import Wire

@testable import Credentials

/// Revocation lists as ssh-keygen writes them.
@Suite struct RevokedKeysTests {
  private let scratch: Scratch
  private let key: PublicKey
  private let other: PublicKey

  init() throws {
    scratch = try Scratch()
    for name in ["key", "other", "ca"] {
      _ = try Run.sshKeygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", scratch.file(name))
    }
    key = try PublicKey(text: try scratch.bytes("key.pub").dropLast()[...])
    other = try PublicKey(text: try scratch.bytes("other.pub").dropLast()[...])
  }

  /// The list that ssh-keygen makes from a specification.
  private func list(_ specification: String, _ options: [String] = []) throws -> [UInt8] {
    try scratch.write(Array(specification.utf8), to: "specification")
    let arguments = ["-q", "-k", "-f", scratch.file("krl")] + options + [scratch.file("specification")]
    let run = try Run("/usr/bin/ssh-keygen", arguments)
    #expect(run.status == 0, "\(run.output)")
    return try scratch.bytes("krl")
  }

  /// A certificate for the key, signed by the CA.
  private func certificate(_ serial: UInt64, id: String = "id") throws -> Certificate {
    let run = try Run.sshKeygen(
      "-q", "-s", scratch.file("ca"), "-I", id, "-n", "anna", "-z", "\(serial)", scratch.file("key.pub"))
    #expect(run.status == 0, "\(run.output)")
    let text = String(decoding: try scratch.bytes("key-cert.pub"), as: UTF8.self)
    let blob = try #require(Base64.decode(Array(text.split(separator: " ")[1].utf8)))
    return try Certificate(blob: blob[...])
  }

  @Test func `a CA signature on a certificate verifies`() throws {
    let certificate = try certificate(7, id: "anna's")
    #expect(certificate.key == key && certificate.serial == 7 && certificate.principals == [Array("anna".utf8)])
    try Verifier.verify(certificate.signature, over: certificate.signedData, by: certificate.authority)
    #expect(throws: Verifier.Failure.signature) {
      try Verifier.verify(certificate.signature, over: certificate.signedData + [0], by: certificate.authority)
    }
  }

  @Test(arguments: ["", "sha1: ", "sha256: "]) func `a key is revoked by its blob and by its hashes`(way: String) throws
  {
    let line = String(decoding: try scratch.bytes("key.pub"), as: UTF8.self)
    let revoked = try RevokedKeys(try list(way + line))
    #expect(revoked.revokes(key) && !revoked.revokes(other))
    #expect(revoked.revokes(try certificate(1)))
  }

  @Test func `a key is revoked by a text list and by a fingerprint`() throws {
    let revoked = try RevokedKeys(Array(key.text.utf8))
    #expect(revoked.revokes(key) && !revoked.revokes(other))
    let hashed = try RevokedKeys(try list("hash: \(key.fingerprint)\n"))
    #expect(hashed.revokes(key) && !hashed.revokes(other))
  }

  @Test func `certificates are revoked by serial number and key ID in every encoding of ssh-keygen`() throws {
    // ssh-keygen encodes numbers close together as a bitmap, scattered ones as a list, consecutive ones as a range.
    let numbers: [UInt64] = [1, 3, 5, 8, 9, 20, 22, 30] + [100_000, 900_000_000] + Array(5000...5010)
    let specification = numbers.map { "serial: \($0)\n" }.joined() + "serial: 70000-80000\nid: gone\n"
    let revoked = try RevokedKeys(try list(specification, ["-s", scratch.file("ca.pub")]))
    for number in numbers + [70000, 75000, 80000] { #expect(revoked.revokes(try certificate(number)), "\(number)") }
    for number: UInt64 in [2, 4, 21, 31, 4999, 5011, 69999, 80001, 99_999] {
      #expect(!revoked.revokes(try certificate(number)), "\(number)")
    }
    #expect(revoked.revokes(try certificate(2, id: "gone")))
    #expect(!revoked.revokes(key))
    let elsewhere = try RevokedKeys(try list(specification, ["-s", scratch.file("other.pub")]))
    #expect(!elsewhere.revokes(try certificate(3)))
  }

  @Test func `revoking a CA key revokes the certificates that it signed`() throws {
    let line = String(decoding: try scratch.bytes("ca.pub"), as: UTF8.self)
    let revoked = try RevokedKeys(try list(line))
    #expect(revoked.revokes(try certificate(1)) && !revoked.revokes(key))
  }

  @Test func `a signature on a list must be valid`() throws {
    let signer = try HostKey.generate(.ed25519)
    var list = WireWriter()
    list.raw(try self.list(String(decoding: try scratch.bytes("key.pub"), as: UTF8.self)))
    list.byte(4)
    list.string(signer.publicKey.blob)
    var good = list
    good.string(try signer.sign(list.bytes, algorithm: "ssh-ed25519"))
    #expect(try RevokedKeys(good.bytes).revokes(key))
    var bad = list
    bad.string(try signer.sign(list.bytes + [0], algorithm: "ssh-ed25519"))
    #expect(throws: RevocationListError("a signature of the revocation list is invalid")) {
      try RevokedKeys(bad.bytes)
    }
  }
}
