import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Setting and reading attributes.
struct SFTPAttributeTests {
  let directory = try! TemporaryDirectory()

  @Test(arguments: [9, 10] as [UInt8]) func `all attributes can be set by name and by handle`(type: UInt8) throws {
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

  @Test(.enabled(if: geteuid() == 0), arguments: [9, 10] as [UInt8]) func `root can give files away`(
    type: UInt8
  ) throws {
    var client = try Client(in: directory)
    try directory.write("a", "")
    let name = type == 9 ? Array("a".utf8) : try client.opened("a", 2)
    #expect(try client.set(type, name) { $0.owner = FileOwner(user: 12345, group: 54321) } == .ok)
    let found = try directory.status("a")
    #expect(found.st_uid == 12345 && found.st_gid == 54321)
  }

  @Test func `attributes can be set and read by a directory's handle`() throws {
    var client = try Client(in: directory)
    try directory.make("d")
    let handle = try client.ask(11, "d").string
    #expect(try client.set(10, handle) { $0.mode = 0o705 } == .ok)
    #expect(try directory.status("d").st_mode & 0o7777 == 0o705)
    #expect(try client.ask(8) { $0.string(handle) }.attributes?.mode == 0o40705)
    #expect(try client.set(10, handle) { $0.size = 0 } != .ok)
  }

  @Test func `an attribute that cannot be set is an error`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    #expect(try client.set(10, try client.opened("a", 1)) { $0.size = 2 } == .badMessage)
    #expect(try directory.status("a").st_size == 5)
    #expect(try client.set(9, Array("missing".utf8)) { $0.mode = 0o600 } == .noSuchFile)
    #expect(try client.set(9, Array("a".utf8)) { $0.size = .max } == .badMessage)
  }

  @Test func `if one attribute fails the others are set, and the reply is the failure`() throws {
    let list = EventList()
    var client = try Client(in: directory, observer: list)
    try directory.make("d")
    let status = try client.set(9, Array("d".utf8)) {
      $0.size = 0
      $0.mode = 0o701
      ($0.accessTime, $0.modificationTime) = (1000, 2000)
    }
    #expect(status == .failure)
    let found = try directory.status("d")
    #expect(found.st_mode & 0o7777 == 0o701 && found.st_mtim.tv_sec == 2000)
    let times = FileTimes(access: FileTime(seconds: 1000), modification: FileTime(seconds: 2000))
    let done = FileChange(permissions: 0o701, times: times)
    #expect(list.events == [.attributesChanged(path: Array("/d".utf8), done)])
  }

  @Test func `lsetstat changes the link and setstat its target`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "1")
    try directory.link("l", to: "a")
    let set: (inout Client, Bool, (inout SFTPAttributes) -> Void) throws -> SFTPStatus? = { client, link, change in
      try client.ask(link ? 200 : 9) {
        if link { $0.text("lsetstat@openssh.com") }
        $0.text("l")
        var attributes = SFTPAttributes()
        change(&attributes)
        attributes.encode(to: &$0)
      }.status
    }
    #expect(try set(&client, true) { ($0.accessTime, $0.modificationTime) = (5, 6) } == .ok)
    #expect(try set(&client, false) { ($0.accessTime, $0.modificationTime) = (5, 7) } == .ok)
    #expect(try directory.status("l").st_mtim.tv_sec == 6)
    #expect(try directory.status("a").st_mtim.tv_sec == 7)
    let owner = FileOwner(user: geteuid(), group: getegid())
    #expect(try set(&client, true) { $0.owner = owner } == .ok)
    // On Linux, permissions and size of a link cannot be set.
    #expect(try set(&client, true) { $0.mode = 0o600 } == .unsupported)
    #expect(try set(&client, true) { $0.size = 0 } != .ok)
    #expect(try directory.read("a") == "1")
  }

  @Test(
    arguments: [
      (ENOENT, .noSuchFile), (ENOTDIR, .noSuchFile), (ELOOP, .noSuchFile), (EPERM, .permissionDenied),
      (EACCES, .permissionDenied), (EROFS, .permissionDenied), (EINVAL, .badMessage), (ENAMETOOLONG, .badMessage),
      (ENOSYS, .unsupported), (EOPNOTSUPP, .unsupported), (EEXIST, .failure), (ENOTEMPTY, .failure), (EIO, .failure),
      (ENOSPC, .failure), (EDQUOT, .failure), (EFBIG, .failure), (EMFILE, .failure), (EISDIR, .failure),
      (EXDEV, .failure), (EBUSY, .failure),
    ] as [(Int32, SFTPStatus)])
  func `a system error is mapped to a status and a message`(code: Int32, status: SFTPStatus) {
    let failure = SFTPFailure(.system(SystemError("test", code: code)))
    #expect(failure.status == status && failure.message == String(cString: strerror(code)))
  }
}
