import Foundation
import Glibc
import System
import Testing
import Wire

/// The resources that the built bssh-transfer uses, and what it does when its client goes away.
@Suite struct LoginContextLimitsTests {
  /// Most resident memory in kilobytes.
  private static let memory = 20_000

  @Test func `memory does not grow with the pipeline, the file or the directory`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    let handle = try #require(try given.create("/a", flags: 1 | 2 | 8))
    let block = [UInt8](repeating: 7, count: 32 << 10)
    // 2,000 writes, 10 MB apart: a sparse file of 20 GB.
    for number in 0..<2000 as Range<UInt64> {
      try given.request(6) {
        $0.string(handle)
        $0.uint64(number * 10_000_000)
        $0.string(block)
      }
    }
    for _ in 0..<2000 { #expect(try given.reply().rest.starts(with: [0, 0, 0, 0])) }
    // 2,000 reads are sent before the first reply is received.
    for number in 0..<2000 as Range<UInt64> {
      try given.request(5) {
        $0.string(handle)
        $0.uint64(number * 10_000_000)
        $0.uint32(32 << 10)
      }
    }
    for _ in 0..<2000 {
      let reply = try given.reply()
      #expect(reply.type == 103 && reply.rest.count == 4 + block.count && reply.rest.last == 7)
    }
    // Reads and writes of the largest size.
    for _ in 0..<20 {
      let written = try given.ask(6) {
        $0.string(handle)
        $0.uint64(0)
        $0.string([UInt8](repeating: 1, count: 255 << 10))
      }
      #expect(written.rest.starts(with: [0, 0, 0, 0]))
      let read = try given.ask(5) {
        $0.string(handle)
        $0.uint64(0)
        $0.uint32(.max)
      }
      #expect(read.rest.count == 4 + 255 << 10)
    }
    // Hard links are created quickly. scripts/check-large-directory.py uses a million.
    try directory.make("d")
    try directory.write("d/0", "")
    for number in 1..<20_000 { try #require(link(directory.path + "/d/0", directory.path + "/d/\(number)") == 0) }
    let open = try given.ask(11) { $0.text("/d") }
    var names = 0
    while true {
      let reply = try given.ask(12) { $0.raw(open.rest) }
      if reply.type != 104 { break }
      names += Int(reply.rest[2]) << 8 | Int(reply.rest[3])
    }
    #expect(names == 20_002)
    let peak = given.kilobytes("VmHWM")
    #expect(peak > 0 && peak < LoginContextLimitsTests.memory, "\(peak) kB")
  }

  @Test func `few descriptors mean few handles, and other requests work while all are in use`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("a", "1")
    try directory.link("l", to: "a")
    for _ in 0..<10 { try directory.make("d/\(UUID())") }
    let given = try Given(in: directory.path, limits: [.openFiles(32)])
    let limits = try given.ask(200) { $0.text("limits@openssh.com") }
    var reader = WireReader(limits.rest.suffix(8))
    #expect(try reader.uint64() == 8)
    // A directory takes as many as a file: one.
    var handles: [[UInt8]] = []
    for _ in 0..<8 {
      let reply = try given.ask(11) { $0.text("/d") }
      try #require(reply.type == 102)
      handles.append(reply.rest)
    }
    for type in [3, 11] as [UInt8] {
      let refused = try given.ask(type) {
        $0.text("/a")
        $0.uint32(1)
        $0.uint32(0)
      }
      #expect(refused.type == 101)
      #expect(String(decoding: refused.rest, as: UTF8.self).contains("No more than 8 files can be open"))
    }
    for handle in handles { #expect(try given.ask(12) { $0.raw(handle) }.type == 104) }
    for (type, path) in [(17, "/l"), (7, "/l"), (16, "/d/../l"), (19, "/l")] as [(UInt8, String)] {
      #expect(try given.ask(type) { $0.text(path) }.type != 101, "\(type)")
    }
    #expect(try given.makeDirectory("/d/new") == 0)
    for name in ["posix-rename@openssh.com", "hardlink@openssh.com"] {
      let done = try given.ask(200) {
        $0.text(name)
        $0.text(name.hasPrefix("posix") ? "/a" : "/b")
        $0.text(name.hasPrefix("posix") ? "/b" : "/c")
      }
      #expect(done.rest.starts(with: [0, 0, 0, 0]), "\(name)")
    }
    let checked = try given.ask(200) {
      $0.text("check-file-name")
      $0.text("/b")
      $0.text("md5")
      $0.uint64(0)
      $0.uint64(0)
      $0.uint32(0)
    }
    #expect(checked.type == 201)
    #expect(try given.ask(4) { $0.raw(handles[0]) }.rest.starts(with: [0, 0, 0, 0]))
    #expect(try given.create("/new") != nil)
  }

  @Test func `after the client vanishes its upload is still reported`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    let handle = try #require(try given.create("/a"))
    #expect(try given.write(handle, at: 0, [1, 2, 3]).status == 0)
    given.closeOutput()
    #expect(try given.end() == .code(0))
    let records = try given.records(until: .fileUploaded)
    #expect(records.map(\.type) == [.fileOpenWrite, .fileClose, .fileUploaded])
    let uploaded = try #require(records.last)
    #expect(uploaded.path == Array("/a".utf8) && uploaded.bytes == 3 && uploaded.reason == "broken_off")
    #expect(uploaded.result == .failure)
  }

  @Test(arguments: ["check-file-handle", "copy-data"]) func `long work ends when the client is gone`(
    name: String
  ) throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    let (from, to) = (try #require(try given.create("/a", flags: 1 | 2 | 8)), try #require(try given.create("/b")))
    // Days of work.
    try #require(truncate(directory.path + "/a", 1 << 43) == 0)
    try given.request(200) {
      $0.text(name)
      $0.string(from)
      if name == "copy-data" {
        $0.uint64(0)
        $0.uint64(0)
        $0.string(to)
        $0.uint64(0)
      } else {
        $0.text("md5")
        $0.uint64(0)
        $0.uint64(0)
        $0.uint32(0)
      }
    }
    given.closeOutput()
    #expect(try given.end() == .code(0))
  }
}
