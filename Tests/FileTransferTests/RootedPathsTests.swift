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
  func `a path without links is the one that the kernel tells`(path: String) throws {
    let direct = try #require(try paths.openDirectly(Array(path.utf8)))
    #expect(direct.path == Array("/a/b/file".utf8))
    #expect(try paths.path(of: direct.file) == direct.path)
  }

  @Test(arguments: ["/link/b/file", "/a/b/last", "/link/../a/b/file", "/nothing", "/a/b/file/"])
  func `a link on the way, or nothing there, is left to the kernel`(path: String) throws {
    #expect(try paths.openDirectly(Array(path.utf8)) == nil)
  }

  @Test func `random spellings of a path are simplified as the kernel walks them`() throws {
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

  @Test func `a file made directly has the kernel's path, and nothing is made through a link`() throws {
    let made = try #require(try paths.makeDirectly(Array("/a/./b//../new".utf8), [.write], mode: 0o600))
    #expect(made.path == Array("/a/new".utf8))
    #expect(try paths.path(of: made.file) == made.path)
    #expect(try paths.makeDirectly(Array("/link/other".utf8), [.write], mode: 0o600) == nil)
    #expect(!directory.exists("a/other"))
  }
}
