import Foundation
import Testing

@testable import Server

@Suite struct QRCodeTests {
  static let texts = [
    "x", "HELLO WORLD 123", "otpauth://totp/host:anna?secret=GEZDGNBVGY3TQOJQ&issuer=host&algorithm=SHA1&digits=6",
    String(repeating: "otpauth%20", count: 80), "Grüße",
  ]

  /// The output of qrencode(1).
  private func drawing(of text: String, type: String) throws -> String {
    let outcome = try bsshServer("-t", type, "-m", "4", text, program: "/usr/bin/qrencode")
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome.output
  }

  @Test(arguments: texts)
  func `in half blocks the code is the one of qrencode, module for module`(text: String) throws {
    let code = try #require(QRCode(text))
    let reference = try drawing(of: text, type: "UTF8")
    let colored = try drawing(of: text, type: "ANSIUTF8")
    #expect(code.halfBlocks(colored: false) == reference)
    #expect(code.halfBlocks(colored: true) == colored)
    let lines = code.halfBlocks(colored: false).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count == code.columns })
  }

  @Test(arguments: texts)
  func `in plain text the code is the one of qrencode, module for module`(text: String) throws {
    let reference = try drawing(of: text, type: "ASCII")
    #expect(try #require(QRCode(text)).plain == reference)
  }

  @Test func `text that is too long, empty or contains a NUL has no code`() {
    #expect(QRCode(String(repeating: "a", count: 3000)) == nil)
    #expect(QRCode("") == nil)
    #expect(QRCode("a\0b") == nil)
  }
}
