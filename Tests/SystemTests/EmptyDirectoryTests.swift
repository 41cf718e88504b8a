import Foundation
import System
import Testing

@Suite(.enabled(if: geteuid() == 0)) struct EmptyDirectoryTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "bssh-empty-\(UUID().uuidString)"
    try #require(mkdir(folder, 0o755) == 0)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func refusal(_ path: String) -> Int32? {
    do throws(SystemError) {
      try EmptyDirectory.prepare(path)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func `a directory and its parent are created, and accepted when they exist`() throws {
    try withFolder { folder in
      #expect(refusal("\(folder)/a/b") == nil)
      #expect(refusal("\(folder)/a/b") == nil)
    }
  }

  @Test func `a symbolic link is refused, as the directory and as its parent`() throws {
    try withFolder { folder in
      mkdir("\(folder)/real", 0o755)
      mkdir("\(folder)/real/b", 0o755)
      symlink("\(folder)/real/b", "\(folder)/link")
      symlink("\(folder)/real", "\(folder)/parent")
      symlink("\(folder)/nowhere", "\(folder)/broken")
      #expect(refusal("\(folder)/link") == ENOTDIR)
      #expect(refusal("\(folder)/parent/b") == ENOTDIR)
      #expect(refusal("\(folder)/broken") == ENOTDIR)
      #expect(refusal("\(folder)/real/b") == nil)
    }
  }

  @Test func `a directory is refused if others own it or can write to it, or if it is not empty`() throws {
    try withFolder { folder in
      mkdir("\(folder)/a", 0o755)
      for mode: mode_t in [0o775, 0o757, 0o777] {
        chmod("\(folder)/a", mode)
        #expect(refusal("\(folder)/a") == EPERM && refusal("\(folder)/a/b") == EPERM)
      }
      chmod("\(folder)/a", 0o755)
      chown("\(folder)/a", 54321, 0)
      #expect(refusal("\(folder)/a") == EPERM)
      chown("\(folder)/a", 0, 0)
      #expect(refusal("\(folder)/a") == nil)
      mkdir("\(folder)/a/.hidden", 0o755)
      #expect(refusal("\(folder)/a") == ENOTEMPTY)
    }
  }
}
