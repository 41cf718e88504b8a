import Testing
import Wire

@testable import Authentication

@Suite struct PublicKeyTests {
  @Test func `a key of every type parses to what was encoded`() throws {
    #expect(Set(Keys.all.map(\.type)) == Set(PublicKey.types))
    for key in Keys.all {
      #expect(try PublicKey(blob: key.blob[...]) == key)
      #expect(try PublicKey(text: Array(key.text.utf8)[...]) == key)
      #expect(try PublicKey(text: Array("\(key.text) a comment".utf8)[...]) == key)
    }
  }

  @Test func `a truncated blob or one with trailing bytes is refused`() {
    for key in Keys.all {
      for length in key.blob.indices {
        #expect(throws: PublicKeyError.self) { try PublicKey(blob: key.blob[..<length]) }
      }
      #expect(throws: PublicKeyError.blob(.trailingBytes)) { try PublicKey(blob: (key.blob + [0])[...]) }
    }
  }

  @Test(arguments: ["ssh-dss", "ssh-ed448", "ssh-rsa-cert-v01@openssh.com", "", "SSH-RSA", "rsa-sha2-512"])
  func `unsupported key types are refused`(type: String) {
    #expect(throws: PublicKeyError.type) { try PublicKey(blob: Keys.blob(Array(type.utf8), [1, 2, 3])[...]) }
  }

  @Test func `points of the wrong length or form and foreign curves are refused`() {
    for count in [0, 31, 33] {
      let blob = Keys.blob(Array("ssh-ed25519".utf8), Array(repeating: 1, count: count))
      #expect(throws: PublicKeyError.point) { try PublicKey(blob: blob[...]) }
    }
    let type = Array("ecdsa-sha2-nistp256".utf8)
    for point in [[], [4], [4] + Array(repeating: 1, count: 63), [2] + Array(repeating: 1, count: 64)] as [[UInt8]] {
      let blob = Keys.blob(type, Array("nistp256".utf8), point)
      #expect(throws: PublicKeyError.point) { try PublicKey(blob: blob[...]) }
    }
    let foreign = Keys.blob(type, Array("nistp384".utf8), [4] + Array(repeating: 1, count: 64))
    #expect(throws: PublicKeyError.curve) { try PublicKey(blob: foreign[...]) }
  }

  @Test(arguments: [
    (1024, true), (2047, true), (2048, false), (2049, false), (3072, false), (16384, false),
  ])
  func `the size of an RSA key is the length of its modulus, and below 2048 bits it is too small`(
    bits: Int, isTooSmall: Bool
  ) {
    let key = Keys.rsa(bits: bits)
    #expect(key.bits == bits)
    #expect(key.isTooSmall == isTooSmall)
    #expect((try? PublicKey(blob: key.blob[...])) == key)
  }

  @Test func `RSA numbers out of range are refused`() {
    let type = Array("ssh-rsa".utf8)
    let modulus = [1] + Array(repeating: 0, count: 255) + [1] as [UInt8]
    let wrong: [([UInt8], [UInt8])] = [
      ([], modulus), ([1], modulus), ([2], modulus), ([1, 0, 1], []), ([1, 0, 1], [2]),
      ([1, 0, 1], [0x80, 1]), ([0x81], modulus), ([0, 3], modulus), (Array(repeating: 1, count: 9), modulus),
      ([1, 0, 1], Array(repeating: 1, count: 2049)), ([1, 0, 1], Array(repeating: 1, count: 2050)),
    ]
    for (exponent, modulus) in wrong {
      #expect(throws: PublicKeyError.self) { try PublicKey(blob: Keys.blob(type, exponent, modulus)[...]) }
    }
  }

  @Test func `no signature algorithm uses SHA-1`() {
    for key in Keys.all {
      #expect(!key.signatureAlgorithms.isEmpty)
      #expect(!key.signatureAlgorithms.contains("ssh-rsa"))
    }
    #expect(Keys.rsa.signatureAlgorithms == ["rsa-sha2-512", "rsa-sha2-256"])
  }

  @Test(arguments: ["", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-ed25519 ====", "x y z"])
  func `text that is not a key is refused`(text: String) {
    #expect(throws: PublicKeyError.self) { try PublicKey(text: Array(text.utf8)[...]) }
  }

  @Test func `text whose type differs from the one inside is refused`() {
    let text = Keys.ed25519.text.replacing("ssh-ed25519", with: "ssh-rsa")
    #expect(throws: PublicKeyError.typesDiffer) { try PublicKey(text: Array(text.utf8)[...]) }
  }
}

@Suite struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `the Base64 test vectors of RFC 4648 encode and decode`(plain: String, text: String) {
    #expect(Base64.encode(Array(plain.utf8)) == Array(text.utf8))
    #expect(Base64.decode(Array(text.utf8)) == Array(plain.utf8))
    let bare = text.replacing("=", with: "")
    #expect(Base64.encode(Array(plain.utf8), padded: false) == Array(bare.utf8))
    #expect(Base64.decode(Array(bare.utf8), padded: false) == Array(plain.utf8))
  }

  @Test(arguments: [
    "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "Z g=", "Zm9v\n", "====", "=", "Zm9_", "Zm=v",
  ])
  func `Base64 that is not canonical is refused`(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
  }

  @Test func `every byte survives Base64 encoding and decoding`() {
    for count in 0..<260 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
  }
}
