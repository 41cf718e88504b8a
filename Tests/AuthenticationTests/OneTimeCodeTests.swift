import Testing

@testable import Authentication

@Suite struct OneTimeCodeTests {
  static let windows: [(time: Int64, steps: [UInt64])] = [
    (0, [0, 1]), (29, [0, 1]), (30, [0, 1, 2]), (59, [0, 1, 2]), (60, [1, 2, 3]), (-1, [0, 1]), (.min, [0, 1]),
    (20_000_000_000, [666_666_665, 666_666_666, 666_666_667]),
  ]

  @Test(arguments: windows)
  func `a code is valid during its time step and the ones before and after`(time: Int64, steps: [UInt64]) {
    #expect(OneTimeCode.steps(at: time) == steps)
    #expect(steps.contains(OneTimeCode.step(at: time)))
  }

  @Test func `a time step is encoded in eight bytes`() {
    #expect(OneTimeCode.message(of: 0x0102_0304_0506_0708) == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(OneTimeCode.message(of: .max) == Array(repeating: 255, count: 8))
  }

  /// RFC 4226, section 5.4.
  @Test func `the truncation example of RFC 4226 holds`() {
    let mac: [UInt8] = [
      0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94, 0x5b, 0x55,
      0x5a,
    ]
    #expect(OneTimeCode.text(of: mac, digits: .six) == Array("872921".utf8))
    #expect(OneTimeCode.text(of: mac, digits: .eight) == Array("57872921".utf8))
  }

  @Test func `an HMAC of any content and length gives all digits or none and never traps`() {
    for last in UInt8.min...UInt8.max {
      for count in [20, 32, 64] {
        let mac = [UInt8](repeating: 0xff, count: count - 1) + [last]
        #expect(OneTimeCode.text(of: mac, digits: .six).count == 6)
        #expect(OneTimeCode.text(of: mac, digits: .eight).count == 8)
      }
    }
    for count in 0..<20 { #expect(OneTimeCode.text(of: [UInt8](repeating: 7, count: count), digits: .six) == []) }
    #expect(OneTimeCode.text(of: [UInt8](repeating: 0, count: 20), digits: .eight) == Array("00000000".utf8))
  }

  @Test func `a secret parses to what was encoded`() throws {
    let secret = OneTimeSecret(bytes: Array(0..<20), algorithm: .sha256, digits: .eight)
    #expect(try OneTimeSecret(base32: secret.base32, algorithm: .sha256, digits: .eight) == secret)
  }

  @Test(arguments: [(15, false), (16, true), (128, true), (129, false)])
  func `a secret has 16 to 128 bytes`(count: Int, isGood: Bool) throws {
    let text = String(decoding: Base32.encode([UInt8](repeating: 1, count: count)), as: UTF8.self)
    if isGood {
      #expect(try OneTimeSecret(base32: text).bytes.count == count)
    } else {
      #expect(throws: OneTimeSecretError.size(count * 8)) { try OneTimeSecret(base32: text) }
    }
  }

  @Test(arguments: ["SECRETSECRETSECRET0SECRETSECRET", "SECRETSECRET", "SECRETSECRETSECRETSECRETSECRET"])
  func `errors in a secret are described without quoting it`(text: String) {
    do throws(OneTimeSecretError) {
      _ = try OneTimeSecret(base32: text)
      Issue.record("it was read")
    } catch {
      #expect(!"\(error)".contains("SECRET"))
      #expect("\(error)".contains("'bssh-server totp-setup' creates"))
    }
  }
}
