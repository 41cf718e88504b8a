import Testing

@testable import Digests

@Suite struct FileDigestTests {
  private static let known: [(FileDigest, String, String)] = [
    (.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
    (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
    (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      .sha512, "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        + "454d4423643ce80e2a9ac94fa54ca49f"
    ),
    (.sha1, "million", "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    (.sha256, "million", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    (.md5, "million", "7707d6ae4e027c70eea2a935c2296f21"),
    (
      .sha512, "million",
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31b"
        + "eb009c5c2c49aa2e4eadb217ad8cc09b"
    ),
  ]

  @Test func `hashes match the standard test vectors for every piece size`() {
    for (digest, text, expected) in Self.known {
      let bytes = text == "million" ? [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000) : Array(text.utf8)
      for size in [1, 63, 64, 65, 1000, 1_000_000] where size > 1 || bytes.count < 100 {
        var running = digest.begin()
        var rest = bytes[...]
        while !rest.isEmpty {
          running.add(rest.prefix(size))
          rest = rest.dropFirst(size)
        }
        #expect(hex(running.finished()) == expected, "\(digest) of \(text)")
        #expect(running.finished().count == digest.size)
      }
    }
  }
  @Test func `a hash in one call equals the hash of single bytes`() {
    for count in 0..<300 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      var digest = FileDigest.sha256.begin()
      for byte in bytes { digest.add([byte]) }
      #expect(SHA256.hash(bytes[...]) == digest.finished(), "\(count) bytes")
      #expect(SHA256.hash(([1] + bytes)[1...]) == digest.finished(), "a slice of \(count) bytes")
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
