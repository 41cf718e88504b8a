import Audit
import Foundation
import IPC
import Testing

@testable import Journal

/// Journals whose process was killed at a bad moment, or that somebody changed.
@Suite struct RecoveryTests {
  /// A journal with ten lines.
  private func journal() throws -> Place {
    let place = try Place()
    try place.writer().write(0..<10)
    return place
  }

  @Test func `a journal that is cut within its last line is mended, at every byte`() throws {
    let place = try journal()
    let whole = try place.bytes()
    let head = try place.bytes("audit.log.head")
    let last = whole.dropLast().lastIndex(of: 0x0a)! + 1
    // The head of one line less: the process was killed before it wrote the next.
    let before = ChainHead(
      first: 1, last: 9, hash: LineHash(of: whole[..<(last - 1)].split(separator: 0x0a).last!),
      size: UInt64(last))
    for count in last...whole.count {
      try place.write(Array(whole[..<count]))
      try place.write(before.json, to: "audit.log.head")
      let writer = try place.writer()
      let torn = count > last && count < whole.count - 1 ? UInt64(count - last) : 0
      #expect(writer.takeFindings()?.tornBytes ?? 0 == torn, "\(count - last) bytes")
      try writer.append([event(9), event(10)], isRepeated: true)
      #expect(try place.written() == Array(0...10))
      #expect(try place.problem() == nil)
    }
    // The head knows of the line: then its loss is told, and shows for ever.
    try place.write(Array(whole[..<(whole.count - 5)]))
    try place.write(head, to: "audit.log.head")
    let writer = try place.writer()
    let findings = writer.takeFindings()
    #expect(findings?.tornBytes == UInt64(whole.count - 5 - last) && findings?.missingLines == 1)
    try writer.write(10..<12)
    guard case .missing(10...10)? = try place.problem()?.fault else {
      Issue.record("\(String(describing: try place.problem()))")
      return
    }
  }

  @Test func `lines that the head does not know of are taken over`() throws {
    let place = try journal()
    let whole = try place.bytes()
    let lines = whole.split(separator: 0x0a)
    for count in 0...10 {
      let size = lines.prefix(count).reduce(0) { $0 + $1.count + 1 }
      let hash = count == 0 ? LineHash.none : LineHash(of: lines[count - 1])
      let head = ChainHead(first: 1, last: UInt64(count), hash: hash, size: UInt64(size))
      try place.write(whole)
      try place.write(head.json, to: "audit.log.head")
      let writer = try place.writer()
      #expect(writer.takeFindings() == nil)
      try writer.write(10..<11)
      #expect(try place.written() == Array(0...10))
      #expect(try place.problem() == nil)
    }
  }

  @Test func `without its head a journal goes on where it ends`() throws {
    let place = try journal()
    try FileManager.default.removeItem(atPath: place.path + ".head")
    let writer = try place.writer()
    #expect(writer.takeFindings() == nil)
    try writer.write(10..<12)
    #expect(try place.written() == Array(0..<12))
    #expect(try place.problem() == nil)
    #expect(place.head?.first == 1)
  }

  @Test func `without its head a journal of several files knows where it begins`() throws {
    let place = try Place()
    let settings = place.settings(maxSize: 4096, maxBackups: 2, compress: true)
    var writer = try place.writer(settings)
    try writer.write(0..<100)
    while writer.isCompressing { writer.compressSome() }
    let first = place.head?.first
    try FileManager.default.removeItem(atPath: place.path + ".head")
    writer = try place.writer(settings)
    try writer.write(100..<101)
    #expect(first! > 1 && place.head?.first == first)
    #expect(try place.problem() == nil)
  }

  @Test func `a head that is none is as if it were not there`() throws {
    let place = try journal()
    try place.write(Array("nonsense".utf8), to: "audit.log.head")
    let writer = try place.writer()
    try writer.write(10..<11)
    #expect(try place.problem() == nil)
  }

  @Test func `lines that somebody took off are told, and missing for ever`() throws {
    for count in 0..<10 {
      let place = try journal()
      let lines = try place.bytes().split(separator: 0x0a)
      try place.write(Array(lines.prefix(count).map { Array($0) + [0x0a] }.joined()))
      let writer = try place.writer()
      #expect(writer.takeFindings()?.missingLines == UInt64(10 - count), "\(count) lines")
      try writer.write(10..<12)
      #expect(try place.written() == Array(0..<count) + [10, 11])
      let problem = try place.problem()
      #expect(problem?.fault == .missing(UInt64(count + 1)...10))
      #expect(problem?.place == count)
    }
  }

  @Test func `a last line that somebody changed is told, and bad for ever`() throws {
    let place = try journal()
    var bytes = try place.bytes()
    bytes[bytes.count - 3] = UInt8(ascii: "x")
    try place.write(bytes)
    var writer = try place.writer()
    #expect(writer.takeFindings()?.isAltered == true)
    try writer.write(10..<12)
    #expect(try place.problem()?.place == 9)
    writer = try place.writer()
    #expect(writer.takeFindings() == nil)
  }

  @Test(arguments: ["a line of somebody's\n", "a line\nand another\n", "\n", "a line\nand a piece"])
  func `what somebody else appended stays, and is bad for ever`(text: String) throws {
    let place = try journal()
    let writer = try place.writer()
    try place.write(try place.bytes() + Array(text.utf8))
    try writer.write(10..<12)
    let findings = writer.takeFindings()
    #expect(findings?.isAltered == true)
    #expect(findings?.tornBytes == (text.hasSuffix("piece") ? 11 : 0))
    #expect(try place.problem()?.place == 10)
    #expect(
      String(decoding: try place.bytes(), as: UTF8.self).contains(
        text.split(separator: "\n", omittingEmptySubsequences: false)[0] + "\n"))
  }

  @Test func `garbage is no reason not to write`() throws {
    for (file, head) in [
      ([UInt8](repeating: 0, count: 5000), nil), (Array("\n\n\n".utf8), nil),
      (Array("{}\n".utf8), Array("{}".utf8)),
      ([UInt8](repeating: 0x41, count: 3 << 20), nil), (Array("x".utf8), nil),
    ] as [([UInt8], [UInt8]?)] {
      let place = try Place()
      try place.write(file)
      if let head { try place.write(head, to: "audit.log.head") }
      let writer = try place.writer()
      #expect(writer.takeFindings() != nil)
      try writer.write(0..<2)
      let lines = try place.lines().lines.suffix(2).map { try JournalLine(json: $0[...]).sequence }
      #expect(lines == [1, 2])
    }
  }

  /// A process is killed at a random byte of a random write, again and again; the supervisor sends again what nobody
  /// said was written.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `whenever a process is killed, each event is there once`(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let place = try Place()
    let settings = place.settings(
      maxSize: 6000, maxBackups: 1000, compress: Bool.random(using: &random))
    var next = 0
    for _ in 0..<30 {
      let writer = try place.writer(settings)
      #expect(writer.takeFindings()?.missingLines ?? 0 == 0)
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        let count = Int.random(in: 1...6, using: &random)
        try writer.append((next..<next + count).map { event($0) }, isRepeated: false)
        next += count
        if Bool.random(using: &random) { writer.compressSome() }
      }
      // What the next batch writes is cut somewhere, and the head may not know of it.
      let count = Int.random(in: 1...6, using: &random)
      let (size, head) = (try place.bytes().count, try place.bytes("audit.log.head"))
      try writer.append((next..<next + count).map { event($0) }, isRepeated: false)
      let isNewFile = try place.bytes().count < size
      if !isNewFile, Bool.random(using: &random) {
        let whole = try place.bytes()
        try place.write(Array(whole[..<Int.random(in: size...whole.count, using: &random)]))
        try place.write(head, to: "audit.log.head")
      }
      let again = try place.writer(settings)
      try again.append((next..<next + count).map { event($0) }, isRepeated: true)
      next += count
    }
    #expect(try place.written() == Array(0..<next))
    #expect(try place.problem() == nil)
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
