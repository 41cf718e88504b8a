import Foundation
import Testing

@testable import System

@Suite struct PathTrustTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/bssh-trust-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    folder = String(cString: made)
  }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private func fault(_ path: String, user: uid_t = geteuid()) throws -> String? {
    PathTrust(user: user).fault(of: try Descriptor.open(path, O_RDONLY))
  }

  private func write(_ path: String, mode: mode_t) {
    #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
    chmod(path, mode)
  }

  @Test func `a file that only its user and root can write is trusted, also in /tmp and behind links`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o644)
    symlink("file", "\(folder)/link")
    #expect(try fault("\(folder)/file") == nil)
    #expect(try fault("\(folder)/link") == nil)
    #expect(try fault("/etc/passwd", user: 65533) == nil)
  }

  @Test(arguments: [0o664, 0o646, 0o666] as [mode_t])
  func `a file that its group or others can write is not trusted`(mode: mode_t) throws {
    defer { remove() }
    write("\(folder)/file", mode: mode)
    let text = String(mode, radix: 8)
    #expect(
      try fault("\(folder)/file")
        == "'\(folder)/file' can be written by others (mode \(text)); 'chmod go-w \(folder)/file' prevents that")
  }

  @Test func `a file that others can replace is not trusted, wherever on its real path`() throws {
    defer { remove() }
    try FileManager.default.createDirectory(atPath: "\(folder)/open/deep", withIntermediateDirectories: true)
    write("\(folder)/open/deep/file", mode: 0o600)
    symlink("open/deep/file", "\(folder)/link")
    chmod("\(folder)/open", 0o777)
    let expected = "'\(folder)/open' can be written by others (mode 777); 'chmod go-w \(folder)/open' prevents that"
    #expect(try fault("\(folder)/link") == expected)
    // With the sticky bit, others can replace only what is theirs, if the directory is root's.
    chmod("\(folder)/open", 0o1777)
    #expect(try (fault("\(folder)/link") == nil) == (geteuid() == 0))
  }

  @Test(.enabled(if: geteuid() == 0)) func `another user's file is not trusted`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o600)
    chown("\(folder)/file", 65533, 65533)
    #expect(try fault("\(folder)/file") == "'\(folder)/file' belongs to uid 65533; it must belong to root")
    #expect(try fault("\(folder)/file", user: 65533) == nil)
    #expect(
      try fault("\(folder)/file", user: 65532)
        == "'\(folder)/file' belongs to uid 65533; it must belong to root or to uid 65532")
  }
}
