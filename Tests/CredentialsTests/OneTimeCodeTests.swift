import Authentication
import Testing

@testable import Credentials

@Suite struct OneTimeCodeTests {
  static func secret(
    _ algorithm: OneTimeSecret.Algorithm, digits: OneTimeSecret.Digits = .eight
  ) -> OneTimeSecret {
    let size =
      switch algorithm {
      case .sha1: 20
      case .sha256: 32
      case .sha512: 64
      }
    let bytes = (0..<size).map { UInt8(ascii: "0") + UInt8(($0 + 1) % 10) }
    return OneTimeSecret(bytes: bytes, algorithm: algorithm, digits: digits)
  }

  /// RFC 6238, appendix B.
  static let vectors: [(time: Int64, sha1: String, sha256: String, sha512: String)] = [
    (59, "94287082", "46119246", "90693936"), (1_111_111_109, "07081804", "68084774", "25091201"),
    (1_111_111_111, "14050471", "67062674", "99943326"), (1_234_567_890, "89005924", "91819424", "93441116"),
    (2_000_000_000, "69279037", "90698825", "38618901"), (20_000_000_000, "65353130", "77737706", "47863826"),
  ]

  @Test func `the test vectors of RFC 6238 hold`() throws {
    for vector in Self.vectors {
      let step = OneTimeCode.step(at: vector.time)
      #expect(try Self.secret(.sha1).code(at: step) == vector.sha1)
      #expect(try Self.secret(.sha256).code(at: step) == vector.sha256)
      #expect(try Self.secret(.sha512).code(at: step) == vector.sha512)
      for (algorithm, code) in [
        (OneTimeSecret.Algorithm.sha1, vector.sha1), (.sha256, vector.sha256), (.sha512, vector.sha512),
      ] {
        #expect(try Self.secret(algorithm).step(of: Array(code.utf8), at: vector.time) == step)
      }
    }
  }

  /// RFC 4226, appendix D.
  @Test func `the test vectors of RFC 4226 hold with six digits`() throws {
    let codes = [
      "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
    ]
    for (step, code) in codes.enumerated() {
      #expect(try Self.secret(.sha1, digits: .six).code(at: UInt64(step)) == code)
    }
  }

  @Test func `a clock may be off by one time step in either direction`() throws {
    let secret = Self.secret(.sha1, digits: .six)
    let now: Int64 = 1_234_567_890
    let current = OneTimeCode.step(at: now)
    for (difference, isGood) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
      let step = UInt64(Int64(current) + Int64(difference))
      let code = Array(try secret.code(at: step).utf8)
      #expect(try secret.step(of: code, at: now) == (isGood ? step : nil), "\(difference)")
      // At the first and the last second of the step.
      let start = Int64(current) * OneTimeCode.period
      #expect(try secret.step(of: code, at: start) == (isGood ? step : nil))
      #expect(try secret.step(of: code, at: start + OneTimeCode.period - 1) == (isGood ? step : nil))
    }
  }

  @Test(arguments: [
    "", "287 08", "2870820", "87082", "287083", "0287082", "\u{662}87082", "287082\0", "28708 2 3", "%%%%%%",
  ])
  func `a wrong or malformed code is refused`(text: String) throws {
    #expect(try Self.secret(.sha1, digits: .six).step(of: Array(text.utf8), at: 30) == nil)
  }

  @Test func `spaces in a code are ignored`() throws {
    #expect(try Self.secret(.sha1, digits: .six).step(of: Array(" 287 082".utf8), at: 30) == 1)
  }

  @Test(arguments: OneTimeSecret.Algorithm.allCases)
  func `new secrets differ and have a form that the configuration accepts`(algorithm: OneTimeSecret.Algorithm) throws {
    let secret = try OneTimeSecret.make(algorithm: algorithm, digits: .eight)
    #expect(secret.bytes.count == [.sha1: 20, .sha256: 32, .sha512: 64][algorithm])
    #expect(try OneTimeSecret.make(algorithm: algorithm) != secret)
    #expect(try OneTimeSecret(base32: secret.base32, algorithm: algorithm, digits: .eight) == secret)
  }
}
