import Testing
import Wire

@Suite struct WireCodableTests {
  private struct Pair: WireCodable, Equatable {
    var number: UInt32?
    var names: [String]

    init(number: UInt32?, names: [String]) {
      self.number = number
      self.names = names
    }

    func encode(to writer: inout WireWriter) {
      writer.optional(number) { $0.uint32($1) }
      writer.list(names) { $0.text($1) }
    }

    init(from reader: inout WireReader) throws(WireError) {
      number = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint32() }
      names = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 3) }
    }
  }

  @Test func `a message contains the value and nothing after it`() throws {
    let pair = Pair(number: 5, names: ["a", "bc"])
    #expect(pair.wireBytes == [1, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 1, 97, 0, 0, 0, 2, 98, 99])
    #expect(try Pair(wireBytes: pair.wireBytes[...]) == pair)
    #expect(throws: WireError.trailingBytes) { try Pair(wireBytes: (pair.wireBytes + [0])[...]) }
    for length in 0..<pair.wireBytes.count {
      #expect(throws: WireError.self) { try Pair(wireBytes: pair.wireBytes[..<length]) }
    }
  }

  @Test func `an absent value is one zero byte, and an empty list is a count of zero`() throws {
    let empty = Pair(number: nil, names: [])
    #expect(empty.wireBytes == [0, 0, 0, 0, 0])
    #expect(try Pair(wireBytes: empty.wireBytes[...]) == empty)
  }

  @Test(arguments: UInt8(2)...UInt8.max) func `an optional value whose flag is neither 0 nor 1 is malformed`(
    byte: UInt8
  ) {
    #expect(throws: WireError.malformed) { try Pair(wireBytes: [byte, 0, 0, 0, 5, 0, 0, 0, 0]) }
  }

  @Test(arguments: [UInt32(3), 4, 0x8000_0000, .max]) func `a list with a count that exceeds its bytes is refused`(
    count: UInt32
  ) {
    var writer = WireWriter()
    writer.byte(0)
    writer.uint32(count)
    writer.text("")
    writer.text("")
    #expect(throws: WireError.tooLong) { try Pair(wireBytes: writer.bytes[...]) }
  }

  @Test func `an error in one value of a list is an error of the list`() {
    #expect(throws: WireError.tooLong) { try Pair(wireBytes: Pair(number: nil, names: ["a", "abcd"]).wireBytes[...]) }
  }
}
