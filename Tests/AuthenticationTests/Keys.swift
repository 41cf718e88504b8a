import Wire

@testable import Authentication

/// One key of each type, with made-up numbers.
enum Keys {
  static let ed25519 = PublicKey(.ed25519(point: Array(1...32)))
  static let rsa = rsa(bits: 2048)
  static let all = [
    ed25519, rsa,
    PublicKey(.ecdsa(.p256, point: [4] + Array(repeating: 7, count: 64))),
    PublicKey(.ecdsa(.p384, point: [4] + Array(repeating: 7, count: 96))),
    PublicKey(.ecdsa(.p521, point: [4] + Array(repeating: 7, count: 132))),
    PublicKey(.securityKeyEd25519(point: Array(1...32), application: Array("ssh:".utf8))),
    PublicKey(.securityKeyECDSA(point: [4] + Array(repeating: 7, count: 64), application: Array("ssh:".utf8))),
  ]

  /// An RSA key with an odd modulus of exactly `bits` bits.
  static func rsa(bits: Int) -> PublicKey {
    var modulus = [UInt8](repeating: 0, count: (bits + 7) / 8)
    modulus[0] = 1 << UInt8((bits - 1) % 8)
    modulus[modulus.count - 1] |= 1
    return PublicKey(.rsa(exponent: [1, 0, 1], modulus: modulus))
  }

  /// A blob that consists of these strings.
  static func blob(_ strings: [UInt8]...) -> [UInt8] { blob(strings) }

  /// A blob that consists of these strings.
  static func blob(_ strings: [[UInt8]]) -> [UInt8] {
    var writer = WireWriter()
    for string in strings { writer.string(string) }
    return writer.bytes
  }
}
