import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Opening, reading and writing files.
struct SFTPFileTests {
  let directory = try! TemporaryDirectory()

  @Test func `a file is created, written, read and closed`() throws {
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

  @Test func `exclusive fails if the name exists, even as a dangling link`() throws {
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

  @Test func `truncate empties the file, and without it the rest stays`() throws {
    var client = try Client(in: directory)
    try directory.write("a", "12345")
    let first = try client.opened("a", 2)
    _ = try client.write(first, 0, "ab")
    #expect(try directory.read("a") == "ab345")
    _ = try client.opened("a", 2 | 8 | 16)
    #expect(try directory.read("a") == "")
  }

  @Test func `a new file or directory has the client's mode less the umask`() throws {
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

  @Test func `CLOSE reports a failed write even if a later one succeeded`() throws {
    // Writing to address 0 of this process fails.
    let list = EventList()
    var client = try Client(RootedFileSystem(observer: list))
    let handle = try client.opened("/proc/self/mem", 2)
    let failed = try client.ask(6) {
      $0.string(handle)
      $0.uint64(0)
      $0.text("x")
    }
    var reader = WireReader(failed.body)
    #expect(try reader.uint32() == SFTPStatus.failure.rawValue && reader.text() == "Input/output error")
    #expect(try client.write(handle, 0, "") == .ok)
    #expect(try client.close(handle) == .failure)
    #expect(
      list.events.contains {
        if case .uploaded(_, 0, _, .failed(.system(let error))) = $0 { error.code == EIO } else { false }
      })
  }

  /// sshfs writes asynchronously and waits for the replies when a file is closed, as NFS does.
  @Test(.enabled(if: canMountRemotely, "FUSE cannot be used here"))
  func `CLOSE reports a write error that the file system delays until close`() throws {
    for name in ["full", "remote"] { try directory.make(name) }
    let place = directory.path + "/full"
    try #require(mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(place, Int32(2)) }
    try directory.write("ssh", "#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n")
    chmod(directory.path + "/ssh", 0o755)
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let mounting = try ChildProcess(
      ChildProcess.Request(
        path: "/usr/bin/sshfs",
        arguments: [
          "sshfs", "-o", "ssh_command=\(directory.path)/ssh", "host:\(place)", directory.path + "/remote",
        ], descriptors: [null, null, null]))
    try #require(mounting.descriptor.wait(for: POLLIN, milliseconds: 60_000))
    try #require(mounting.reap() == .code(0))
    defer { umount2(directory.path + "/remote", Int32(2)) }
    let list = EventList()
    var client = try Client(in: directory, observer: list)
    let handle = try client.opened("remote/a", 2 | 8)
    #expect(try client.write(handle, 0, String(repeating: "x", count: 70_000)) == .ok)
    #expect(try client.close(handle) == .failure)
    #expect(
      list.events.contains {
        if case .uploaded(_, 70_000, _, .failed(.system(let error))) = $0 { error.code == EIO } else { false }
      })
  }

  @Test func `writing past 4 GiB makes a sparse file`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("a", 1 | 2 | 8)
    #expect(try client.write(handle, 5 << 30, "end") == .ok)
    #expect(try client.read(handle, 5 << 30, 10).string == Array("end".utf8))
    let size = try client.ask(8) { $0.string(handle) }.attributes?.size
    #expect(size == 5 << 30 + 3)
    #expect(try client.write(handle, .max - 1, "end") == .failure)
    #expect(try client.read(handle, .max, 10).status != .ok)
  }
}

/// Whether sshfs can mount here.
private let canMountRemotely =
  geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && access("/usr/bin/sshfs", X_OK) == 0
  && access("/usr/lib/openssh/sftp-server", X_OK) == 0
