import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Each request, and what it promises.
struct SFTPServerTests {
  let directory = try! TemporaryDirectory()

  @Test func `VERSION is 3 and announces each extension that works`() throws {
    var client = try Client(RootedFileSystem(root: directory.path), initialized: false)
    let version = try #require(try client.exchange([0, 0, 0, 5, 1, 0, 0, 0, 6]).first)
    #expect(version.type == 2 && version.id == 3)
    var reader = WireReader(version.body)
    var names: [String] = []
    while !reader.isAtEnd {
      names.append(try reader.text())
      _ = try reader.text()
    }
    #expect(names.count == 13 && Set(names).isSuperset(of: ["limits@openssh.com", "copy-data", "check-file-name"]))
  }

  @Test func `a file is made, written, read and closed`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("/a", 2 | 8 | 16)
    #expect(try client.write(handle, 0, "hello ") == .ok)
    #expect(try client.write(handle, 6, "world") == .ok)
    #expect(try client.close(handle) == .ok)
    #expect(try client.close(handle) == .failure)
    #expect(try directory.read("a") == "hello world")
    #expect(try client.text("a") == "hello world")
    let again = try client.opened("a", 1)
    #expect(try client.read(again, 11, 10).status == .endOfFile)
    #expect(try client.read(again, 6, 3).string == Array("wor".utf8))
    #expect(try client.read(again, 0, 0).type == 103)
    #expect(try client.write(again, 0, "x") != .ok)
  }

  @Test func `exclusive refuses what is there, be it a link to nowhere`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "1")
    try directory.link("nowhere", to: "missing")
    #expect(try client.open("a", 2 | 8 | 32).status == .failure)
    #expect(try client.open("nowhere", 2 | 8 | 32).status == .failure)
    #expect(!directory.exists("missing"))
    _ = try client.opened("nowhere", 2 | 8)
    #expect(directory.exists("missing"))
  }

  @Test func `append writes to the end whatever the offset`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "123")
    let handle = try client.opened("a", 2 | 4)
    #expect(try client.write(handle, 0, "45") == .ok)
    #expect(try directory.read("a") == "12345")
  }

  @Test func `truncate empties, and without it the rest stays`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    let first = try client.opened("a", 2)
    _ = try client.write(first, 0, "ab")
    #expect(try directory.read("a") == "ab345")
    _ = try client.opened("a", 2 | 8 | 16)
    #expect(try directory.read("a") == "")
  }

  @Test func `the mode of a new file and directory is the client's less the umask`() throws {
    var client = try Client(in: directory)
    let mask = umask(0)
    umask(mask)
    _ = try client.open("a", 2 | 8, mode: 0o640)
    _ = try client.open("b", 2 | 8)
    #expect(try client.set(14, Array("d".utf8)) { $0.mode = 0o750 } == .ok)
    #expect(try client.set(14, Array("e".utf8)) { _ in } == .ok)
    #expect(try directory.status("a").st_mode & 0o7777 == 0o640 & ~mask)
    #expect(try directory.status("b").st_mode & 0o7777 == 0o666 & ~mask)
    #expect(try directory.status("d").st_mode & 0o7777 == 0o750 & ~mask)
    #expect(try directory.status("e").st_mode & 0o7777 == 0o777 & ~mask)
  }

  @Test func `offsets past 4 GiB make sparse files`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("a", 1 | 2 | 8)
    #expect(try client.write(handle, 5 << 30, "end") == .ok)
    #expect(try client.read(handle, 5 << 30, 10).string == Array("end".utf8))
    let size = try client.ask(8) { $0.string(handle) }.attributes?.size
    #expect(size == 5 << 30 + 3)
    #expect(try client.write(handle, .max - 1, "end") == .failure)
    #expect(try client.read(handle, .max, 10).status != .ok)
  }

  @Test(arguments: [9, 10] as [UInt8]) func `attributes are all set, by name and by handle`(type: UInt8) throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    let name = type == 9 ? Array("a".utf8) : try client.opened("a", 2)
    let status = try client.set(type, name) {
      $0.size = 2
      $0.mode = 0o100604
      ($0.accessTime, $0.modificationTime) = (1000, 4_000_000_000)
      $0.owner = FileOwner(user: geteuid(), group: getegid())
    }
    #expect(status == .ok)
    let found = try directory.status("a")
    #expect(found.st_size == 2 && found.st_mode & 0o7777 == 0o604)
    #expect(found.st_atim.tv_sec == 1000 && found.st_mtim.tv_sec == 4_000_000_000)
  }

  @Test func `what cannot be set is not answered with OK`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    #expect(try client.set(10, try client.opened("a", 1)) { $0.size = 2 } == .badMessage)
    #expect(try directory.status("a").st_size == 5)
    #expect(try client.set(9, Array("missing".utf8)) { $0.mode = 0o600 } == .noSuchFile)
    #expect(try client.set(9, Array("a".utf8)) { $0.size = .max } == .badMessage)
  }

  @Test func `lsetstat changes the link and setstat what it leads to`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "1")
    try directory.link("l", to: "a")
    let set: (inout Client, Bool) throws -> SFTPStatus? = { client, link in
      try client.ask(link ? 200 : 9) {
        if link { $0.text("lsetstat@openssh.com") }
        $0.text("l")
        var attributes = SFTPAttributes()
        (attributes.accessTime, attributes.modificationTime) = (5, link ? 6 : 7)
        attributes.encode(to: &$0)
      }.status
    }
    #expect(try set(&client, true) == .ok)
    #expect(try set(&client, false) == .ok)
    #expect(try directory.status("l").st_mtim.tv_sec == 6)
    #expect(try directory.status("a").st_mtim.tv_sec == 7)
  }

  @Test func `rename refuses a target that is there, and posix-rename replaces it`() throws {
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

  @Test func `directories are made, listed with ls -l lines and removed`() throws {
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

  @Test func `a large directory comes in pieces and whole, though files go meanwhile`() throws {
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

  @Test func `realpath removes dots and links, and its last name need not exist`() throws {
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

  @Test func `statvfs tells what the system tells`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "")
    var expected = statvfs()
    statvfs(directory.path, &expected)
    let handle = try client.opened("a", 1)
    for reply in [
      try client.ask(200, "statvfs@openssh.com", "/"),
      try client.extended("fstatvfs@openssh.com") { $0.string(handle) },
    ] {
      var reader = WireReader(reply.body)
      #expect(reply.type == 201 && reply.body.count == 88)
      #expect(try reader.uint64() == UInt64(expected.f_bsize))
      #expect(try reader.uint64() == UInt64(expected.f_frsize))
      #expect(try reader.uint64() == UInt64(expected.f_blocks))
    }
  }

  @Test func `limits are those that hold`() throws {
    var options = SFTPServer.Options()
    options.handleLimit = 3
    var client = try Client(in: directory, options)
    var reader = WireReader(try client.extended("limits@openssh.com") { _ in }.body)
    let (packet, read, write, handles) = (
      try reader.uint64(), try reader.uint64(), try reader.uint64(), try reader.uint64()
    )
    #expect(packet == 262_144 && read == 261_120 && write == 261_120 && handles == 3)
    let handle = try client.opened("a", 1 | 2 | 8)
    #expect(try client.write(handle, 0, String(repeating: "x", count: Int(write))) == .ok)
    #expect(try client.read(handle, 0, .max).string.count == Int(read))
    _ = try client.opened("a", 1)
    _ = try client.ask(11, "/")
    #expect(try client.open("a", 1).status == .failure)
    #expect(try client.close(handle) == .ok)
    _ = try client.opened("a", 1)
  }

  @Test func `copy-data copies parts, and refuses a file to itself`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "0123456789")
    let (from, to) = (try client.opened("a", 1), try client.opened("b", 1 | 2 | 8))
    func copy(_ client: inout Client, _ from: [UInt8], _ offset: UInt64, _ count: UInt64, _ to: [UInt8]) throws
      -> SFTPStatus?
    {
      try client.extended("copy-data") {
        $0.string(from)
        $0.uint64(offset)
        $0.uint64(count)
        $0.string(to)
        $0.uint64(1)
      }.status
    }
    #expect(try copy(&client, from, 2, 3, to) == .ok)
    #expect(try directory.read("b") == "\0234")
    #expect(try copy(&client, from, 5, 0, to) == .ok)
    #expect(try directory.read("b") == "\056789")
    #expect(try copy(&client, from, 5, 100, to) == .endOfFile)
    #expect(try copy(&client, from, 0, 0, from) == .failure)
    #expect(try copy(&client, from, 0, 0, try client.opened("a", 2)) == .failure)
    #expect(try copy(&client, to, 0, 0, from) != .ok)
  }

  @Test func `homes and names are told`() throws {
    let home = try #require(getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) })
    var client = try Client(RootedFileSystem())
    #expect(try client.ask(200, "home-directory", "root").names.first?.name == "/root")
    #expect(try client.ask(200, "home-directory", "no such user").status == .noSuchFile)
    #expect(try client.ask(200, "expand-path@openssh.com", "~").names.first?.name == home)
    #expect(try client.ask(200, "expand-path@openssh.com", "~root/x").names.first?.name == "/root/x")
    let reply = try client.extended("users-groups-by-id@openssh.com") {
      $0.string([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf0])
      $0.string([0, 0, 0, 0])
    }
    var reader = WireReader(reply.body)
    var (users, groups) = (WireReader(try reader.string()), WireReader(try reader.string()))
    #expect(try users.text() == "root" && users.text() == "" && groups.text() == "root")

    var confined = SFTPServer.Options()
    confined.showsMachine = false
    var inside = try Client(in: directory, confined)
    #expect(try inside.ask(200, "home-directory", "").names.first?.name == "/")
    #expect(try inside.ask(200, "expand-path@openssh.com", "~/x").names.first?.name == "/x")
  }

  @Test func `check-file hashes parts and blocks`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "xabc" + String(repeating: "y", count: 996))
    func check(_ client: inout Client, _ count: UInt64, _ block: UInt32, _ names: String) throws -> Reply {
      try client.extended("check-file-name") {
        $0.text("a")
        $0.text(names)
        $0.uint64(1)
        $0.uint64(count)
        $0.uint32(block)
      }
    }
    var reader = WireReader(try check(&client, 3, 0, "crc32,md5,sha1").body)
    #expect(try reader.text() == "check-file" && reader.text() == "md5")
    #expect(hex(reader.rest) == "900150983cd24fb0d6963f7d28e17f72")
    var blocks = WireReader(try check(&client, 0, 256, "sha256").body)
    #expect(try blocks.text() == "check-file" && blocks.text() == "sha256")
    #expect(blocks.count == 4 * 32)
    #expect(try check(&client, 0, 255, "sha256").status == .badMessage)
    #expect(try check(&client, 0, 0, "crc32").status == .failure)
    let handle = try client.opened("a", 1)
    // Paramiko's name for it.
    let byHandle = try client.extended("check-file") {
      $0.string(handle)
      $0.text("sha512")
      $0.uint64(0)
      $0.uint64(0)
      $0.uint32(0)
    }
    #expect(byHandle.type == 201 && byHandle.body.count == 4 + 10 + 4 + 6 + 64)
  }

  @Test func `fsync answers for an open file`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("a", 2 | 8)
    #expect(try client.extended("fsync@openssh.com") { $0.string(handle) }.status == .ok)
    #expect(try client.extended("fsync@openssh.com") { $0.string([1]) }.status == .failure)
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
  }

  @Test func `nothing changes when only reading is allowed`() throws {
    try directory.write("a", "1")
    try directory.make("d")
    let before = try directory.status("a")
    var client = try Client(in: directory, readOnly: true)
    for flags in [2, 3, 1 | 16, 1 | 8] as [UInt32] { #expect(try client.open("a", flags).status == .permissionDenied) }
    let changes: [SFTPStatus?] = [
      try client.ask(13, "a").status, try client.ask(15, "d").status, try client.ask(18, "a", "b").status,
      try client.ask(20, "a", "l").status, try client.ask(200, "hardlink@openssh.com", "a", "b").status,
      try client.ask(200, "posix-rename@openssh.com", "a", "b").status,
      try client.set(14, Array("n".utf8)) { _ in }, try client.set(9, Array("a".utf8)) { $0.mode = 0 },
      try client.set(10, try client.opened("a", 1)) { $0.mode = 0 },
    ]
    #expect(changes.allSatisfy { $0 == .permissionDenied })
    #expect(try client.text("a") == "1" && directory.status("a").st_ctim.tv_nsec == before.st_ctim.tv_nsec)
  }

  @Test func `refused and unknown requests are answered as such`() throws {
    var options = SFTPServer.Options()
    options.deniedRequests = ["remove", "limits"]
    var client = try Client(in: directory, options)
    try directory.write("a", "")
    #expect(try client.ask(13, "a").status == .permissionDenied)
    #expect(try client.extended("limits@openssh.com") { _ in }.status == .permissionDenied)
    #expect(try client.ask(99, "a").status == .unsupported)
    #expect(try client.ask(200, "no-such@extension", "x").status == .unsupported)
    options.allowedRequests = ["stat"]
    var other = try Client(in: directory, options)
    #expect(try other.ask(17, "a").attributes != nil)
    #expect(try other.ask(7, "a").status == .permissionDenied)
  }

  @Test func `events tell what was done`() throws {
    let list = EventList()
    var client = try Client(in: directory, observer: list)
    let handle = try client.opened("a", 2 | 8)
    _ = try client.write(handle, 0, "12345")
    _ = try client.close(handle)
    _ = try client.text("a")
    _ = try client.ask(18, "a", "b")
    _ = try client.ask(13, "b")
    let path = Array("/a".utf8)
    #expect(list.events.contains(.opened(path: path, reading: false, writing: true)))
    #expect(
      list.events.contains {
        if case .uploaded(path, 5, _, false) = $0 { true } else { false }
      })
    #expect(
      list.events.contains {
        if case .downloaded(path, 5, _) = $0 { true } else { false }
      })
    #expect(list.events.contains(.renamed(from: path, to: Array("/b".utf8))))
    #expect(list.events.contains(.deleted(path: Array("/b".utf8), directory: false)))
  }

  @Test func `2000 reads sent at once are all answered`() throws {
    var client = try Client(in: directory)
    try directory.write("a", String(repeating: "x", count: 1 << 20))
    let handle = try client.opened("a", 1)
    let requests = (0..<2000 as Range<UInt32>).flatMap { i in
      Client.packet(5, i) {
        $0.string(handle)
        $0.uint64(UInt64(i % 30) << 15)
        $0.uint32(32768)
      }
    }
    let replies = try client.exchange(requests)
    #expect(replies.count == 2000 && replies.enumerated().allSatisfy { $1.id == UInt32($0) && $1.body.count == 32772 })
  }
}

func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
