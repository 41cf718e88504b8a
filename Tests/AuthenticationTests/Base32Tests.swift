import Testing

@testable import Authentication

@Suite struct Base32Tests {
  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "MY======"), ("fo", "MZXQ===="), ("foo", "MZXW6==="), ("foob", "MZXW6YQ="), ("fooba", "MZXW6YTB"),
    ("foobar", "MZXW6YTBOI======"),
  ])
  func `the examples of RFC 4648 encode and decode`(bytes: String, text: String) throws {
    #expect(try Base32.decode(text.utf8) == Array(bytes.utf8))
    let unpadded = text.prefix { $0 != "=" }
    #expect(try Base32.decode(unpadded.utf8) == Array(bytes.utf8))
    #expect(Base32.encode(Array(bytes.utf8)) == Array(unpadded.utf8))
  }

  @Test func `lower case and blanks decode, as devices display them`() throws {
    #expect(try Base32.decode("mzxw 6ytb oi".utf8) == Array("foobar".utf8))
  }

  @Test(arguments: [
    ("MZXW0", Base32.DecodeError.character(5)), ("1ZXW", .character(1)), ("MZ XW8", .character(6)),
    ("MZ-XW", .character(3)),
    ("MZXW\u{e9}", .character(5)), ("MZ=XW", .character(4)), ("====", .character(1)), ("MZXW6=Y", .character(7)),
    ("M", .length), ("MZX", .length), ("MZXW6Y", .length), ("MZXW6YTBO", .length),
  ])
  func `invalid Base32 is refused with the position of the fault`(text: String, fault: Base32.DecodeError) {
    #expect(throws: fault) { try Base32.decode(text.utf8) }
  }

  @Test func `any bytes survive encoding and decoding`() throws {
    var random = SystemRandomNumberGenerator()
    for count in 0...64 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(try Base32.decode(Base32.encode(bytes)) == bytes)
    }
  }
}
