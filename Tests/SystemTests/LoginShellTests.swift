import Foundation
import System
import Testing

@Suite struct LoginShellTests {
  /// A directory with files of its own, gone with the test.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("bssh-shells-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ text: String = "#!/bin/sh\n") throws -> String {
      try FileManager.default.createDirectory(
        atPath: ("\(path)/\(name)" as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      return "\(path)/\(name)"
    }

    func link(_ name: String, to target: String) throws -> String {
      try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
      return "\(path)/\(name)"
    }
  }

  @Test(arguments: [
    "/usr/sbin/nologin", "/bin/false", "/sbin/nologin", "/nonexistent/nologin", "nologin", "//x//false",
  ])
  func `what is called nologin or false lets nobody work, wherever it is`(path: String) {
    #expect(LoginShell(path) == .none)
  }

  @Test func `links to it, over several steps and directories, and second names of it do not, either`() throws {
    let folder = try Folder()
    let closing = try folder.file("a/nologin")
    let one = try folder.link("one", to: "a/nologin")
    let two = try folder.link("two", to: one)
    let absolute = try folder.link("absolute", to: "/bin/false")
    // As busybox: what is behind the name that counts is called otherwise.
    let busybox = try folder.file("busybox")
    let applet = try folder.link("false", to: "busybox")
    let closed = try folder.link("closed", to: "false")
    for path in [one, two, absolute, applet, closed] { #expect(LoginShell(path) == .none, "\(path)") }
    try FileManager.default.linkItem(atPath: closing, toPath: "\(folder.path)/second")
    #expect(LoginShell("\(folder.path)/second", closingFiles: [closing]) == .none)
    #expect(LoginShell(busybox, closingFiles: [closing]) == .unlisted)
    // A program that is many is what it is called: its shell is one.
    #expect(LoginShell("/bin/sh", list: "/nonexistent", closingFiles: ["/bin/sh"]) == .listed)
    // A loop ends.
    _ = try folder.link("x", to: "y")
    _ = try folder.link("y", to: "x")
    #expect(LoginShell("\(folder.path)/x") == .unlisted)
  }

  @Test func `shells(5) is read as getusershell(3) reads it, and where there is none nothing is said`() throws {
    let folder = try Folder()
    let list = try folder.file(
      "shells", "# /bin/comment\n/bin/one\n\n  /bin/two # too\n/bin/three\t\nx/bin/four\n/bin/last")
    for path in ["/bin/one", "/bin/two", "/bin/three", "/bin/last"] {
      #expect(LoginShell(path, list: list) == .listed, "\(path)")
    }
    for path in ["/bin/comment", "/bin/on", "/bin/one2", "/usr/bin/git-shell", ""] {
      #expect(LoginShell(path, list: list) == .unlisted, "\(path)")
    }
    #expect(LoginShell("/usr/bin/git-shell", list: "\(folder.path)/none") == .listed)
    // What closes is not opened by being listed.
    let wrong = try folder.file("wrong", "/usr/sbin/nologin\n")
    #expect(LoginShell("/usr/sbin/nologin", list: wrong) == .none)
  }
}
