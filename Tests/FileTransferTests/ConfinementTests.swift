import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// A client below a root reaches nothing outside, even with the help of other processes.
struct ConfinementTests {
  /// `inside` is the root; the secret is in `outside`.
  let directory = try! TemporaryDirectory()

  init() throws {
    try directory.make("inside/d")
    try directory.make("outside/o")
    try directory.write("outside/secret", "secret")
    try directory.write("inside/plain", "plain")
  }

  private func files(_ gate: any TransferGate = OpenGate()) throws -> RootedFileSystem {
    try RootedFileSystem(root: directory.path + "/inside", gate: gate)
  }

  private static let ways = [
    "../outside/secret", "/../outside/secret", "d/../../outside/secret", "up/outside/secret", "away", "chain",
    "../../../../../../../../etc/passwd", "up/../outside/secret", "d/./.././../outside/secret",
  ]

  private func plant() throws {
    try directory.link("inside/up", to: "..")
    try directory.link("inside/away", to: directory.path + "/outside/secret")
    try directory.link("inside/chain", to: "d/next")
    try directory.link("inside/d/next", to: "../../outside/secret")
  }

  @Test(arguments: ways) func `no path in a request leads out of the root`(way: String) throws {
    try plant()
    var client = try Client(files())
    #expect(try client.open(way, 1).type == 101)
    #expect(try client.ask(17, way).type == 101)
    #expect(try client.ask(11, way).type == 101)
    #expect(try client.set(9, Array(way.utf8)) { $0.mode = 0 } != .ok)
    #expect(try client.set(9, Array(way.utf8)) { $0.size = 0 } != .ok)
    #expect(try client.ask(18, "plain", way + "/x").status != .ok)
    #expect(try client.ask(18, way + "/x", "y").status != .ok)
    #expect(try client.ask(200, "hardlink@openssh.com", way + "/x", "y").status != .ok)
    #expect(try client.ask(13, way + "/../secret").status != .ok)
    #expect(try client.ask(20, "x", way + "/x").status != .ok)
    #expect(try client.set(14, Array((way + "/x").utf8)) { _ in } != .ok)
    for name in try client.ask(16, way).names { #expect(!name.name.contains("outside/secret/")) }
    #expect(try directory.read("outside/secret") == "secret")
    #expect(try directory.status("outside/secret").st_mode & 0o777 != 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/outside").count == 2)
  }

  @Test func `absolute links are resolved below the root`() throws {
    try directory.link("inside/l", to: "/plain")
    try directory.link("inside/new", to: "/d/made")
    var client = try Client(files())
    #expect(try client.text("l") == "plain")
    _ = try client.opened("new", 2 | 8)
    #expect(directory.exists("inside/d/made"))
  }

  @Test func `the parent of the root is the root`() throws {
    var client = try Client(files())
    let handle = try client.ask(11, "/..").string
    let names = try client.ask(12) { $0.string(handle) }.names
    let (here, above) = (names.first { $0.name == "." }, names.first { $0.name == ".." })
    #expect(here?.attributes == above?.attributes && here != nil)
    #expect(try client.ask(17, "/..").attributes == client.ask(17, "/").attributes)
    #expect(try client.ask(15, "/..").status != .ok)
    #expect(try client.ask(18, "/..", "/x").status != .ok)
  }

  @Test func `swapping a directory for a link during requests does not lead out`() throws {
    try directory.link("inside/swap", to: directory.path + "/outside")
    let root = directory.path
    let swapper = Swapper(root + "/inside/swap", root + "/inside/d")
    var client = try Client(files())
    for i in 0..<3000 {
      let handle = try client.open("d/f", 1 | 2 | 8)
      if handle.type == 102 {
        _ = try client.write(handle.string, 0, "x")
        _ = try client.close(handle.string)
      }
      #expect(try client.open("d/secret", 1).type == 101)
      #expect(try client.ask(13, "d/secret").status != .ok)
      _ = try client.ask(18, "d/f", "d/g\(i % 7)")
      _ = try client.ask(13, "d/g\(i % 7)")
      _ = try client.set(9, Array("d/o".utf8)) { $0.mode = 0 }
    }
    swapper.stop()
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: root + "/outside")) == ["secret", "o"])
    #expect(try directory.status("outside/o").st_mode & 0o777 != 0)
  }

  @Test func `magic links of proc(5) are not followed`() throws {
    var client = try Client(RootedFileSystem())
    #expect(try client.open("/proc/self/root/etc/passwd", 1).status == .noSuchFile)
    #expect(try client.open("/proc/self/exe", 1).status == .noSuchFile)
  }

  @Test func `a gate sees the path that a link resolves to`() throws {
    try directory.write("inside/d/key", "k")
    try directory.link("inside/l", to: "d/key")
    let list = EventList()
    let gate = RefusingGate(operation: .download, prefix: "/d/")
    let files = try RootedFileSystem(root: directory.path + "/inside", gate: gate, observer: list)
    var client = try Client(files)
    for path in ["d/key", "l", "/d/../l", "d/./key"] {
      #expect(try client.open(path, 1).status == .permissionDenied)
      #expect(list.events.popLast() == .denied(.download, paths: [Array("/d/key".utf8)], rule: "test"))
    }
    #expect(try client.text("plain") == "plain")
  }

  @Test func `a gate that judges sizes stops a growing upload`() throws {
    var client = try Client(files(RefusingGate(operation: .upload, prefix: "/", largest: 10)))
    let handle = try client.opened("new", 2 | 8)
    #expect(try client.write(handle, 0, "0123456789") == .ok)
    #expect(try client.write(handle, 5, "01234") == .ok)
    #expect(try client.write(handle, 9, "ab") == .permissionDenied)
    #expect(try client.set(10, handle) { $0.size = 11 } == .permissionDenied)
    #expect(try client.close(handle) == .permissionDenied)
    #expect(try directory.status("inside/new").st_size == 10)
  }

  @Test func `a name may end in the kernel's mark of deleted files`() throws {
    try directory.write("inside/x (deleted)", "1")
    var client = try Client(files())
    #expect(try client.text("x (deleted)") == "1")
    #expect(try client.ask(16, "x (deleted)").names.first?.name == "/x (deleted)")
  }

  @Test func `a named pipe does not block the server`() throws {
    #expect(mkfifo(directory.path + "/inside/pipe", 0o600) == 0)
    var client = try Client(files())
    let handle = try client.opened("pipe", 1)
    #expect(try client.read(handle, 0, 10).type == 101)
    // open(2) of a pipe without a reader, for writing, fails with ENXIO.
    #expect(try client.close(handle) == .ok)
    #expect(try client.open("pipe", 2).status == .failure)
  }
}
