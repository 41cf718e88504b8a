import Audit
import Export
import Foundation
import Glibc
import System
import Testing

@testable import Exporter

/// Files of a journal that a test makes, and what an exporter reads of them.
private final class Files {
  let folder: String
  var path: String { folder + "/audit.log" }
  private(set) var ids: [EventID] = []

  init() throws {
    folder = NSTemporaryDirectory() + "bssh-follower-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Lines with these numbers; `again`: events that are new, whatever their numbers.
  func lines(_ numbers: ClosedRange<Int>, details: Int = 0) -> [UInt8] {
    numbers.flatMap { number in
      var fact = Fact(.fileClose)
      fact.details = String(repeating: "x", count: details)
      let event = AuditEvent(id: .random(), time: 0, host: "h", subject: Subject(), fact: fact)
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

  func follower() throws -> JournalFollower { try JournalFollower(journal: path) }
}

extension JournalFollower {
  convenience init(journal path: String) throws {
    try self.init(journal: path, in: Descriptor.openDirectory(JournalFollower.split(path).folder))
  }

  /// The numbers of everything that there is now.
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
  @Test func `events come in order, across every kind of file`() throws {
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

  @Test func `what is written between reading and renaming is read`() throws {
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

  @Test(arguments: [false, true]) func `a cursor goes on where it was, wherever its file is by now`(compress: Bool)
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

  @Test func `half a line is no event until it is whole, and a line that was torn off never was one`() throws {
    let files = try Files()
    try files.append(files.lines(1...2))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2])
    let whole = files.lines(3...3)
    try files.append(Array(whole.dropLast(20)))
    #expect(try follower.numbers().isEmpty)
    try files.append(Array(whole.suffix(20)))
    #expect(try follower.numbers() == [3])
    // Torn, and mended by cutting it off, with the next line written before anyone looks.
    try files.append(Array(files.lines(4...4).dropLast(30)))
    #expect(try follower.numbers().isEmpty)
    let torn = files.lines(4...4).count - 30
    try files.cut(by: torn)
    try files.append(files.lines(4...6))
    #expect(try follower.numbers() == [4, 5, 6])
    #expect(follower.takeFindings().isEmpty)
  }

  @Test func `a rotated file that ends with half a line is left behind`() throws {
    let files = try Files()
    try files.append(files.lines(1...2) + Array("{\"id\":\"".utf8))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2])
    try files.rotate()
    try files.append(files.lines(3...3))
    #expect(try follower.numbers() == [3] && follower.takeFindings().isEmpty)
  }

  @Test func `events that are gone are counted`() throws {
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

  @Test func `events that are gone before a receiver has any are missing, but not those before it was there`() throws {
    let files = try Files()
    try files.append(files.lines(8...10))
    let follower = try JournalFollower(journal: files.path)
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

  @Test func `numbers at the end of their range are no trap`() throws {
    let files = try Files()
    let line = String(decoding: files.lines(1...1), as: UTF8.self)
    try files.append(Array(line.replacingOccurrences(of: "\"seq\":1,", with: "\"seq\":\(UInt64.max),").utf8))
    let follower = try JournalFollower(journal: files.path)
    var cursor = Cursor()
    for accounted: UInt64 in [.max, .max - 1] {
      cursor.accounted = accounted
      follower.resume(at: cursor)
      #expect(try follower.next(count: 10, bytes: 1 << 20).map(\.head.sequence) == [.max])
      #expect(follower.takeFindings() == [])
    }
  }

  @Test func `what was told to be lost is not told again`() throws {
    let files = try Files()
    try files.append(files.lines(1...2))
    let follower = try JournalFollower(journal: files.path)
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

  @Test func `a line that is no line is missing, and all others come`() throws {
    let files = try Files()
    try files.append(files.lines(1...2) + Array("garbage\n\n{}\n".utf8) + files.lines(4...5))
    let follower = try files.follower()
    #expect(try follower.numbers() == [1, 2, 4, 5])
    #expect(follower.takeFindings() == [.missing(first: 3, count: 1)])
  }

  @Test func `a damaged older file is told, and what comes after it is read`() throws {
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
    #expect(findings.contains { if case .unreadable = $0 { true } else { false } })
    #expect(findings.contains { if case .missing = $0 { true } else { false } })
  }

  @Test func `a journal that has lost its last events in a crash is read again from before them`() throws {
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

  @Test(arguments: [3, 150]) func `another journal in its place is read from its start`(count: Int) throws {
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

  @Test func `a reader is never misled by files that are renamed while it looks`() throws {
    let files = try Files()
    try files.append(files.lines(1...1))
    let follower = try files.follower()
    var read: [UInt64] = []
    var number = 1
    // Whatever moment a rotation hits, no event may seem to be missing.
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
}

@Suite struct CursorFileTests {
  @Test func `a cursor is kept as a whole, for its owner alone`() throws {
    let folder = NSTemporaryDirectory() + "bssh-cursor-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let directory = try Descriptor.openDirectory(folder)
    let file = try CursorFile(in: directory, journal: folder + "/audit.log", exporter: "logstash host:5044")
    let again = try CursorFile(in: directory, journal: folder + "/audit.log", exporter: "logstash host:5044")
    #expect(try file.read().cursor == nil && !file.read().isDamaged)
    var cursor = Cursor()
    for sequence: UInt64 in 1...3 {
      cursor.advance(to: LineHead(sequence: sequence, id: .random()), at: nil)
      try file.write(cursor)
      // Whose it is, the file says itself.
      cursor.receiver = "logstash host:5044"
      #expect(try again.read().cursor == cursor)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/cursors")
    #expect(names.count == 1)
    let path = folder + "/cursors/" + names[0]
    #expect(try Descriptor.open(path, O_RDONLY).status().permissions == 0o600)
    #expect(try Descriptor.findDirectory(folder + "/cursors").status().permissions == 0o700)
    // One that a crash left behind is no hindrance.
    _ = FileManager.default.createFile(atPath: path + ".new", contents: Data([1]))
    try file.write(cursor)
    truncate(path, 20)
    #expect(try file.read().cursor == nil && file.read().isDamaged)
    let other = try CursorFile(in: directory, journal: folder + "/other.log", exporter: "logstash host:5044")
    #expect(try other.read().cursor == nil && !other.read().isDamaged)
  }
}
