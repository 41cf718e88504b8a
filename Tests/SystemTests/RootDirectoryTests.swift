import Foundation
import System
import Testing

/// Trees below a directory that only root can change; creating one needs root.
@Suite struct RootDirectoryTests {
  private static let isRoot = geteuid() == 0

  private final class Tree {
    /// All directories above it belong to root.
    let path = "/var/lib/bssh-roots-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func directory(_ name: String, owner: uid_t = 0, mode: mode_t = 0o755) throws -> String {
      let path = "\(path)/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      chmod(path, mode)
      chown(path, owner, owner)
      return path
    }

    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// The root that would be found; nil: none.
    func root(_ name: String) throws -> String? {
      do throws(SystemError) {
        let found = try RootDirectory.find("\(path)/\(name)").directory
        return String(decoding: try found.realPath(), as: UTF8.self)
      } catch {
        return nil
      }
    }
  }

  @Test(.enabled(if: isRoot, "needs root")) func `links are followed where only root can have created them`() throws {
    let tree = try Tree()
    let real = try tree.directory("real")
    try tree.directory("real/inside", owner: 1000)
    try tree.link("relative", to: "real")
    try tree.link("absolute", to: real)
    try tree.link("twice", to: "relative/../absolute/inside")
    #expect(try tree.root("relative") == real)
    #expect(try tree.root("absolute/inside/") == "\(real)/inside")
    #expect(try tree.root("twice") == "\(real)/inside")
    #expect(try RootDirectory.find(tree.path + "/twice").exposed.isEmpty)
    try tree.link("loop", to: "loop")
    #expect(try tree.root("loop") == nil)
  }

  @Test(
    .enabled(if: isRoot, "needs root"),
    arguments: [(uid_t(1000), mode_t(0o755)), (0, 0o775), (0, 0o1777), (0, 0o757), (1000, 0o555)])
  func `no link is followed in a directory that others can change, last or on the way`(owner: uid_t, mode: mode_t)
    throws
  {
    let tree = try Tree()
    let home = try tree.directory("home", owner: owner, mode: mode)
    try tree.directory("home/pub", owner: 1000)
    try tree.directory("home/pub/deep", owner: 1000)
    #expect(try tree.root("home") == home)
    #expect(try tree.root("home/pub/deep") == "\(home)/pub/deep")
    let exposed = try RootDirectory.find("\(home)/pub").exposed
    #expect(exposed == ["\(home) (uid \(owner), mode \(String(mode, radix: 8)))"])
    #expect(RootDirectory.exposed(at: home) == exposed)
    #expect(try RootDirectory.find(home).exposed.isEmpty)
    for (number, target) in ["/", "/etc", "pub", "../home/pub", home].enumerated() {
      try tree.link("home/link\(number)", to: target)
      #expect(try tree.root("home/link\(number)") == nil, "\(target)")
      #expect(try tree.root("home/link\(number)/deep") == nil, "\(target)")
      #expect(try tree.root("home/pub/../link\(number)") == nil, "\(target)")
    }
    do throws(SystemError) {
      _ = try RootDirectory.find("\(home)/link0")
      Issue.record("it was followed")
    } catch {
      #expect(
        error.code == ELOOP && error.description.contains("\(home)/link0")
          && error.description.contains("(uid \(owner)"))
    }
    // A link of root's that leads through such a directory is refused, too.
    try tree.link("around", to: "home/link0")
    #expect(try tree.root("around") == nil)
  }

  @Test func `a missing path, or one that is no directory, is no root`() {
    for (path, code) in [("/etc/passwd", ENOTDIR), ("/etc/passwd/x", ENOTDIR), ("/nonexistent/x", ENOENT)] {
      do throws(SystemError) {
        _ = try RootDirectory.find(path)
        Issue.record("\(path) was found")
      } catch {
        #expect(error.code == code, "\(path)")
      }
    }
    #expect(RootDirectory.exposed(at: "/nonexistent").isEmpty)
  }
}
