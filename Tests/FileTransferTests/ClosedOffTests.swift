import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Runs `body` on a thread of its own, to which alone the restrictions apply that it sets.
private func onThread<Result>(_ body: @escaping () throws -> Result) throws -> Result {
  let work = Work(body)
  Thread.detachNewThread {
    work.result = Swift.Result { try work.body() }
    work.done.signal()
  }
  work.done.wait()
  return try #require(work.result).get()
}

private final class Work<Outcome>: @unchecked Sendable {
  let body: () throws -> Outcome
  var result: Result<Outcome, any Error>?
  let done = DispatchSemaphore(value: 0)

  init(_ body: @escaping () throws -> Outcome) { self.body = body }
}

/// Whether this kernel has Landlock.
private let hasLandlock =
  (try? onThread {
    try Hardening.gainNoPrivileges()
    return try Hardening.confineFiles(to: nil, mayChange: false, readable: [])
  }) == true

/// The second line of defence behind the resolution of paths, tested by itself.
@Suite(.enabled(if: hasLandlock, "the kernel has no Landlock")) struct ClosedOffTests {
  let directory = try! TemporaryDirectory()

  init() throws {
    try directory.make("inside/d")
    try directory.make("outside/o")
    try directory.write("inside/a", "inside")
    try directory.write("outside/secret", "secret")
  }

  /// `errno` of an open(2) that bypasses the resolution of paths; 0 for success.
  private func open(_ path: String, _ flags: Int32) -> Int32 {
    let number = Glibc.open(path, flags, 0o600)
    if number < 0 { return errno }
    close(number)
    return 0
  }

  @Test func `the kernel refuses to read, change or execute anything outside the root`() throws {
    let place = directory.path
    let files = try RootedFileSystem(root: place + "/inside")
    try onThread {
      try Hardening.gainNoPrivileges()
      try files.closeOff()
      #expect(open("\(place)/outside/secret", O_RDONLY) == EACCES)
      #expect(open("\(place)/outside", O_RDONLY) == EACCES)
      #expect(open("\(place)/outside/secret", O_WRONLY) == EACCES)
      #expect(open("\(place)/outside/new", O_WRONLY | O_CREAT) == EACCES)
      #expect(truncate("\(place)/outside/secret", 0) == -1)
      #expect(mkdir("\(place)/outside/new", 0o700) == -1)
      #expect(unlink("\(place)/outside/secret") == -1 && rmdir("\(place)/outside/o") == -1)
      #expect(rename("\(place)/outside/secret", "\(place)/inside/secret") == -1)
      #expect(rename("\(place)/inside/a", "\(place)/outside/a") == -1)
      #expect(link("\(place)/outside/secret", "\(place)/inside/secret") == -1)
      #expect(symlink("x", "\(place)/outside/link") == -1)
      // Name services need this.
      #expect(open("/etc/passwd", O_RDONLY) == 0 && open("/etc/passwd", O_WRONLY) == EACCES)
      var pid = pid_t()
      #expect(posix_spawn(&pid, "/bin/true", nil, nil, [nil], [nil]) == EACCES)
    }
    #expect(try directory.read("outside/secret") == "secret")
  }

  @Test func `everything works below the root as without confinement`() throws {
    let files = try RootedFileSystem(root: directory.path + "/inside")
    #expect(mkfifo(directory.path + "/inside/pipe", 0o600) == 0)
    try onThread {
      try Hardening.gainNoPrivileges()
      try files.closeOff()
      var client = try Client(files)
      #expect(try client.text("a") == "inside")
      let handle = try client.opened("d/new", 1 | 2 | 8)
      #expect(try client.write(handle, 0, "12345") == .ok)
      #expect(try client.extended("fsync@openssh.com") { $0.string(handle) }.status == .ok)
      #expect(try client.set(10, handle) { $0.size = 4 } == .ok)
      #expect(try client.close(handle) == .ok)
      #expect(
        try client.set(9, Array("d/new".utf8)) {
          $0.size = 3
          $0.mode = 0o640
          ($0.accessTime, $0.modificationTime) = (1, 2)
          $0.owner = FileOwner(user: geteuid(), group: getegid())
        } == .ok)
      _ = try client.opened("d/new", 1 | 2 | 16)
      #expect(try client.ask(18, "d/new", "moved").status == .ok)
      #expect(try client.ask(18, "d", "e").status == .ok)
      #expect(try client.set(14, Array("f".utf8)) { _ in } == .ok)
      #expect(try client.ask(18, "e", "f/e").status == .ok)
      #expect(try client.ask(200, "posix-rename@openssh.com", "a", "f/e/a").status == .ok)
      #expect(try client.ask(200, "hardlink@openssh.com", "moved", "f/hard").status == .ok)
      #expect(try client.ask(20, "/f/hard", "link").status == .ok)
      #expect(try client.ask(19, "link").names.first?.name == "/f/hard")
      #expect(try client.ask(16, "link").names.first?.name == "/f/hard")
      #expect(try client.open("pipe", 1).type == 102)
      let listed = try client.ask(11, "/").string
      let names = try client.ask(12) { $0.string(listed) }.names
      let user = try #require(getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) })
      #expect(names.count == 6 && names.contains { $0.name == "moved" && $0.line.contains(" \(user) ") })
      let known = try client.extended("users-groups-by-id@openssh.com") {
        $0.string([0, 0, 0, 0])
        $0.string([])
      }
      #expect(String(decoding: known.body, as: UTF8.self).contains("root"))
      let (from, to) = (try client.opened("f/e/a", 1), try client.opened("copy", 2 | 8))
      let copied = try client.extended("copy-data") {
        $0.string(from)
        $0.uint64(0)
        $0.uint64(0)
        $0.string(to)
        $0.uint64(0)
      }
      #expect(copied.status == .ok)
      #expect(try client.text("copy") == "inside")
      for name in ["copy", "link", "f/hard", "f/e/a", "moved", "pipe"] {
        #expect(try client.ask(13, name).status == .ok)
      }
      for name in ["f/e", "f"] { #expect(try client.ask(15, name).status == .ok) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/inside").isEmpty)
  }

  @Test func `in a read-only session the kernel refuses every change`() throws {
    let place = directory.path
    for root in [nil, place + "/inside"] {
      let files = try RootedFileSystem(root: root, isReadOnly: true)
      try onThread {
        try Hardening.gainNoPrivileges()
        try files.closeOff()
        #expect(open("\(place)/inside/a", O_RDONLY) == 0)
        #expect(open("\(place)/outside/secret", O_RDONLY) == (root == nil ? 0 : EACCES))
        #expect(open("\(place)/inside/a", O_WRONLY) == EACCES)
        #expect(open("\(place)/inside/new", O_WRONLY | O_CREAT) == EACCES)
        #expect(unlink("\(place)/inside/a") == -1 && mkdir("\(place)/inside/new", 0o700) == -1)
        #expect(truncate("\(place)/inside/a", 0) == -1)
        var client = try Client(files)
        let name = root == nil ? place + "/inside/a" : "a"
        #expect(try client.text(name) == "inside")
        #expect(try client.ask(13, name).status == .permissionDenied)
      }
    }
    #expect(try directory.read("inside/a") == "inside")
  }

  @Test func `a session without root and read-only mode is not confined`() throws {
    let place = directory.path
    let files = try RootedFileSystem()
    try onThread {
      try Hardening.gainNoPrivileges()
      try files.closeOff()
      #expect(open("\(place)/outside/new", O_WRONLY | O_CREAT) == 0)
    }
  }
}
