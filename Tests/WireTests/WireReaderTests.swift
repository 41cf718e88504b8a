import TestSupport
import Testing
import Wire

@Suite struct WireReaderTests {
  @Test func `numbers are big-endian`() throws {
    var reader = WireReader([0x29, 0xb7, 0xf4, 0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(try reader.uint32() == 699_921_578)
    #expect(try reader.uint64() == 0x0102_0304_0506_0708)
    #expect(try reader.byte() == 9)
    #expect(reader.isAtEnd)
  }

  @Test func `the largest numbers are read`() throws {
    var reader = WireReader([UInt8](repeating: 255, count: 12))
    #expect(try reader.uint32() == .max)
    #expect(try reader.uint64() == .max)
  }

  @Test(arguments: UInt8.min...UInt8.max) func `every boolean but 0 is true`(byte: UInt8) throws {
    var reader = WireReader([byte])
    #expect(try reader.boolean() == (byte != 0))
  }

  @Test func `the reader is at the end when nothing is left`() throws {
    var reader = WireReader([1, 2])
    #expect(reader.count == 2 && !reader.isAtEnd && Array(reader.rest) == [1, 2])
    #expect(throws: WireError.trailingBytes) { try reader.end() }
    _ = try reader.raw(2)
    #expect(reader.count == 0 && reader.isAtEnd && reader.rest.isEmpty)
    try reader.end()
  }

  @Test func `a slice is read from its start to its end`() throws {
    var reader = WireReader([9, 9, 0, 0, 0, 1, 7, 9][2..<7])
    #expect(Array(try reader.string()) == [7])
    #expect(throws: WireError.truncated) { try reader.byte() }
  }

  @Test func `raw bytes are returned exactly, and never more than there are`() throws {
    var reader = WireReader([1, 2, 3])
    #expect(try reader.raw(0).isEmpty)
    #expect(throws: WireError.truncated) { try reader.raw(4) }
    #expect(throws: WireError.truncated) { try reader.raw(.max) }
    #expect(throws: WireError.truncated) { try reader.raw(-1) }
    #expect(throws: WireError.truncated) { try reader.raw(.min) }
    #expect(Array(try reader.raw(3)) == [1, 2, 3])
  }

  static let values: [(name: String, bytes: [UInt8], read: @Sendable (inout WireReader) throws -> Void)] = [
    ("byte", [7], { _ = try $0.byte() }),
    ("boolean", [1], { _ = try $0.boolean() }),
    ("uint32", [0, 0, 1, 0], { _ = try $0.uint32() }),
    ("uint64", [0, 0, 0, 0, 0, 0, 1, 0], { _ = try $0.uint64() }),
    ("raw", [1, 2, 3], { _ = try $0.raw(3) }),
    ("string", [0, 0, 0, 3, 1, 2, 3], { _ = try $0.string() }),
    ("text", [0, 0, 0, 2, 0xc3, 0xa4], { _ = try $0.text() }),
    ("name-list", [0, 0, 0, 3, 97, 44, 98], { _ = try $0.nameList() }),
    ("mpint", [0, 0, 0, 2, 0, 0x80], { _ = try $0.unsignedMPInt() }),
    (
      "optional", [1, 0, 0, 0, 1], { _ = try $0.optional { (r: inout WireReader) throws(WireError) in try r.uint32() } }
    ),
  ]

  @Test(arguments: values.indices) func `a value cut anywhere is truncated`(index: Int) throws {
    let (name, bytes, read) = Self.values[index]
    for length in 0..<bytes.count {
      var reader = WireReader(bytes[..<length])
      #expect(throws: WireError.truncated, "\(name) of \(length) bytes") { try read(&reader) }
    }
    var reader = WireReader(bytes + [9])
    try read(&reader)
    #expect(Array(reader.rest) == [9], "\(name)")
  }

  static let limited: [(name: String, read: @Sendable (inout WireReader, Int) throws -> Int)] = [
    ("string", { try $0.string(limit: $1).count }),
    ("text", { try $0.text(limit: $1).utf8.count }),
    ("name-list", { try $0.nameList(limit: $1).joined(separator: ",").utf8.count }),
    ("mpint", { try $0.unsignedMPInt(limit: $1).count }),
  ]

  @Test(arguments: limited.indices) func `limits are exact`(index: Int) throws {
    let (name, read) = Self.limited[index]
    let bytes: [UInt8] = [0, 0, 0, 5, 97, 98, 99, 100, 101]
    for limit in [5, 6, 1000, .max] {
      var reader = WireReader(bytes)
      #expect(try read(&reader, limit) == 5, "\(name)")
    }
    for limit in [0, 1, 4] {
      var reader = WireReader(bytes)
      #expect(throws: WireError.tooLong, "\(name)") { try read(&reader, limit) }
    }
  }

  @Test func `a length over the limit is refused before the bytes are read`() {
    var reader = WireReader([255, 255, 255, 255])
    #expect(throws: WireError.tooLong) { try reader.string(limit: 16) }
  }

  @Test func `a refused string does not advance the reader`() throws {
    var reader = WireReader([0, 0, 0, 2, 1])
    #expect(throws: WireError.truncated) { try reader.string() }
    #expect(throws: WireError.tooLong) { try reader.string(limit: 1) }
    #expect(reader.count == 5)
  }

  @Test(arguments: [UInt32(2), 0x7fff_ffff, 0x8000_0000, .max]) func `a length that exceeds the message is truncated`(
    length: UInt32
  ) {
    var writer = WireWriter()
    writer.uint32(length)
    writer.byte(0)
    var reader = WireReader(writer.bytes)
    #expect(throws: WireError.truncated) { try reader.string() }
  }

  @Test(
    arguments: [
      [0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [97, 0x80], [0], [97, 0, 98],
    ] as [[UInt8]]) func `text that is not UTF-8 or contains NUL is malformed`(bytes: [UInt8])
  {
    var writer = WireWriter()
    writer.string(bytes)
    var reader = WireReader(writer.bytes)
    #expect(throws: WireError.malformed) { try reader.text() }
    reader = WireReader(writer.bytes)
    #expect(throws: WireError.malformed) { try reader.nameList() }
  }

  @Test(arguments: ["", "a", "ä", "日本", "\u{10ffff}", "a\nb", "e\u{301}"]) func `text is read unchanged`(text: String)
    throws
  {
    var writer = WireWriter()
    writer.text(text)
    var reader = WireReader(writer.bytes)
    #expect(Array(try reader.text().utf8) == Array(text.utf8))
  }

  @Test(arguments: [
    ("", []), ("zlib", ["zlib"]), ("zlib,none", ["zlib", "none"]), (",", ["", ""]), ("a,,b", ["a", "", "b"]),
    ("a,\u{301}b", ["a", "\u{301}b"]),
  ]) func `a name-list is split at commas, and an empty one has no names`(text: String, names: [String]) throws {
    var writer = WireWriter()
    writer.text(text)
    var reader = WireReader(writer.bytes)
    #expect(try reader.nameList() == names)
  }

  // The non-negative examples of RFC 4251, section 5.
  @Test(
    arguments: [
      ([0, 0, 0, 0], []),
      (
        [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7], [0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
      ),
      ([0, 0, 0, 2, 0, 0x80], [0x80]),
    ] as [([UInt8], [UInt8])]) func `the mpints of the RFC are decoded`(bytes: [UInt8], magnitude: [UInt8]) throws
  {
    var reader = WireReader(bytes)
    #expect(Array(try reader.unsignedMPInt()) == magnitude)
    #expect(reader.isAtEnd)
  }

  @Test(
    arguments: [
      // -1234 and -deadbeef, from the RFC.
      [0, 0, 0, 2, 0xed, 0xcc], [0, 0, 0, 5, 0xff, 0x21, 0x52, 0x41, 0x11],
      // Unnecessary zeros: of 0, 127 and 128.
      [0, 0, 0, 1, 0], [0, 0, 0, 2, 0, 0x7f], [0, 0, 0, 3, 0, 0, 0x80],
    ] as [[UInt8]]) func `an mpint that is negative or has unnecessary zeros is malformed`(bytes: [UInt8])
  {
    var reader = WireReader(bytes)
    #expect(throws: WireError.malformed) { try reader.unsignedMPInt() }
  }

  @Test func `a count that exceeds the remaining bytes is refused`() throws {
    let rest = [UInt8](repeating: 0, count: 12)
    for (count, size, isTaken) in [
      (3, 4, true), (4, 4, false), (2, 5, true), (3, 5, false), (12, 1, true), (13, 1, false), (0, 100, true),
      (1, 13, false), (12, 0, true), (13, 0, false), (12, -1, true), (13, -1, false), (.max, 4, false),
      (0x8000_0000, 1, false),
    ] as [(UInt32, Int, Bool)] {
      var writer = WireWriter()
      writer.uint32(count)
      var reader = WireReader(writer.bytes + rest)
      if isTaken {
        #expect(try reader.count(minimumSize: size) == Int(count))
      } else {
        #expect(throws: WireError.tooLong) { try reader.count(minimumSize: size) }
      }
    }
  }

  @Test func `arbitrary bytes never make the reader trap or read past the end`() {
    var generator = SplitMix(seed: 4251)
    for _ in 0..<2000 {
      let bytes = generator.bytes(upTo: 40)
      var reader = WireReader(bytes)
      while !reader.isAtEnd {
        let before = reader.count
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: _ = try? reader.uint32()
        case 1: _ = try? reader.uint64()
        case 2: _ = try? reader.string(limit: 8)
        case 3: _ = try? reader.text()
        case 4: _ = try? reader.nameList()
        case 5: _ = try? reader.unsignedMPInt()
        case 6: _ = try? reader.count(minimumSize: 4)
        default: _ = try? reader.byte()
        }
        #expect(reader.count <= before && reader.count >= 0)
      }
    }
  }
}
