import TestSupport
import Testing
import Wire

@Suite struct WireWriterTests {
  private func written(_ write: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    write(&writer)
    return writer.bytes
  }

  @Test func `values are encoded as in RFC 4251`() {
    #expect(written { $0.byte(7) } == [7])
    #expect(written { $0.boolean(true) } == [1])
    #expect(written { $0.boolean(false) } == [0])
    #expect(written { $0.uint32(699_921_578) } == [0x29, 0xb7, 0xf4, 0xaa])
    #expect(written { $0.uint64(0x0102_0304_0506_0708) } == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(written { $0.text("testing") } == [0, 0, 0, 7, 116, 101, 115, 116, 105, 110, 103])
    #expect(written { $0.string([]) } == [0, 0, 0, 0])
    #expect(written { $0.raw([1, 2]) } == [1, 2])
  }

  @Test func `name-lists are encoded as in RFC 4251`() {
    #expect(written { $0.nameList([]) } == [0, 0, 0, 0])
    #expect(written { $0.nameList(["zlib"]) } == [0, 0, 0, 4] + Array("zlib".utf8))
    #expect(written { $0.nameList(["zlib", "none"]) } == [0, 0, 0, 9] + Array("zlib,none".utf8))
  }

  @Test(
    arguments: [
      ([], [0, 0, 0, 0]), ([0, 0], [0, 0, 0, 0]), ([0x7f], [0, 0, 0, 1, 0x7f]), ([0x80], [0, 0, 0, 2, 0, 0x80]),
      ([0, 0, 0x80, 0], [0, 0, 0, 3, 0, 0x80, 0]), ([0, 1, 0], [0, 0, 0, 2, 1, 0]),
      (
        [0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
        [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
      ),
    ] as [([UInt8], [UInt8])]) func `an mpint has no unnecessary zeros and is never negative`(
      magnitude: [UInt8], bytes: [UInt8]
    )
  {
    #expect(written { $0.unsignedMPInt(magnitude) } == bytes)
  }

  private enum Value: Equatable {
    case byte(UInt8)
    case boolean(Bool)
    case uint32(UInt32)
    case uint64(UInt64)
    case string([UInt8])
    case text(String)
    case names([String])
    case number([UInt8])

    init(_ generator: inout SplitMix) {
      let letters = Array("abcäöü日本 \n\u{301}😀")
      func text(_ generator: inout SplitMix) -> String {
        String((0..<Int.random(in: 1...20, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
      }
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: self = .byte(.random(in: .min ... .max, using: &generator))
      case 1: self = .boolean(.random(using: &generator))
      case 2: self = .uint32(.random(in: .min ... .max, using: &generator))
      case 3: self = .uint64(.random(in: .min ... .max, using: &generator))
      case 4: self = .string(generator.bytes(upTo: 300))
      case 5: self = .text(text(&generator))
      case 6: self = .names((0..<Int.random(in: 0...5, using: &generator)).map { _ in text(&generator) })
      default: self = .number(Array(generator.bytes(upTo: 80).drop { $0 == 0 }))
      }
    }

    func write(to writer: inout WireWriter) {
      switch self {
      case .byte(let value): writer.byte(value)
      case .boolean(let value): writer.boolean(value)
      case .uint32(let value): writer.uint32(value)
      case .uint64(let value): writer.uint64(value)
      case .string(let value): writer.string(value)
      case .text(let value): writer.text(value)
      case .names(let value): writer.nameList(value)
      case .number(let value): writer.unsignedMPInt(value)
      }
    }

    func readAgain(from reader: inout WireReader) throws -> Value {
      switch self {
      case .byte: .byte(try reader.byte())
      case .boolean: .boolean(try reader.boolean())
      case .uint32: .uint32(try reader.uint32())
      case .uint64: .uint64(try reader.uint64())
      case .string: .string(Array(try reader.string()))
      case .text: .text(try reader.text())
      case .names: .names(try reader.nameList())
      case .number: .number(Array(try reader.unsignedMPInt()))
      }
    }
  }

  @Test(arguments: UInt64(0)..<50) func `values written in any order are read back`(seed: UInt64) throws {
    var generator = SplitMix(seed: seed)
    let values = (0..<20).map { _ in Value(&generator) }
    var writer = WireWriter(capacity: 0)
    for value in values { value.write(to: &writer) }
    var reader = WireReader(writer.bytes)
    for value in values { #expect(try value.readAgain(from: &reader) == value) }
    try reader.end()
    for length in 0..<writer.bytes.count {
      var cut = WireReader(writer.bytes[..<length])
      #expect(throws: WireError.truncated) { for value in values { _ = try value.readAgain(from: &cut) } }
    }
  }
}
