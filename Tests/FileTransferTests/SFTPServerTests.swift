import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Properties of all requests.
struct SFTPServerTests {
  let directory = try! TemporaryDirectory()

  @Test func `VERSION is 3 and announces each extension that works`() throws {
    var client = try Client(RootedFileSystem(root: directory.path), initialized: false)
    let version = try #require(try client.exchange([0, 0, 0, 5, 1, 0, 0, 0, 6]).first)
    #expect(version.type == 2 && version.id == 3)
    var reader = WireReader(version.body)
    var announced: [String: String] = [:]
    while !reader.isAtEnd { announced[try reader.text()] = try reader.text() }
    let digests = "sha256,sha512,sha1,md5"
    #expect(
      announced == [
        "posix-rename@openssh.com": "1", "statvfs@openssh.com": "2", "fstatvfs@openssh.com": "2",
        "hardlink@openssh.com": "1", "fsync@openssh.com": "1", "lsetstat@openssh.com": "1", "limits@openssh.com": "1",
        "expand-path@openssh.com": "1", "copy-data": "1", "home-directory": "1", "users-groups-by-id@openssh.com": "1",
        "check-file-name": digests, "check-file-handle": digests,
      ])
  }

  @Test func `the announced limits are those enforced`() throws {
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

  @Test func `nothing changes in a read-only session`() throws {
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

  @Test func `denied and unknown requests are answered with their status`() throws {
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
