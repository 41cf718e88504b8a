import Testing
import Wire

@testable import Authentication

@Suite struct SignatureBlobTests {
  private static let blobs = [
    SignatureBlob(algorithm: "ssh-ed25519", bytes: Array(repeating: 1, count: 64)),
    SignatureBlob(
      algorithm: "sk-ssh-ed25519@openssh.com", bytes: Array(repeating: 1, count: 64),
      securityKey: .init(flags: 5, counter: 0xffff_fffe)),
  ]

  @Test func `signatures parse to what was encoded`() throws {
    for blob in Self.blobs { #expect(try SignatureBlob(blob.wireBytes[...]) == blob) }
  }

  @Test func `a truncated signature or one with trailing bytes is refused`() {
    for bytes in Self.blobs.map(\.wireBytes) {
      for length in bytes.indices { #expect(throws: WireError.self) { try SignatureBlob(bytes[..<length]) } }
      #expect(throws: WireError.self) { try SignatureBlob((bytes + [0])[...]) }
    }
  }

  @Test(arguments: [(UInt8(0), false), (1, true), (4, false), (5, true), (0xfe, false), (0xff, true)])
  func `user presence is bit 0 of the flags`(flags: UInt8, isTouched: Bool) {
    #expect(SignatureBlob.SecurityKey(flags: flags, counter: 0).provesUserPresence == isTouched)
  }

  @Test func `an ECDSA signature is two positive numbers of at most 66 bytes`() throws {
    let whole = ECDSASignature(r: [0x80, 1], s: [7])
    #expect(try ECDSASignature(whole.wireBytes[...]) == whole)
    for length in whole.wireBytes.indices {
      #expect(throws: WireError.self) { try ECDSASignature(whole.wireBytes[..<length]) }
    }
    let largest = Array(repeating: 0xff, count: 66) as [UInt8]
    #expect(try ECDSASignature(ECDSASignature(r: largest, s: [1]).wireBytes[...]).r == largest)
    for wrong in [
      ECDSASignature(r: largest + [1], s: [1]), ECDSASignature(r: [], s: [1]), ECDSASignature(r: [1], s: []),
    ] {
      #expect(throws: WireError.self) { try ECDSASignature(wrong.wireBytes[...]) }
    }
  }
}
