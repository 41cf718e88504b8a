import Foundation
import System
import Testing

@Suite struct LoginShellTests {
  /// A directory with files, removed with this object.
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
  func `a shell named nologin or false lets nobody work, in any directory`(path: String) {
    #expect(LoginShell(path) == .none)
  }

  @Test func `so does a chain of links to nologin or false, or a hard link`() throws {
    let folder = try Folder()
    let closing = try folder.file("a/nologin")
    let one = try folder.link("one", to: "a/nologin")
    let two = try folder.link("two", to: one)
    let absolute = try folder.link("absolute", to: "/bin/false")
    // Like busybox: the link is named false, and the file at its end has another name.
    let busybox = try folder.file("busybox")
    let applet = try folder.link("false", to: "busybox")
    let closed = try folder.link("closed", to: "false")
    for path in [one, two, absolute, applet, closed] { #expect(LoginShell(path) == .none, "\(path)") }
    try FileManager.default.linkItem(atPath: closing, toPath: "\(folder.path)/second")
    #expect(LoginShell("\(folder.path)/second", closingFiles: [closing]) == .none)
    #expect(LoginShell(busybox, closingFiles: [closing]) == .unlisted)
    // A multi-call program is judged by the name it is called by: this one is a shell.
    #expect(LoginShell("/bin/sh", list: "/nonexistent", closingFiles: ["/bin/sh"]) == .listed)
    // A loop of links ends.
    _ = try folder.link("x", to: "y")
    _ = try folder.link("y", to: "x")
    #expect(LoginShell("\(folder.path)/x") == .unlisted)
  }

  @Test func `shells(5) is read as getusershell(3) does, and without it every shell counts as listed`() throws {
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
    // nologin lets nobody work even if it is listed.
    let wrong = try folder.file("wrong", "/usr/sbin/nologin\n")
    #expect(LoginShell("/usr/sbin/nologin", list: wrong) == .none)
  }
}
