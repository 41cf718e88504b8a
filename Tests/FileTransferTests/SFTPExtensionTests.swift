import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Extensions of OpenSSH and others.
struct SFTPExtensionTests {
  let directory = try! TemporaryDirectory()

  @Test func `statvfs returns the system's values`() throws {
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

  @Test func `copy-data copies parts, but not a file to itself`() throws {
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

  @Test func `copy-data succeeds where the kernel cannot copy: to a file opened for appending, from a file in /proc`()
    throws
  {
    var client = try Client(RootedFileSystem())
    try directory.write("a", "0123456789")
    try directory.write("b", "before ")
    for (source, copied) in [("\(directory.path)/a", "0123456789"), ("/proc/self/comm", nil)] as [(String, String?)] {
      let before = try directory.read("b")
      let (from, to) = (try client.opened(source, 1), try client.opened("\(directory.path)/b", 2 | 4))
      let status = try client.extended("copy-data") {
        $0.string(from)
        $0.uint64(0)
        $0.uint64(0)
        $0.string(to)
        $0.uint64(0)
      }.status
      #expect(status == .ok)
      #expect(try client.close(to) == .ok, "\(source)")
      let after = try directory.read("b")
      #expect(after.hasPrefix(before) && after.count > before.count)
      if let copied { #expect(after == before + copied) }
    }
  }

  @Test func `home directories and names can be queried`() throws {
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
    #expect(try reader.text() == "md5")
    #expect(hex(reader.rest) == "900150983cd24fb0d6963f7d28e17f72")
    var blocks = WireReader(try check(&client, 0, 256, "sha256").body)
    #expect(try blocks.text() == "sha256")
    #expect(blocks.count == 4 * 32)
    #expect(try check(&client, 0, 255, "sha256").status == .badMessage)
    #expect(try check(&client, 0, 0, "crc32").status == .failure)
    let handle = try client.opened("a", 1)
    let byHandle = { (name: String) in
      try client.extended(name) {
        $0.string(handle)
        $0.text("sha512")
        $0.uint64(0)
        $0.uint64(0)
        $0.uint32(0)
      }
    }
    // The form of the draft, and that of Paramiko.
    let (draft, paramiko) = (try byHandle("check-file-handle"), try byHandle("check-file"))
    var name = WireWriter()
    name.text("check-file")
    #expect(draft.type == 201 && draft.body.count == 4 + 6 + 64 && paramiko.body == name.bytes + draft.body)
  }

  @Test func `fstatvfs accepts a directory's handle`() throws {
    var client = try Client(in: directory)
    let handle = try client.ask(11, "/").string
    let reply = try client.extended("fstatvfs@openssh.com") { $0.string(handle) }
    #expect(reply.type == 201 && reply.body.count == 88)
    #expect(try client.ask(200, "statvfs@openssh.com", "missing").status == .noSuchFile)
  }

  @Test func `fsync succeeds for an open file`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("a", 2 | 8)
    #expect(try client.extended("fsync@openssh.com") { $0.string(handle) }.status == .ok)
    #expect(try client.extended("fsync@openssh.com") { $0.string([1]) }.status == .failure)
  }
}
