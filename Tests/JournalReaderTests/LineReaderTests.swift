import Testing

@testable import JournalReader

@Suite struct LineReaderTests {
  /// A source with this text, which returns at most `piece` bytes at a time.
  private func reader(_ text: String, piece: Int, limit: Int = 100) -> LineReader {
    var rest = Array(text.utf8)[...]
    return LineReader(limit: limit) { (count) throws(ReadError) in
      defer { rest = rest.dropFirst(min(piece, count)) }
      return Array(rest.prefix(min(piece, count)))
    }
  }

  private func lines(_ text: String, piece: Int, limit: Int = 100) throws -> [String] {
    var reader = reader(text, piece: piece, limit: limit)
    var lines: [String] = []
    while let line = try reader.next() {
      switch line {
      case .whole(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
      case .rest(let bytes): lines.append("rest:" + String(decoding: bytes, as: UTF8.self))
      case .tooLong: lines.append("too long")
      }
    }
    return lines
  }

  @Test(arguments: [1, 2, 3, 1000])
  func `lines are returned unchanged however the source splits them`(piece: Int) throws {
    #expect(try lines("", piece: piece) == [])
    #expect(try lines("a\n\nbc\n", piece: piece) == ["a", "", "bc"])
    #expect(try lines("a\nbc", piece: piece) == ["a", "rest:bc"])
    #expect(try lines("\n", piece: piece) == [""])
  }

  @Test(arguments: [1, 7, 1000])
  func `an overlong line is reported once and the lines after it are returned`(piece: Int) throws {
    let long = String(repeating: "x", count: 100)
    #expect(try lines("a\n\(long)\nb\n", piece: piece) == ["a", long, "b"])
    #expect(try lines("a\n\(long)x\nb\n", piece: piece) == ["a", "too long", "b"])
    #expect(try lines("a\n\(long)\(long)\(long)\nb\nc", piece: piece) == ["a", "too long", "b", "rest:c"])
    #expect(try lines("\(long)x", piece: piece) == ["too long"])
    #expect(try lines(long, piece: piece) == ["rest:" + long])
  }

  @Test func `an endless line does not need more memory than the limit`() throws {
    var asked = 0
    var reader = LineReader(limit: 1000) { (count) throws(ReadError) in
      asked += count
      return [UInt8](repeating: 0x61, count: count)
    }
    #expect(try reader.next() == .tooLong)
    #expect(asked <= 2 * LineReader.block)
  }

  @Test(arguments: 1...7) func `each line has the right offset`(piece: Int) throws {
    var rest = Array("a\n\nbcdefghij\nk\nl".utf8)[...]
    var reader = LineReader(limit: 5, offset: 100) { (count) throws(ReadError) in
      defer { rest = rest.dropFirst(piece) }
      return Array(rest.prefix(piece))
    }
    var offsets: [UInt64] = []
    while try reader.next() != nil { offsets.append(reader.offset) }
    #expect(offsets == [100, 102, 103, 113, 115] && reader.offset == 116)
  }
}
