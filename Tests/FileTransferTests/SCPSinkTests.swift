import Foundation
import System
import Testing

@testable import FileTransfer

@Suite struct SCPSinkTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  @Test func `a file is created under its own name in a directory, or as the target`() throws {
    let inDirectory = try SCPConversation("scp -t /", root: scratch.path)
    try inDirectory.expect("\0")
    try inDirectory.send("C0640 5 a b\n")
    try inDirectory.expect("\0")
    try inDirectory.send("hello\0")
    try inDirectory.expect("\0")
    #expect(try inDirectory.finish() == 0)
    #expect(scratch.text("a b") == "hello")
    let asTarget = try SCPConversation("scp -t other", root: scratch.path)
    try asTarget.expect("\0")
    try asTarget.send("C0640 0 a\n")
    try asTarget.expect("\0")
    try asTarget.send("\0")
    try asTarget.expect("\0")
    #expect(try asTarget.finish() == 0)
    #expect(scratch.text("other") == "")
  }

  /// The umask belongs to the whole process, so that the expected mode depends on it.
  @Test func `modes are reduced by the umask without -p, exact with it, and never set-ID`()
    throws
  {
    let mask = umask(0)
    umask(mask)
    for (option, expected) in [("", String(0o775 & ~mask, radix: 8)), ("-p ", "775")] {
      let client = try SCPConversation("scp \(option)-t /x\(option.count)", root: scratch.path)
      try client.expect("\0")
      try client.send("C6775 1 x\n")
      try client.expect("\0")
      try client.send("x\0")
      try client.expect("\0")
      #expect(try client.finish() == 0)
      #expect(scratch.mode("x\(option.count)") == expected)
    }
  }

  @Test func `a file that its owner may not write gets its content before its mode`() throws {
    let client = try SCPConversation("scp -t /", root: scratch.path)
    try client.expect("\0")
    try client.send("C0400 1 x\n")
    try client.expect("\0")
    try client.send("x\0")
    try client.expect("\0")
    #expect(try client.finish() == 0)
    #expect(scratch.mode("x") == "400")
    #expect(scratch.text("x") == "x")
  }

  @Test func `times are set with -p`() throws {
    let client = try SCPConversation("scp -pr -t /", root: scratch.path)
    try client.expect("\0")
    try client.send("T1000000000 0 1100000000 0\n")
    try client.expect("\0")
    try client.send("D0500 0 d\n")
    try client.expect("\0")
    try client.send("T1200000000 0 1100000000 0\n")
    try client.expect("\0")
    try client.send("C0444 1 x\n")
    try client.expect("\0")
    try client.send("x\0")
    try client.expect("\0")
    try client.send("E\n")
    try client.expect("\0")
    #expect(try client.finish() == 0)
    #expect(scratch.modified("d") == 1_000_000_000)
    #expect(scratch.modified("d/x") == 1_200_000_000)
    #expect(scratch.mode("d") == "500")
    #expect(scratch.mode("d/x") == "444")
  }

  @Test func `a longer existing file is replaced entirely`() throws {
    try scratch.write("x", "something long")
    let client = try SCPConversation("scp -t /x", root: scratch.path)
    try client.expect("\0")
    try client.send("C0644 2 y\n")
    try client.expect("\0")
    try client.send("ab\0")
    try client.expect("\0")
    #expect(try client.finish() == 0)
    #expect(scratch.text("x") == "ab")
  }

  @Test(arguments: ["../x", "a/b", "..", ".", "", "/etc/x"])
  func `an invalid name ends the transfer`(name: String) throws {
    let client = try SCPConversation("scp -r -t /", root: scratch.path)
    try client.expect("\0")
    try client.send("C0644 1 \(name)\n")
    try client.expectProblem("protocol error: unexpected filename: \(name)")
    #expect(try client.finish() == 1)
    #expect(scratch.names() == [])
  }

  @Test func `a file that cannot be created is reported, and the next one is created`() throws {
    try scratch.write("file", "old")
    try FileManager.default.createDirectory(atPath: scratch.path + "/dir", withIntermediateDirectories: false)
    let client = try SCPConversation("scp -r -t /", root: scratch.path)
    try client.expect("\0")
    try client.send("C0644 5 dir\n")
    try client.expectProblem("/dir: Is a directory")
    try client.send("D0755 0 file\n")
    try client.expectProblem("/file: Not a directory")
    try client.send("C0644 2 x\n")
    try client.expect("\0")
    try client.send("ab\0")
    try client.expect("\0")
    #expect(try client.finish() == 1)
    #expect(scratch.text("x") == "ab")
    #expect(scratch.text("file") == "old")
  }

  @Test func `a full disk is reported at the end of the file, and the next one is received`() throws {
    try scratch.link("full", to: "/dev/full")
    let client = try SCPConversation("scp -t \(scratch.path)", root: nil)
    try client.expect("\0")
    try client.send("C0644 300000 full\n")
    try client.expect("\0")
    try client.send([UInt8](repeating: 0x61, count: 300_000) + [0])
    try client.expectProblem("/dev/full: No space left on device")
    try client.send("C0644 1 x\n")
    try client.expect("\0")
    try client.send("x\0")
    try client.expect("\0")
    #expect(try client.finish() == 1)
    #expect(scratch.text("x") == "x")
  }

  @Test func `a file that is too large is refused before it is created`() throws {
    let client = try SCPConversation("scp -t /", root: scratch.path, maxFileSize: 10)
    try client.expect("\0")
    try client.send("C0644 11 a\n")
    try client.expectProblem("/a: File too large")
    try client.send("C0644 10 b\n")
    try client.expect("\0")
    try client.send("0123456789\0")
    try client.expect("\0")
    #expect(try client.finish() == 1)
    #expect(scratch.names() == ["b"])
  }

  @Test func `nothing is created in a read-only session`() throws {
    let client = try SCPConversation("scp -r -t /", root: scratch.path, readOnly: true)
    try client.expect("\0")
    try client.send("C0644 1 a\n")
    try client.expectProblem("/a: Read-only file system")
    try client.send("D0755 0 d\n")
    try client.expectProblem("/d: Read-only file system")
    #expect(try client.finish() == 1)
    #expect(scratch.names() == [])
  }

  @Test func `no link and no parent directory leads out of the root`() throws {
    let outside = try ScratchDirectory()
    try outside.write("secret", "old")
    try scratch.link("absolute", to: outside.path)
    try scratch.link("relative", to: "../" + (outside.path as NSString).lastPathComponent)
    try scratch.link("file", to: outside.path + "/secret")
    for target in ["/absolute", "/relative", "/..//../" + outside.path, "../../" + outside.path] {
      let client = try SCPConversation("scp -t \(target)", root: scratch.path)
      try client.expect("\0")
      try client.send("C0644 3 secret\n")
      if try client.read(1) == [0] {
        try client.send("new\0")
        _ = try client.read(1)
      } else {
        try client.skipLine()
      }
      _ = try client.finish()
    }
    let client = try SCPConversation("scp -t /", root: scratch.path)
    try client.expect("\0")
    try client.send("C0644 3 file\n")
    try client.expectProblem("/file: No such file or directory")
    _ = try client.finish()
    #expect(outside.text("secret") == "old")
    #expect(outside.names() == ["secret"])
  }

  @Test func `an upload that breaks off is recorded with its size`() throws {
    let events = EventList()
    let client = try SCPConversation("scp -t /", root: scratch.path, observer: events)
    try client.expect("\0")
    try client.send("C0644 100 a\n")
    try client.expect("\0")
    try client.send("abc")
    client.sendNoMore()
    try client.expectProblem("protocol error: lost connection")
    #expect(try client.finish() == 1)
    let uploads = events.events.filter { if case .uploaded = $0 { true } else { false } }
    #expect(uploads.count == 1)
    guard case .uploaded(_, 3, _, .brokenOff)? = uploads.first else {
      Issue.record("\(uploads)")
      return
    }
  }

  @Test func `a target that must be a directory and is not is refused`() throws {
    try scratch.write("file")
    let client = try SCPConversation("scp -d -t /file", root: scratch.path)
    try client.expectProblem("/file: Not a directory")
    #expect(try client.finish() == 1)
    let two = try SCPConversation("scp -t /file /other", root: scratch.path)
    try two.expectProblem("ambiguous target")
    #expect(try two.finish() == 1)
  }

  @Test func `a file that the client cannot read counts as broken off and makes the exit code 1`() throws {
    let events = EventList()
    let client = try SCPConversation("scp -t /", root: scratch.path, observer: events)
    try client.expect("\0")
    try client.send("\u{1}scp: gone\nC0644 3 a\n")
    try client.expect("\0")
    try client.send("abc\u{1}read error\n")
    try client.expect("\0")
    #expect(try client.finish() == 1)
    #expect(
      events.events.contains {
        if case .uploaded(_, 3, _, .brokenOff) = $0 { true } else { false }
      })
  }

  @Test(.enabled(if: geteuid() == 0)) func `a full file system is reported and fails the upload`() throws {
    try #require(mount("tmpfs", scratch.path, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(scratch.path, Int32(2)) }
    let events = EventList()
    let client = try SCPConversation("scp -t /", root: scratch.path, observer: events)
    try client.expect("\0")
    try client.send("C0644 100000 a\n")
    try client.expect("\0")
    try client.send([UInt8](repeating: 0x61, count: 100_000) + [0])
    try client.expectProblem("/a: No space left on device")
    #expect(try client.finish() == 1)
    #expect(
      events.events.contains {
        if case .uploaded(_, _, _, .failed(.system(let error))) = $0 { error.code == ENOSPC } else { false }
      })
  }

  @Test func `expanding an ambiguous target stops at the second path`() throws {
    for name in ["a", "b"] { try scratch.write(name) }
    let client = try SCPConversation("scp -t " + String(repeating: "* ", count: 50_000), root: scratch.path)
    try client.expectProblem("ambiguous target")
    #expect(try client.finish() == 1)
  }
}
