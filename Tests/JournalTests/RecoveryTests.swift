import Audit
import Foundation
import IPC
import TestSupport
import Testing

@testable import Journal

/// Journals of a process that was killed at a bad moment, or that were tampered with.
@Suite struct RecoveryTests {
  /// A journal with ten lines.
  private func journal() throws -> Place {
    let place = try Place()
    try place.writer().write(0..<10)
    return place
  }

  @Test func `a journal that was cut anywhere in its last line is repaired`() throws {
    let place = try journal()
    let whole = try place.bytes()
    let head = try place.bytes("audit.log.head")
    let last = whole.dropLast().lastIndex(of: 0x0a)! + 1
    // The head of one line less: the process was killed before it updated the head.
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
    // If the head includes the line, its loss is reported and remains visible.
    try place.write(Array(whole[..<(whole.count - 5)]))
    try place.write(head, to: "audit.log.head")
    let writer = try place.writer()
    let findings = writer.takeFindings()
    #expect(findings?.tornBytes == UInt64(whole.count - 5 - last) && findings?.missingLines == 1)
    try writer.write(10..<12)
    guard case .missing(10...10)? = try place.problem()?.defect else {
      Issue.record("\(String(describing: try place.problem()))")
      return
    }
  }

  @Test func `lines that the head does not include are accepted`() throws {
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

  @Test func `without its head a journal continues after its last line`() throws {
    let place = try journal()
    try FileManager.default.removeItem(atPath: place.path + ".head")
    let writer = try place.writer()
    #expect(writer.takeFindings() == nil)
    try writer.write(10..<12)
    #expect(try place.written() == Array(0..<12))
    #expect(try place.problem() == nil)
    #expect(place.head?.first == 1)
  }

  @Test func `without its head a journal of several files finds its first line`() throws {
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

  @Test func `an invalid head is treated like a missing one`() throws {
    let place = try journal()
    try place.write(Array("nonsense".utf8), to: "audit.log.head")
    let writer = try place.writer()
    try writer.write(10..<11)
    #expect(try place.problem() == nil)
  }

  @Test func `lines that were removed are reported and remain missing`() throws {
    for count in 0..<10 {
      let place = try journal()
      let lines = try place.bytes().split(separator: 0x0a)
      try place.write(Array(lines.prefix(count).map { Array($0) + [0x0a] }.joined()))
      let writer = try place.writer()
      #expect(writer.takeFindings()?.missingLines == UInt64(10 - count), "\(count) lines")
      try writer.write(10..<12)
      #expect(try place.written() == Array(0..<count) + [10, 11])
      let problem = try place.problem()
      #expect(problem?.defect == .missing(UInt64(count + 1)...10))
      #expect(problem?.place == count)
    }
  }

  @Test func `a last line that was altered is reported and remains visible`() throws {
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

  @Test func `a last line that was replaced by another valid line is reported and remains visible`() throws {
    let place = try journal()
    let lines = try place.bytes().split(separator: 0x0a)
    var last = try JournalLine(json: lines[9])
    last.event.record.path = Array("7".utf8)
    try place.write(Array(lines.prefix(9).map { Array($0) + [0x0a] }.joined()) + last.json + [0x0a])
    var writer = try place.writer()
    let findings = try #require(writer.takeFindings())
    #expect(findings.isAltered && findings.missingLines == 0 && findings.tornBytes == 0)
    try writer.write(10..<12)
    #expect(try place.problem()?.defect == .altered)
    #expect(try place.problem()?.place == 9)
    writer = try place.writer()
    #expect(writer.takeFindings() == nil)
    try writer.write(12..<13)
    #expect(try place.problem()?.place == 9)
  }

  @Test(arguments: ["a line of somebody's\n", "a line\nand another\n", "\n", "a line\nand a piece"])
  func `foreign lines that were appended are kept and remain visible`(text: String) throws {
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

  @Test func `a file full of garbage does not prevent writing`() throws {
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

  @Test(arguments: [JournalLine.lengthLimit + 2, Recovery.tailSize, Recovery.tailSize + 1, 3 << 20])
  func `foreign bytes longer than a line are kept, reported and separated from the next line`(count: Int) throws {
    let place = try journal()
    let whole = try place.bytes()
    try place.write(whole + [UInt8](repeating: 0x41, count: count))
    var writer = try place.writer()
    let findings = try #require(writer.takeFindings())
    #expect(findings.isAltered && findings.tornBytes == 0 && findings.missingLines == 0)
    try writer.write(10..<12)
    let lines = try place.lines().lines
    #expect(lines.count == 13 && lines[10].count == count)
    #expect(try lines.suffix(2).map { try JournalLine(json: $0[...]).sequence } == [11, 12])
    #expect(try place.problem()?.place == 10)
    writer = try place.writer()
    #expect(writer.takeFindings() == nil)
  }

  /// Kills a process at a random byte of a random write, again and again; the supervisor repeats whatever was not
  /// acknowledged.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `whenever a process is killed each event is written exactly once`(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
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
      // The write of the next batch is cut anywhere, and the head may not include it.
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

/// Decisions of ``Recovery`` about files in memory.
@Suite struct RecoveryDecisionTests {
  private func recovery(
    _ file: [UInt8], _ head: ChainHead?, first: UInt64? = nil, previous: (UInt64, LineHash)? = nil
  ) -> Recovery {
    Recovery(
      size: UInt64(file.count), head: head, first: { first },
      previous: { previous.map { (sequence: $0.0, hash: $0.1) } },
      read: { Array(file[Int($0)..<min(Int($0) + $1, file.count)]) })
  }

  private func line(_ sequence: UInt64, after previous: LineHash) -> [UInt8] {
    JournalLine(event(Int(sequence)), sequence: sequence, previous: previous).json
  }

  private static let other = LineHash(of: [7])

  /// A file with this many lines, and its head.
  private func journal(_ count: UInt64) -> (file: [UInt8], head: ChainHead) {
    var (file, hash) = ([UInt8](), LineHash.none)
    for sequence in 1...count {
      let line = line(sequence, after: hash)
      hash = LineHash(of: line[...])
      file += line + [0x0a]
    }
    return (file, ChainHead(first: 1, last: count, hash: hash, size: UInt64(file.count)))
  }

  @Test func `a line after the head is accepted only with the next number and the hash of the line before`() {
    let (file, head) = journal(3)
    for (sequence, previous, isNext) in [
      (4, head.hash, true), (4, Self.other, false), (5, head.hash, false), (3, head.hash, false),
      (4, LineHash.none, false),
    ] as [(UInt64, LineHash, Bool)] {
      let new = line(sequence, after: previous)
      let whole = recovery(file + new + [0x0a], head)
      #expect(whole.head.last == (isNext ? 4 : 3) && whole.findings.isAltered == !isNext, "\(sequence)")
      #expect(whole.head.hash == (isNext ? LineHash(of: new[...]) : head.hash))
      // The line is kept in either case.
      #expect(whole.size == nil && whole.head.size == UInt64(file.count + new.count + 1) && !whole.lacksNewline)
      let unended = recovery(file + new, head)
      #expect(unended.head.last == (isNext ? 4 : 3) && !unended.findings.isAltered)
      #expect(unended.lacksNewline == isNext && unended.size == (isNext ? nil : head.size))
      #expect(unended.findings.tornBytes == (isNext ? 0 : UInt64(new.count)))
    }
  }

  @Test func `a last line whose newline was overwritten is missing`() {
    let (file, head) = journal(3)
    let recovery = recovery(Array(file.dropLast()) + [0x78], head)
    #expect(recovery.findings.missingLines == 1)
    #expect(recovery.head.last == 3 && recovery.head.hash == head.hash)
    #expect(recovery.size == recovery.head.size && recovery.findings.tornBytes > 0)
  }

  @Test func `a head that lags behind the file is corrected from it`() {
    let (file, _) = journal(5)
    let head = ChainHead(first: 2, last: 3, hash: Self.other, size: 10)
    let recovery = recovery(file, head)
    let (_, real) = journal(5)
    #expect(recovery.head.last == 5 && recovery.head.hash == real.hash && recovery.head.first == 2)
    #expect(recovery.findings == JournalFindings() && recovery.head.size == UInt64(file.count))
  }

  @Test func `only lines that must be present are reported as missing`() {
    for (last, missing) in [(5, 3), (8, 3), (9, 3), (10, 2), (11, 1)] as [(UInt64, UInt64)] {
      let line = line(last, after: Self.other) + [0x0a]
      let recovery = recovery(line, ChainHead(first: 10, last: 12, hash: Self.other, size: 9999))
      #expect(recovery.findings.missingLines == missing && !recovery.findings.isAltered, "\(last)")
      #expect(recovery.head.last == 12 && recovery.head.size == UInt64(line.count))
    }
  }

  @Test func `for an empty file the lines between the previous file and the head are missing`() {
    let head = ChainHead(first: 3, last: 5, hash: Self.other, size: 77)
    for (previous, missing) in [
      (nil, 3), ((1, .none), 3), ((2, .none), 3), ((3, .none), 2), ((4, .none), 1), ((5, Self.other), 0),
      ((5, .none), 0), ((6, .none), 0),
    ] as [((UInt64, LineHash)?, UInt64)] {
      let recovery = recovery([], head, previous: previous)
      #expect(recovery.findings.missingLines == missing, "\(String(describing: previous))")
      #expect(recovery.head.last == 5 && recovery.head.hash == Self.other && recovery.head.size == 0)
    }
    // It had no lines yet.
    #expect(recovery([], ChainHead(first: 3, last: 5, hash: Self.other)).findings == JournalFindings())
    // Without a head, the chain continues from the previous file.
    let new = recovery([], nil, first: 3, previous: (5, Self.other))
    #expect(new.head.first == 3 && new.head.last == 5 && new.head.hash == Self.other)
    #expect(recovery([], nil).head == ChainHead())
  }

  @Test func `an incomplete line is cut off and a tail longer than a line is kept`() {
    let torn = recovery([UInt8](repeating: 0x41, count: Recovery.tailSize), nil)
    #expect(torn.size == 0 && torn.findings.tornBytes == UInt64(Recovery.tailSize) && !torn.lacksNewline)
    #expect(torn.head == ChainHead() && !torn.findings.isAltered)
    let long = recovery([UInt8](repeating: 0x41, count: Recovery.tailSize + 1), nil)
    #expect(long.size == nil && long.lacksNewline && long.findings.isAltered && long.findings.tornBytes == 0)
    #expect(long.head.size == UInt64(Recovery.tailSize + 2))
    let (file, head) = journal(2)
    let longest = recovery(file + [UInt8](repeating: 0x41, count: JournalLine.lengthLimit), head)
    #expect(longest.size == head.size && longest.head == head && !longest.findings.isAltered)
    #expect(longest.findings.tornBytes == UInt64(JournalLine.lengthLimit))
  }

  @Test func `foreign bytes are kept up to their last newline`() {
    let (file, head) = journal(2)
    for length in [1, JournalLine.lengthLimit + 2, Recovery.tailSize + 5] {
      let foreign = [UInt8](repeating: 0x41, count: length) + [0x0a]
      let recovery = recovery(file + foreign + [0x42, 0x42], head)
      #expect(recovery.findings.isAltered && recovery.findings.tornBytes == 2 && !recovery.lacksNewline)
      #expect(recovery.size == UInt64(file.count + foreign.count) && recovery.head.size == recovery.size)
      #expect(recovery.head.last == 2 && recovery.head.hash == head.hash)
    }
  }
}
