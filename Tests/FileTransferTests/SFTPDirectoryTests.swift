import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Directories and the names in them.
struct SFTPDirectoryTests {
  let directory = try! TemporaryDirectory()

  @Test func `rename refuses an existing target, and posix-rename replaces it`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "a")
    try directory.write("b", "b")
    #expect(try client.ask(18, "a", "b").status == .failure)
    #expect(try directory.read("b") == "b")
    #expect(try client.ask(18, "a", "c").status == .ok)
    #expect(try client.ask(200, "posix-rename@openssh.com", "c", "b").status == .ok)
    #expect(try directory.read("b") == "a")
    #expect(try client.ask(18, "missing", "x").status == .noSuchFile)
  }

  @Test func `directories are created, listed with ls -l lines and removed`() throws {
    var client = try Client(in: directory)
    #expect(try client.set(14, Array("d".utf8)) { _ in } == .ok)
    #expect(try client.set(14, Array("d".utf8)) { _ in } == .failure)
    try directory.write("d/file", "12345")
    let handle = try client.ask(11, "d").string
    let names = try client.ask(12) { $0.string(handle) }.names
    #expect(Set(names.map { $0.name }) == [".", "..", "file"])
    let file = try #require(names.first { $0.name == "file" })
    #expect(file.attributes.size == 5)
    let pattern = /-rw-[r-][w-]-[r-]--  +1 \S+ +\S+ +5 [A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9] file/
    #expect(file.line.wholeMatch(of: pattern) != nil, "\(file.line)")
    #expect(try client.ask(12) { $0.string(handle) }.status == .endOfFile)
    #expect(try client.close(handle) == .ok)
    #expect(try client.ask(15, "d").status == .failure)
    #expect(try client.ask(13, "d/file").status == .ok)
    #expect(try client.ask(13, "d").status != .ok)
    #expect(try client.ask(15, "d").status == .ok)
    #expect(!directory.exists("d"))
  }

  @Test(.enabled(if: access("/usr/lib/openssh/sftp-server", X_OK) == 0, "there is no sftp-server"))
  func `entries are listed as by OpenSSH's server`() throws {
    try directory.make("d")
    for (index, mode) in [0o644, 0o4755, 0o2711, 0o1777, 0o6000, 0o7000, 0o000].enumerated() {
      try directory.write("mode\(index)", String(repeating: "x", count: index * 1234))
      chmod(directory.path + "/mode\(index)", mode_t(mode))
    }
    let now = time(nil)
    let ages = ["old": 0, "2001": 981_173_106, "recent": now - 86400, "half": now - 190 * 86400, "future": now + 86400]
    for (name, seconds) in ages {
      try directory.write(name, "")
      var times = [timeval(tv_sec: seconds, tv_usec: 0), timeval(tv_sec: seconds, tv_usec: 0)]
      utimes(directory.path + "/" + name, &times)
    }
    try directory.link("link", to: "nowhere")
    mkfifo(directory.path + "/pipe", 0o600)
    link(directory.path + "/2001", directory.path + "/hard")
    truncate(directory.path + "/recent", 12_345_678_901)
    if geteuid() == 0 { chown(directory.path + "/half", 4_000_000_000, 3_999_999_999) }
    try directory.write("\u{fc} name with \t", "")

    var client = try Client(in: directory)
    let handle = try client.ask(11, "/").string
    let ours = try client.ask(12) { $0.string(handle) }.names
    let theirs = try namesFromOpenSSH()
    #expect(ours.count == theirs.count)
    for name in theirs where name.name != ".." {
      let own = try #require(ours.first { $0.name == name.name })
      #expect(own.line == name.line)
      #expect(own.attributes == name.attributes)
    }
  }

  /// The first NAME of sftp-server for the directory; sftp-server's first handle is 0.
  private func namesFromOpenSSH() throws -> [(name: String, line: String, attributes: SFTPAttributes)] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/lib/openssh/sftp-server")
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let requests =
      [0, 0, 0, 5, 1, 0, 0, 0, 3] + Client.packet(11, 1) { $0.text(directory.path) }
      + Client.packet(12, 2) { $0.string([0, 0, 0, 0]) }
    try input.fileHandleForWriting.write(contentsOf: Data(requests))
    // sftp-server exits at the end of its input, even with unsent replies.
    defer {
      try? input.fileHandleForWriting.close()
      process.waitUntilExit()
    }
    var bytes: [UInt8] = []
    while case let more = output.fileHandleForReading.availableData, !more.isEmpty {
      bytes += more
      var reader = WireReader(bytes)
      while let body = try? reader.string() {
        var packet = WireReader(body)
        let reply = Reply(type: try packet.byte(), id: try packet.uint32(), body: Array(packet.rest))
        if reply.type == 104 { return reply.names }
      }
    }
    throw SystemError("readdir", code: EPROTO)
  }

  @Test func `a large directory is listed in several replies, even if files are deleted meanwhile`() throws {
    var client = try Client(in: directory)
    for i in 0..<3000 { try directory.write("file\(i)", "") }
    let handle = try client.ask(11, "/").string
    var seen: Set<String> = []
    var turns = 0
    while true {
      let reply = try client.ask(12) { $0.string(handle) }
      if reply.status == .endOfFile { break }
      #expect(reply.body.count < 34_000)
      for name in reply.names { #expect(seen.insert(name.name).inserted) }
      turns += 1
      if turns == 2 {
        for i in 0..<3000 where !seen.contains("file\(i)") && i % 2 == 0 { unlink(directory.path + "/file\(i)") }
      }
    }
    #expect(turns > 5 && (0..<3000).allSatisfy { $0 % 2 == 0 || seen.contains("file\($0)") })
  }

  @Test func `symlink takes the target first, and readlink and lstat see the link`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    #expect(try client.ask(20, "a", "link").status == .ok)
    #expect(try client.ask(19, "link").names.first?.name == "a")
    #expect(try client.ask(7, "link").attributes?.mode.map { $0 & S_IFMT } == S_IFLNK)
    #expect(try client.ask(17, "link").attributes?.size == 5)
    #expect(try client.ask(19, "a").status == .badMessage)
  }

  @Test func `realpath resolves dots and links, and its last component need not exist`() throws {
    var client = try Client(in: directory)
    try directory.make("a/b")
    try directory.link("l", to: "/a/b")
    for (path, real) in [
      ("", "/"), (".", "/"), ("a/../a//b/.", "/a/b"), ("l", "/a/b"), ("l/new", "/a/b/new"), ("/../../..", "/"),
    ] { #expect(try client.ask(16, path).names.first?.name == real, "\(path)") }
    #expect(try client.ask(16, "missing/new").status == .noSuchFile)
  }

  @Test func `hard links are the same file`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "1")
    #expect(try client.ask(200, "hardlink@openssh.com", "a", "b").status == .ok)
    #expect(try directory.status("a").st_ino == directory.status("b").st_ino)
    #expect(try client.ask(200, "hardlink@openssh.com", "a", "b").status == .failure)
  }

  @Test func `names are bytes`() throws {
    var client = try Client(in: directory)
    let name: [UInt8] = [0xff, 0x0a, 0x80, 0x20]
    #expect(try client.set(14, name) { _ in } == .ok)
    let handle = try client.ask(11, "/").string
    let body = try client.ask(12) { $0.string(handle) }.body
    #expect(body.indices.contains { body[$0...].starts(with: name) })
    #expect(try client.set(14, [0x61, 0, 0x62]) { _ in } == .badMessage)
    #expect(try client.ask(15) { $0.string(name) }.status == .ok)
    // Two names that are canonically equivalent in Unicode are different.
    let (one, two) = ("caf\u{e9}", "cafe\u{301}")
    #expect(try client.set(14, Array(one.utf8)) { _ in } == .ok)
    #expect(try client.set(14, Array(two.utf8)) { _ in } == .ok)
    #expect(try client.ask(16, two).body != client.ask(16, one).body)
    #expect(try client.ask(18, two, one).status != .ok)
    #expect(
      try client.ask(20) {
        $0.string(name)
        $0.text("link")
      }.status == .ok)
    let target = try client.ask(19, "link").body
    #expect(target.indices.contains { target[$0...].starts(with: name) })
  }

  @Test func `listing a directory that is removed meanwhile ends`() throws {
    var client = try Client(in: directory)
    try directory.make("d")
    for i in 0..<2000 { try directory.write("d/\(i)", "") }
    let handle = try client.ask(11, "d").string
    #expect(try client.ask(12) { $0.string(handle) }.names.count > 10)
    try FileManager.default.removeItem(atPath: directory.path + "/d")
    var turns = 0
    while try client.ask(12, { $0.string(handle) }).status != .endOfFile {
      turns += 1
      try #require(turns < 100)
    }
    #expect(try client.ask(8) { $0.string(handle) }.attributes != nil)
    #expect(try client.close(handle) == .ok)
  }
}
