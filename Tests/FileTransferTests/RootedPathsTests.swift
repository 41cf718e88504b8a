import Glibc
import System
import Testing

@testable import FileTransfer

struct RootedPathsTests {
  private let directory = try! TemporaryDirectory()
  private let paths: RootedPaths

  init() throws {
    try directory.make("a/b")
    try directory.write("a/b/file", "x")
    try directory.link("link", to: "a")
    try directory.link("a/b/last", to: "file")
    paths = try RootedPaths(root: directory.path)
  }

  @Test(arguments: [
    "/a/b/file", "a/b/file", "//a///b/./file", "/a/../a/b/../b/file", "/../../a/b/file", "a/b/../../a/./b/file",
    "/./a/b/file",
  ])
  func `the simplified path equals the kernel's when there is no link`(path: String) throws {
    let direct = try #require(try paths.openDirectly(Array(path.utf8)))
    #expect(direct.path == Array("/a/b/file".utf8))
    #expect(try paths.path(of: direct.file) == direct.path)
  }

  @Test(arguments: ["/link/b/file", "/a/b/last", "/link/../a/b/file", "/nothing", "/a/b/file/"])
  func `openDirectly declines paths with links and missing files`(path: String) throws {
    #expect(try paths.openDirectly(Array(path.utf8)) == nil)
  }

  @Test func `random spellings of a path are simplified as the kernel resolves them`() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      var path: [UInt8] = []
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        path += Array(["/a", "/b", "/.", "/..", "/", "/a/b"].randomElement(using: &random)!.utf8)
      }
      guard let direct = try paths.openDirectly(path + Array("/.".utf8)) else { continue }
      #expect(try paths.path(of: direct.file) == direct.path, "\(String(decoding: path, as: UTF8.self))")
    }
  }

  @Test func `makeDirectly returns the kernel's path and creates nothing through a link`() throws {
    let made = try #require(try paths.makeDirectly(Array("/a/./b//../new".utf8), [.write], mode: 0o600))
    #expect(made.path == Array("/a/new".utf8))
    #expect(try paths.path(of: made.file) == made.path)
    #expect(try paths.makeDirectly(Array("/link/other".utf8), [.write], mode: 0o600) == nil)
    #expect(!directory.exists("a/other"))
  }

  // MARK: Paths of open files

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static let nowhere = FileError.system(SystemError("open", code: ENOENT))

  private func expectNoPath(of file: Descriptor) {
    #expect(throws: Self.nowhere) { try paths.path(of: file) }
  }

  private func move(_ from: String, _ to: String) {
    #expect(rename("\(directory.path)/\(from)", "\(directory.path)/\(to)") == 0)
  }

  @Test func `a file moved to a sibling whose name begins like the root's has no path`() throws {
    try directory.make("root")
    try directory.make("root-2")
    try directory.make("root2")
    try directory.write("root/file", "x")
    let paths = try RootedPaths(root: directory.path + "/root")
    let file = try paths.find(bytes("/file"), following: false)
    #expect(try paths.path(of: file) == bytes("/file"))
    for place in ["root2/file", "root-2/file", "file"] {
      #expect(rename("\(directory.path)/root/file", "\(directory.path)/\(place)") == 0)
      #expect(throws: Self.nowhere, "\(place)") { try paths.path(of: file) }
      #expect(rename("\(directory.path)/\(place)", "\(directory.path)/root/file") == 0)
    }
    #expect(try paths.path(of: file) == bytes("/file"))
  }

  @Test func `paths below a root that was moved stay the same`() throws {
    try directory.make("root")
    try directory.write("root/file", "x")
    let paths = try RootedPaths(root: directory.path + "/root")
    let file = try paths.find(bytes("/file"), following: false)
    move("root", "elsewhere")
    #expect(try paths.path(of: file) == bytes("/file"))
    #expect(try paths.path(of: paths.root) == bytes("/"))
  }

  @Test func `a file deleted while open has no path, even if the kernel's name for it exists`() throws {
    let file = try paths.find(bytes("/a/b/file"), following: false)
    #expect(unlink(directory.path + "/a/b/file") == 0)
    expectNoPath(of: file)
    try directory.write("a/b/file (deleted)", "another")
    expectNoPath(of: file)
    try directory.write("a/b/file", "another")
    expectNoPath(of: file)
  }

  @Test func `a file named like a deleted one has that path`() throws {
    try directory.write("x (deleted)", "x")
    let file = try paths.find(bytes("/x (deleted)"), following: false)
    #expect(try paths.path(of: file) == bytes("/x (deleted)"))
    #expect(unlink(directory.path + "/x (deleted)") == 0)
    expectNoPath(of: file)
  }

  // MARK: Directory and name of a path

  @Test(
    arguments: [
      ("/a/b/..", "/a"), ("/a/b/.", "/a/b"), ("/a/b/../", "/a"), ("/a/b/./", "/a/b"), ("/", "/"), ("///", "/"),
      ("..", "/"), (".", "/"), ("/link/..", "/"), ("/link/b/..", "/a"), ("/a/../..", "/"),
    ])
  func `a path that ends in a dot component is the directory itself`(path: String, meant: String) throws {
    let entry = try paths.entry(bytes(path))
    #expect(entry.name == bytes("."))
    #expect(entry.path == bytes(meant))
    #expect(try paths.path(of: entry.parent) == bytes(meant))
  }

  @Test(
    arguments: [
      ("/a/b/new", "/a/b", "new"), ("/a/b/new//", "/a/b", "new"), ("new", "/", "new"), ("/link/new", "/a", "new"),
      ("/a/b/...", "/a/b", "..."), ("/a/..b", "/a", "..b"), ("/link", "/", "link"), ("a/../new", "/", "new"),
    ])
  func `any other path is a name in its directory, whether it exists or not`(
    path: String, parent: String, name: String
  ) throws {
    let entry = try paths.entry(bytes(path))
    #expect(entry.name == bytes(name))
    #expect(entry.path == bytes((parent == "/" ? "" : parent) + "/" + name))
    #expect(try paths.path(of: entry.parent) == bytes(parent))
  }

  @Test(arguments: [("", ENOENT), ("/a\u{0}/b", EINVAL), ("\u{0}", EINVAL)])
  func `an empty path and one with a zero byte are errors`(path: String, code: Int32) {
    #expect(throws: FileError.system(SystemError("open", code: code))) { try paths.absolute(bytes(path)) }
  }

  @Test func `relative paths begin in the directory that was entered`() throws {
    #expect(try paths.absolute(bytes("x")) == bytes("/x"))
    try paths.enter(bytes("link/b"))
    #expect(try paths.absolute(bytes("x")) == bytes("/a/b/x"))
    #expect(try paths.absolute(bytes("/x")) == bytes("/x"))
    #expect(throws: FileError.self) { try paths.enter(bytes("file")) }
    #expect(try paths.absolute(bytes("x")) == bytes("/a/b/x"))
  }
}
