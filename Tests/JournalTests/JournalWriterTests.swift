import Audit
import Foundation
import IPC
import System
import Testing

@testable import Journal

@Suite struct JournalWriterTests {
  @Test func `lines are numbered, chained and end with a newline`() throws {
    let place = try Place()
    let writer = try place.writer()
    try writer.append([event(1), event(2)], isRepeated: false)
    try writer.append([event(3)], isRepeated: false)
    #expect(try place.written() == [1, 2, 3])
    #expect(try place.problem() == nil)
    #expect(place.head?.first == 1 && place.head?.last == 3)
    #expect(try place.head?.size == UInt64(place.bytes().count))
    #expect(writer.takeFindings() == nil)
  }

  @Test(arguments: [0o600, 0o640] as [UInt32])
  func `files have the configured mode regardless of the umask`(mode: UInt32) throws {
    let place = try Place()
    let settings = place.settings(maxSize: 4096, compress: true, mode: mode)
    let writer = try place.writer(settings)
    for number in 0..<40 { try writer.append([event(number)], isRepeated: false) }
    while writer.isCompressing { writer.compressSome() }
    let names = try place.names
    #expect(names.contains("audit.log.1.gz"))
    for name in names {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: "\(place.directory)/\(name)")
      #expect(attributes[.posixPermissions] as? UInt32 == mode, "\(name)")
    }
  }

  @Test func `the chain continues after a restart`() throws {
    let place = try Place()
    for start in stride(from: 0, to: 30, by: 3) {
      let writer = try place.writer()
      #expect(writer.takeFindings() == nil)
      try writer.write(start..<start + 3)
    }
    #expect(try place.written() == Array(0..<30))
    #expect(try place.problem() == nil)
  }

  @Test(arguments: [false, true])
  func `the chain continues across files of which the youngest are kept`(compress: Bool) throws {
    let place = try Place()
    let settings = place.settings(maxSize: 4096, maxBackups: 3, compress: compress)
    var writer: JournalWriter?
    for number in 0..<200 {
      // The process sometimes ends in between, possibly during compression.
      if number % 37 == 0 {
        writer = nil
        writer = try place.writer(settings)
      }
      try writer?.write(number..<number + 1)
      if number % 3 == 0 { writer?.compressSome() }
    }
    while let writer, writer.isCompressing { writer.compressSome() }
    let written = try place.written()
    #expect(written.first! > 0 && written == Array(written.first!..<200))
    #expect(try place.problem() == nil)
    #expect(place.head?.first == UInt64(written.first! + 1))
    let end = compress ? ".gz" : ""
    #expect(
      try place.names == [
        "audit.log", "audit.log.1\(end)", "audit.log.2\(end)", "audit.log.3\(end)",
        "audit.log.head",
      ])
  }

  @Test func `the head records when rotation last removed lines, also after a restart`() throws {
    let place = try Place()
    let settings = place.settings(maxSize: 4096, maxBackups: 1)
    let start = Clock.microsecondsSince1970
    try place.writer(settings).write(0..<8)
    #expect(place.head?.removed == 0 && place.head?.first == 1)
    try place.writer(settings).write(8..<40)
    let removed = try #require(place.head?.removed)
    #expect(removed >= start && removed <= Clock.microsecondsSince1970)
    try place.writer(settings).write(40..<41)
    #expect(place.head?.removed == removed)
    #expect(try place.problem() == nil)
  }

  @Test func `a head without series is read and rewritten in the current format`() throws {
    let place = try Place()
    try place.writer().write(0..<3)
    let text = String(decoding: try #require(place.head).json, as: UTF8.self)
    let old = text.replacing(",\"removed\":0", with: "").replacing("\n", with: "            \n")
    try place.write(Array(old.utf8), to: "audit.log.head")
    #expect(place.head?.isOfOneSeries == true && place.head?.last == 3)
    let writer = try place.writer()
    try writer.write(3..<4)
    #expect(writer.takeFindings() == nil && place.head?.isOfOneSeries == false)
    #expect(try place.problem() == nil)
  }

  @Test func `without backups rotation starts an empty journal and the head has its first number`() throws {
    let place = try Place()
    let writer = try place.writer(place.settings(maxSize: 4096, maxBackups: 0))
    try writer.write(0..<100)
    let written = try place.written()
    #expect(written == Array(written.first!..<100))
    #expect(try place.problem() == nil)
    #expect(try place.names == ["audit.log", "audit.log.head"])
  }

  @Test func `lowering the number of backups removes the oldest ones`() throws {
    let place = try Place()
    try place.writer(place.settings(maxSize: 4096, maxBackups: 6)).write(0..<200)
    #expect(try place.names.contains("audit.log.6"))
    try place.writer(place.settings(maxSize: 4096, maxBackups: 2)).write(200..<220)
    #expect(try place.names == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.head"])
    #expect(try place.problem() == nil)
  }

  @Test func `rotation happens when the file has reached max_size and not one byte before`() throws {
    let sample = try Place()
    try sample.writer().write(0..<1)
    let size = try UInt64(sample.bytes().count)
    for (maxSize, isFull) in [(size - 1, true), (size, true), (size + 1, false)] {
      let place = try Place()
      try place.writer(place.settings(maxSize: maxSize)).write(0..<2)
      #expect(try place.names.contains("audit.log.1") == isFull, "\(maxSize) of \(size)")
      #expect(try place.written() == [0, 1])
    }
  }

  @Test func `after max_size the next batch goes into a new file, and batches are never split`() throws {
    let place = try Place()
    let writer = try place.writer(place.settings(maxSize: 4096, maxBackups: 50))
    try writer.append(
      [event(0, details: String(repeating: "x", count: 4000)), event(1)], isRepeated: false)
    try writer.append([event(2)], isRepeated: false)
    #expect(try place.bytes("audit.log.1").count > 4096)
    #expect(try place.bytes().count < 1000)
    #expect(try place.problem() == nil)
  }

  @Test func `repeated events are written once`() throws {
    let place = try Place()
    var writer = try place.writer()
    try writer.write(0..<10)
    writer = try place.writer()
    try writer.append((7..<14).map { event($0) }, isRepeated: true)
    #expect(try place.written() == Array(0..<14))
    try writer.append((9..<14).map { event($0) }, isRepeated: true)
    #expect(try place.written() == Array(0..<14))
    // These are not marked as repeated.
    try writer.append([event(13)], isRepeated: false)
    #expect(try place.written() == Array(0..<14) + [13])
    #expect(try place.problem() == nil)
  }

  @Test func `two writers share a journal even if one of them rotates it`() throws {
    let place = try Place()
    let settings = place.settings(maxSize: 4096, maxBackups: 100, compress: true)
    let writers = [try place.writer(settings), try place.writer(settings)]
    for number in 0..<300 {
      try writers[number % 7 < 3 ? 0 : 1].write(number..<number + 1)
      if number % 2 == 0 { writers[number % 4 / 2].compressSome() }
    }
    for writer in writers { while writer.isCompressing { writer.compressSome() } }
    #expect(try place.written() == Array(0..<300))
    #expect(try place.problem() == nil)
    for writer in writers { #expect(writer.takeFindings() == nil) }
    #expect(try !place.names.contains { $0.contains("compressing") })
  }

  @Test func `a renamed file is replaced by a new one`() throws {
    let place = try Place()
    let writer = try place.writer()
    try writer.write(0..<3)
    // As logrotate does, followed by a reload.
    try FileManager.default.moveItem(atPath: place.path, toPath: place.path + ".1")
    try writer.reopen()
    try writer.write(3..<5)
    #expect(try place.written() == Array(0..<5))
    #expect(try place.problem() == nil)
    #expect(writer.takeFindings() == nil)
  }

  @Test func `a file renamed while no daemon was running is replaced by a new one`() throws {
    let place = try Place()
    try place.writer().write(0..<3)
    try FileManager.default.moveItem(atPath: place.path, toPath: place.path + ".1")
    let writer = try place.writer()
    try writer.write(3..<5)
    #expect(try place.written() == Array(0..<5))
    #expect(try place.problem() == nil)
    #expect(writer.takeFindings() == nil)
  }

  @Test func `a removed file is noticed and its missing lines are reported`() throws {
    let place = try Place()
    let writer = try place.writer()
    try writer.write(0..<3)
    try FileManager.default.removeItem(atPath: place.path)
    try writer.write(3..<5)
    #expect(try place.written() == [3, 4])
    #expect(writer.takeFindings()?.missingLines == 3)
    guard case .missing(1...3)? = try place.problem()?.defect else {
      Issue.record("\(String(describing: try place.problem()))")
      return
    }
  }

  @Test func `a journal that is a symbolic link or a directory is not written`() throws {
    let place = try Place()
    try place.write([], to: "other")
    try FileManager.default.createSymbolicLink(
      atPath: place.path, withDestinationPath: "\(place.directory)/other")
    #expect(throws: SystemError.self) { try place.writer() }
    try FileManager.default.removeItem(atPath: place.path)
    try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
    #expect(throws: SystemError.self) { try place.writer() }
  }

  @Test func `unsynchronized data is tracked`() throws {
    let place = try Place()
    for (sync, isDirty) in [(.always, false), (.interval, true), (.never, false)]
      as [(JournalSettings.Sync, Bool)]
    {
      let writer = try place.writer(place.settings(sync: sync))
      try writer.write(0..<1)
      #expect(writer.isDirty == isDirty, "\(sync)")
      try writer.synchronize()
      #expect(!writer.isDirty)
    }
  }

  @Test func `temporary files of a process killed during compression are removed`() throws {
    let place = try Place()
    try place.write([1, 2, 3], to: "audit.log.compressing.77")
    _ = try place.writer()
    #expect(try place.names == ["audit.log", "audit.log.head"])
  }
}
