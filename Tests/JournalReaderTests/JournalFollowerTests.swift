import Audit
import Foundation
import Glibc
import System
import Testing

@testable import JournalReader

/// Journal files made by a test, and what a follower reads from them.
final class Files {
  let folder: String
  var path: String { folder + "/audit.log" }
  private(set) var ids: [EventID] = []

  init() throws {
    folder = NSTemporaryDirectory() + "bssh-follower-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Lines with these numbers; `again`: with new IDs.
  func lines(_ numbers: ClosedRange<Int>, details: Int = 0) -> [UInt8] {
    numbers.flatMap { number in
      var record = AuditRecord(.fileClose)
      record.details = String(repeating: "x", count: details)
      let event = AuditEvent(id: .random(), time: 0, host: "h", subject: Subject(), record: record)
      if ids.count >= number { ids.removeSubrange((number - 1)...) }
      while ids.count < number - 1 { ids.append(.random()) }
      ids.append(event.id)
      return JournalLine(event, sequence: UInt64(number), previous: .none).json + [10]
    }
  }

  func append(_ bytes: [UInt8]) throws {
    try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o600).writeAll(bytes)
  }

  func cut(by count: Int) throws {
    let size = try Descriptor.open(path, O_RDONLY).status().size
    truncate(path, size - count)
  }

  func rotate(compress: Bool = false) throws {
    for age in stride(from: 9, through: 1, by: -1) {
      for ending in ["", ".gz"] { rename("\(path).\(age)\(ending)", "\(path).\(age + 1)\(ending)") }
    }
    rename(path, "\(path).1")
    if compress { try self.compress(1) }
  }

  func compress(_ age: Int) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["\(path).\(age)"]
    try process.run()
    process.waitUntilExit()
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Descriptor.open(folder + "/" + name, O_WRONLY | O_TRUNC | O_CREAT, mode: 0o600).writeAll(bytes)
  }

  func directory() throws -> JournalDirectory { JournalDirectory(path, in: try Descriptor.openDirectory(folder)) }

  func follower() throws -> JournalFollower { JournalFollower(try directory()) }
}

extension JournalFollower {
  /// The numbers of all events that can be read now.
  fileprivate func numbers(by count: Int = 7) throws -> [UInt64] {
    var numbers: [UInt64] = []
    while true {
      let events = try next(count: count, bytes: 1 << 20)
      if events.isEmpty { return numbers }
      numbers += events.map(\.head.sequence)
    }
  }
}

@Suite struct JournalFollowerTests {
  @Test func `events are returned in order across every kind of file`() throws {
    let files = try Files()
    let follower = try files.follower()
    #expect(try follower.numbers().isEmpty)
    try files.append(files.lines(1...10))
    #expect(try follower.numbers() == Array(1...10))
    try files.rotate(compress: true)
    try files.append(files.lines(11...15))
    try files.rotate()
    try files.append(files.lines(16...16))
    #expect(try follower.numbers() == Array(11...16))
    let another = try files.follower()
    #expect(try another.numbers(by: 1) == Array(1...16))
    #expect(follower.takeFindings().isEmpty && another.takeFindings().isEmpty)
    #expect(follower.lastNumber() == 16)
  }

  @Test func `events written between reading and renaming are read`() throws {
    let files = try Files()
    try files.append(files.lines(1...2))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2])
    try files.append(files.lines(3...4))
    try files.rotate()
    #expect(try follower.numbers() == [3, 4])
    #expect(try follower.numbers().isEmpty)
    try files.append(files.lines(5...5))
    #expect(try follower.numbers() == [5])
  }

  @Test(arguments: [false, true]) func `a cursor continues at its event wherever its file is by now`(compress: Bool)
    throws
  {
    let files = try Files()
    try files.append(files.lines(1...100))
    for stop in [1, 50, 99, 100] {
      let first = try files.follower()
      var cursor = Cursor()
      while let event = try first.next(count: 1, bytes: 1).first, cursor.last?.sequence ?? 0 < UInt64(stop) {
        cursor.advance(to: event.head, at: event.place)
      }
      #expect(cursor.last?.sequence == UInt64(stop))
      let kept = try #require(Cursor(Array(cursor.text.utf8)))
      let second = try files.follower()
      second.resume(at: kept)
      #expect(try second.numbers().first == (stop < 100 ? UInt64(stop) + 1 : nil))
      #expect(second.takeFindings().isEmpty)
      if stop == 50 { try files.rotate(compress: compress) }
    }
    try files.append(files.lines(101...101))
    let last = try files.follower()
    var cursor = Cursor()
    cursor.advance(to: LineHead(sequence: 100, id: files.ids[99]), at: nil)
    last.resume(at: cursor)
    #expect(try last.numbers() == [101] && last.takeFindings().isEmpty)
  }

  @Test func `an incomplete line is not an event and a line that was cut off never was one`() throws {
    let files = try Files()
    try files.append(files.lines(1...2))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2])
    let whole = files.lines(3...3)
    try files.append(Array(whole.dropLast(20)))
    #expect(try follower.numbers().isEmpty)
    try files.append(Array(whole.suffix(20)))
    #expect(try follower.numbers() == [3])
    // Torn and repaired by truncation, with the next line written before the follower reads again.
    try files.append(Array(files.lines(4...4).dropLast(30)))
    #expect(try follower.numbers().isEmpty)
    let torn = files.lines(4...4).count - 30
    try files.cut(by: torn)
    try files.append(files.lines(4...6))
    #expect(try follower.numbers() == [4, 5, 6])
    #expect(follower.takeFindings().isEmpty)
  }

  @Test func `an incomplete line at the end of a rotated file is skipped`() throws {
    let files = try Files()
    try files.append(files.lines(1...2) + Array("{\"id\":\"".utf8))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2])
    try files.rotate()
    try files.append(files.lines(3...3))
    #expect(try follower.numbers() == [3] && follower.takeFindings().isEmpty)
  }

  @Test func `missing events are counted`() throws {
    let files = try Files()
    try files.append(files.lines(1...10))
    let follower = try files.follower()
    #expect(try follower.next(count: 4, bytes: 1 << 20).count == 4)
    var cursor = Cursor()
    cursor.advance(to: LineHead(sequence: 4, id: files.ids[3]), at: nil)
    try files.rotate()
    unlink(files.path + ".1")
    try files.append(files.lines(21...22))
    let another = try files.follower()
    another.resume(at: cursor)
    #expect(try another.numbers() == [21, 22])
    #expect(another.takeFindings() == [.missing(first: 5, count: 16)])
  }

  @Test func `events missing before a receiver's first are reported only if the cursor accounts for earlier ones`()
    throws
  {
    let files = try Files()
    try files.append(files.lines(8...10))
    let follower = try files.follower()
    var cursor = Cursor()
    for (accounted, findings): (UInt64?, [JournalFollower.Finding]) in [
      (nil, []), (2, [.missing(first: 3, count: 5)]), (7, []), (9, []),
    ] {
      cursor.accounted = accounted
      follower.resume(at: cursor)
      #expect(try follower.next(count: 10, bytes: 1 << 20).map(\.head.sequence) == [8, 9, 10])
      #expect(follower.takeFindings() == findings)
    }
  }

  @Test func `numbers at the end of their range do not trap`() throws {
    let files = try Files()
    let line = String(decoding: files.lines(1...1), as: UTF8.self)
    try files.append(Array(line.replacingOccurrences(of: "\"seq\":1,", with: "\"seq\":\(UInt64.max),").utf8))
    let follower = try files.follower()
    var cursor = Cursor()
    for accounted: UInt64 in [.max, .max - 1] {
      cursor.accounted = accounted
      follower.resume(at: cursor)
      #expect(try follower.next(count: 10, bytes: 1 << 20).map(\.head.sequence) == [.max])
      #expect(follower.takeFindings() == [])
    }
  }

  @Test func `losses that were reported are not reported again`() throws {
    let files = try Files()
    try files.append(files.lines(1...2))
    let follower = try files.follower()
    follower.resume(at: Cursor())
    let events = try follower.next(count: 10, bytes: 1 << 20)
    var cursor = Cursor()
    cursor.advance(to: events[1].head, at: nil)
    try files.rotate()
    try FileManager.default.removeItem(atPath: files.path + ".1")
    try files.append(files.lines(6...7))
    follower.resume(at: cursor)
    #expect(try follower.next(count: 10, bytes: 1 << 20).count == 2)
    #expect(follower.takeFindings() == [.missing(first: 3, count: 3)])
    cursor.accounted = 5
    follower.resume(at: cursor)
    #expect(try follower.next(count: 10, bytes: 1 << 20).count == 2)
    #expect(follower.takeFindings() == [])
  }

  @Test func `an invalid line is reported as missing and all others are returned`() throws {
    let files = try Files()
    try files.append(files.lines(1...2) + Array("garbage\n\n{}\n".utf8) + files.lines(4...5))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2, 4, 5])
    #expect(follower.takeFindings() == [.missing(first: 3, count: 1)])
  }

  @Test func `a damaged rotated file is reported and later files are read`() throws {
    let files = try Files()
    try files.append(files.lines(1...2000))
    try files.rotate(compress: true)
    try files.append(files.lines(2001...2002))
    let size = try Descriptor.open(files.path + ".1.gz", O_RDONLY).status().size
    let file = try Descriptor.open(files.path + ".1.gz", O_WRONLY)
    try file.write([UInt8](repeating: 0xff, count: 64)[...], offset: UInt64(size / 2))
    let follower = try files.follower()
    let numbers = try follower.numbers(by: 100)
    #expect(numbers.suffix(2) == [2001, 2002] && numbers.first == 1 && numbers.count < 2002)
    let findings = follower.takeFindings()
    #expect(findings.contains(.unreadable(JournalFileName(age: 1, isCompressed: true), .gzip(.malformed))))
    #expect(findings.contains { if case .missing = $0 { true } else { false } })
  }

  @Test(arguments: [false, true])
  func `a number that belongs into a later file is passed over, and reading comes to an end`(compress: Bool) throws {
    let files = try Files()
    try files.append(files.lines(1...10) + files.lines(5000...5000) + files.lines(11...20))
    try files.rotate(compress: compress)
    try files.append(files.lines(21...22))
    let follower = try files.follower()
    var passed = 0
    follower.passesOver = { _, _ in passed += 1 }
    #expect(try follower.numbers() == Array(1...22))
    #expect(follower.takeFindings() == [] && passed == 1)
  }

  @Test func `after a crash lost the last events the journal is read again from before them`() throws {
    let files = try Files()
    try files.append(files.lines(1...100))
    let follower = try files.follower()
    var cursor = Cursor()
    for event in try follower.next(count: 100, bytes: 1 << 20) { cursor.advance(to: event.head, at: event.place) }
    // 90 to 100 never reached the disk; other events have these numbers now.
    let text = try Descriptor.open(files.path, O_RDONLY).read(count: 1 << 20, at: 0)
    unlink(files.path)
    let kept: [UInt8] = text.split(separator: 10).prefix(89).flatMap { (line: ArraySlice<UInt8>) in Array(line) + [10] }
    for more in [90...95, 90...120] {
      unlink(files.path)
      try files.append(kept + files.lines(more))
      let another = try files.follower()
      another.resume(at: cursor)
      let numbers = try another.numbers()
      let first = try #require(numbers.first)
      #expect(first <= 90 && first > 50 && numbers == Array(first...UInt64(more.upperBound)))
      let findings = another.takeFindings()
      #expect(!findings.isEmpty && findings.allSatisfy { if case .wentBack = $0 { true } else { false } })
    }
  }

  @Test(arguments: [3, 150]) func `a journal that was replaced by another is read from its start`(count: Int) throws {
    let files = try Files()
    try files.append(files.lines(1...100))
    let follower = try files.follower()
    #expect(try follower.numbers().count == 100)
    unlink(files.path)
    #expect(try follower.numbers().isEmpty)
    try files.append(files.lines(1...count))
    #expect(try follower.numbers() == Array(1...UInt64(count)))
    #expect(follower.takeFindings().contains(.wentBack(to: nil)))
  }

  @Test func `long lines and large files are read in pieces`() throws {
    let files = try Files()
    for number in 0..<30 { try files.append(files.lines(number * 10 + 1...number * 10 + 10, details: 4000)) }
    let follower = try files.follower()
    let events = try follower.next(count: 1000, bytes: 100 << 10)
    let bytes = events.reduce(0) { $0 + $1.line.count }
    #expect(bytes >= 100 << 10 && bytes < 110 << 10)
    #expect(try follower.numbers().last == 300)
  }

  @Test func `renaming files during a read never makes events seem missing`() throws {
    let files = try Files()
    try files.append(files.lines(1...1))
    let follower = try files.follower()
    var read: [UInt64] = []
    var number = 1
    // No event may seem to be missing, at whatever moment a rotation happens.
    for round in 0..<60 {
      read += try follower.numbers()
      for _ in 0..<(round % 4) {
        try files.rotate(compress: round % 3 == 0)
        number += 1
        try files.append(files.lines(number...number))
      }
    }
    read += try follower.numbers()
    #expect(read == Array(1...UInt64(number)) && follower.takeFindings().isEmpty)
  }

  @Test func `events before trailing garbage in a compressed file are read and the garbage is reported`() throws {
    let files = try Files()
    try files.append(files.lines(1...500))
    try files.rotate(compress: true)
    try Descriptor.open(files.path + ".1.gz", O_WRONLY | O_APPEND).writeAll(Array("garbage".utf8))
    try files.append(files.lines(501...502))
    let follower = try files.follower()
    #expect(try follower.numbers() == Array(1...502))
    #expect(follower.takeFindings() == [.unreadable(JournalFileName(age: 1, isCompressed: true), .gzip(.malformed))])
  }

  @Test func `from a truncated compressed file the available events are read and the rest is missing`() throws {
    let files = try Files()
    try files.append(files.lines(1...2000))
    try files.rotate(compress: true)
    truncate(files.path + ".1.gz", try Descriptor.open(files.path + ".1.gz", O_RDONLY).status().size - 1000)
    try files.append(files.lines(2001...2001))
    let follower = try files.follower()
    let numbers = try follower.numbers()
    let count = UInt64(numbers.count)
    #expect(count > 1000 && count < 2001 && numbers == Array(1..<count) + [2001])
    #expect(follower.takeFindings() == [.missing(first: count, count: 2001 - count)])
  }

  @Test func `a journal that is renamed between two reads is read to its end before the next one`() throws {
    let files = try Files()
    try files.append(files.lines(1...1000, details: 400))
    let follower = try files.follower()
    #expect(try follower.next(count: 3, bytes: 1 << 20).map(\.head.sequence) == [1, 2, 3])
    try files.rotate()
    try files.append(files.lines(1001...1002))
    try files.rotate(compress: true)
    try files.append(files.lines(1003...1003))
    #expect(try follower.numbers() == Array(4...1003) && follower.takeFindings().isEmpty)
  }

  @Test func `a journal truncated before its last event is read again and nothing is repeated without a finding`()
    throws
  {
    let files = try Files()
    try files.append(files.lines(1...9))
    let follower = try files.follower()
    #expect(try follower.numbers() == Array(1...9))
    try files.cut(by: files.lines(8...9).count)
    #expect(try follower.numbers() == Array(1...7))
    #expect(follower.takeFindings().contains(.wentBack(to: nil)))
    try files.append(files.lines(8...8))
    #expect(try follower.numbers() == [8] && follower.takeFindings().isEmpty)
  }

  @Test func `a line over the limit is skipped in every kind of file`() throws {
    let files = try Files()
    let long = [UInt8](repeating: 0x61, count: JournalLine.lengthLimit + 1) + [10]
    try files.append(files.lines(1...2) + long + files.lines(3...3))
    try files.rotate(compress: true)
    try files.append(files.lines(4...4) + long + files.lines(5...5))
    #expect(try files.follower().numbers() == Array(1...5))
    // Without its newline it is waited for.
    let follower = try files.follower()
    try files.append(Array(long.dropLast()))
    #expect(try follower.numbers() == Array(1...5))
    try files.append([10] + files.lines(6...6))
    #expect(try follower.numbers() == [6] && follower.takeFindings().isEmpty)
  }

  @Test func `invalid lines are passed to the callback with their file`() throws {
    let files = try Files()
    try files.append(files.lines(1...1) + Array("x\n\n".utf8) + files.lines(2...2))
    let follower = try files.follower()
    var passed: [String] = []
    follower.passesOver = { file, bytes in passed.append(file.path + ":" + String(decoding: bytes, as: UTF8.self)) }
    #expect(try follower.numbers() == [1, 2])
    #expect(passed == [files.path + ":x", files.path + ":"])
  }

  @Test func `a missing directory has no events and an unreadable one is an error`() throws {
    let files = try Files()
    try files.append(files.lines(1...1))
    let follower = JournalFollower(JournalDirectory(files.path, in: try Descriptor.open(files.path, O_RDONLY)))
    #expect(throws: ReadError.system(SystemError("open", code: ENOTDIR))) { try follower.numbers() }
    let other = try files.follower()
    #expect(try other.numbers() == [1])
    try FileManager.default.removeItem(atPath: files.folder)
    #expect(try other.numbers().isEmpty)
    #expect(throws: ReadError.self) { try JournalDirectory(files.path) }
  }
}
