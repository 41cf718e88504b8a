import Audit
import Foundation
import Glibc
import Gzip
import System
import Testing

@testable import JournalReader

/// Single journal files, and the list of all of them.
@Suite struct JournalFileTests {
  private let files: Files
  init() throws { files = try Files() }

  private func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
    let gzip = try GzipWriter()
    return gzip.add(bytes[...]) + gzip.finish()
  }

  /// Everything that is read from a file: its lines, what follows the last newline, and the error at its end.
  private func read(_ name: JournalFileName) throws -> (lines: [[UInt8]], rest: [UInt8]?, error: ReadError?) {
    var lines = try files.directory().open(name).lines()
    var whole: [[UInt8]] = []
    do throws(ReadError) {
      while let line = try lines.next() {
        switch line {
        case .whole(let bytes): whole.append(Array(bytes))
        case .rest(let bytes): return (whole, Array(bytes), nil)
        case .tooLong: return (whole, nil, .tooLong(line: whole.count + 1))
        }
      }
      return (whole, nil, nil)
    } catch { return (whole, nil, error) }
  }

  private let plain = JournalFileName(age: 1, isCompressed: false)
  private let gzip = JournalFileName(age: 1, isCompressed: true)

  @Test func `a compressed file has the lines of the plain one`() throws {
    let bytes = files.lines(1...3000)
    try files.write(bytes, to: "audit.log.1")
    // Two concatenated gzip members are one file.
    let half = bytes.count / 2
    try files.write(compressed(Array(bytes[..<half])) + compressed(Array(bytes[half...])), to: "audit.log.1.gz")
    let (one, other) = (try read(plain), try read(gzip))
    #expect(one.lines.count == 3000 && one.lines == other.lines)
    #expect(one.rest == nil && other.rest == nil && one.error == nil && other.error == nil)
  }

  @Test func `lines before trailing garbage are read and then an error is thrown`() throws {
    try files.write(compressed(files.lines(1...9)) + Array("garbage".utf8), to: "audit.log.1.gz")
    let found = try read(gzip)
    #expect(found.lines.count == 9 && found.error == .gzip(.malformed))
  }

  @Test(arguments: [1, 8, 9, 200]) func `the lines of a truncated compressed file are read and then an error is thrown`(
    cut: Int
  )
    throws
  {
    let bytes = try compressed(files.lines(1...2000))
    try files.write(Array(bytes.dropLast(cut)), to: "audit.log.1.gz")
    let found = try read(gzip)
    #expect(found.error == .truncated && found.lines.count > 1000 && found.lines.count <= 2000)
    #expect(try files.directory().open(gzip).firstNumber() == 1)
  }

  @Test func `an empty file has no lines whether compressed or not`() throws {
    for name in ["audit.log.1", "audit.log.1.gz"] { try files.write([], to: name) }
    for name in [plain, gzip] {
      let (found, file) = (try read(name), try files.directory().open(name))
      #expect(found.lines.isEmpty && found.rest == nil && found.error == nil)
      #expect(try file.firstNumber() == nil && file.lastEvent(of: .main) == nil)
    }
  }

  @Test func `an incomplete last line is distinguished and complete once it is continued`() throws {
    let bytes = files.lines(1...3)
    try files.write(Array(bytes.dropLast(5)), to: "audit.log.1")
    let torn = try read(plain)
    #expect(torn.lines.count == 2 && torn.rest?.isEmpty == false)
    try files.write(bytes, to: "audit.log.1")
    #expect(try read(plain).lines.count == 3)
  }

  @Test func `a file is read up to the requested end even if it grows`() throws {
    try files.append(files.lines(1...3))
    let file = try files.directory().open(.written)
    try files.append(files.lines(4...5))
    var lines = file.lines(upTo: file.size)
    var count = 0
    while try lines.next() != nil { count += 1 }
    #expect(count == 3)
    #expect(try file.lastEvent(of: .main)?.head.sequence == 3)
  }

  @Test func `the last event is found before garbage, with its position`() throws {
    let bytes = files.lines(1...5000)
    let torn = Array("x\n".utf8) + files.lines(5001...5001).dropLast()
    try files.write(bytes + torn, to: "audit.log.1")
    try files.write(compressed(bytes + torn), to: "audit.log.1.gz")
    for name in [plain, gzip] {
      let last = try #require(try files.directory().open(name).lastEvent(of: .files))
      #expect(last.head.sequence == 5000 && last.head.series == .files)
      #expect((last.place == nil) == name.isCompressed)
      if let place = last.place {
        var lines = try files.directory().open(name).lines(from: place.offset)
        guard case .whole(let line)? = try lines.next() else {
          Issue.record("no line")
          continue
        }
        #expect(LineHead(line, of: .files) == last.head)
      }
    }
  }

  @Test func `only regular files are opened and symbolic links only where permitted`() throws {
    try files.write(files.lines(1...1), to: "elsewhere")
    symlink("elsewhere", files.path)
    mkfifo(files.path + ".1", 0o600)
    let confined = try files.directory()
    #expect(throws: ReadError.system(SystemError("open", code: ELOOP))) { try confined.open(.written) }
    #expect(throws: ReadError.notRegular) { try confined.open(plain) }
    let free = try JournalDirectory(files.path)
    #expect(try free.open(.written).firstNumber() == 1)
    #expect(throws: ReadError.notRegular) { try free.open(plain) }
  }

  @Test func `the files of a series are those with its names, youngest first`() throws {
    for name in [
      "audit.log", "audit.log.1", "audit.log.1.gz", "audit.log.10.gz", "audit.log.2", "audit.log.head", "audit.log.01",
      "audit-files.log", "audit.log.gz", "other", "audit.log.compressing.7",
    ] { try files.write([], to: name) }
    #expect(
      try files.directory().names() == [
        .written, plain, gzip, JournalFileName(age: 2, isCompressed: false),
        JournalFileName(age: 10, isCompressed: true),
      ])
    let other = JournalDirectory(files.folder + "/audit-files.log", in: try files.directory().directory)
    #expect(try other.names() == [.written])
  }

  @Test func `files are listed again if one was renamed meanwhile`() throws {
    try files.append(files.lines(1...1))
    let directory = try files.directory()
    var looks: [[JournalFileName]] = []
    let found = try directory.atOneMoment { (names) throws(ReadError) in
      looks.append(names)
      if looks.count == 1 { rename(files.path, files.path + ".1") }
      return names
    }
    #expect(looks == [[.written], [plain]] && found == [plain])
  }

  @Test func `files that are renamed all the time cause an error and not an endless loop`() throws {
    let directory = try files.directory()
    var looks = 0
    #expect(throws: ReadError.system(SystemError("read \(files.folder), whose files never stay", code: EBUSY))) {
      try directory.atOneMoment { (_) throws(ReadError) in
        looks += 1
        try? files.write([], to: "audit.log.\(looks)")
      }
    }
    #expect(looks == 100)
  }
}
