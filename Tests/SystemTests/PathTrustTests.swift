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

  private func fault(
    _ path: String, user: uid_t = geteuid(), allowsSticky: Bool = true
  ) throws -> PathTrust.Fault? {
    let file = try Descriptor.open(path, O_RDONLY)
    let status = try file.status()
    do throws(PathTrust.Fault) {
      try PathTrust(user: user, allowsSticky: allowsSticky).check(file, status)
      return nil
    } catch { return error }
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
    #expect(try fault("\(folder)/file") == .writable("\(folder)/file", mode: mode))
  }

  @Test func `a file that others can replace is not trusted, wherever on its real path`() throws {
    defer { remove() }
    try FileManager.default.createDirectory(atPath: "\(folder)/open/deep", withIntermediateDirectories: true)
    write("\(folder)/open/deep/file", mode: 0o600)
    symlink("open/deep/file", "\(folder)/link")
    chmod("\(folder)/open", 0o777)
    #expect(try fault("\(folder)/link") == .writable("\(folder)/open", mode: 0o777))
    // With the sticky bit, others can replace only what is theirs, if the directory is root's.
    chmod("\(folder)/open", 0o1777)
    #expect(try (fault("\(folder)/link") == nil) == (geteuid() == 0))
  }

  @Test func `unless it is asked for, a directory that others can write is not trusted, sticky or not`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o600)
    #expect(try fault("\(folder)/file", allowsSticky: false) == .writable("/tmp", mode: 0o1777))
    #expect(try fault("/etc/passwd", allowsSticky: false) == nil)
  }

  @Test func `a file whose path leads elsewhere by now is not trusted`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o600)
    let file = try Descriptor.open("\(folder)/file", O_RDONLY)
    unlink("\(folder)/file")
    write("\(folder)/file", mode: 0o600)
    #expect(throws: PathTrust.Fault.moved("\(folder)/file (deleted)")) {
      try PathTrust(user: geteuid(), allowsSticky: true).check(file, try file.status())
    }
  }

  @Test func `no entry has a name with a NUL, nor is a part of the name looked up`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o600)
    let directory = try Descriptor.open(folder, O_RDONLY)
    #expect(throws: SystemError("open file\0x", code: EINVAL)) { try directory.entry(Array("file\0x".utf8)) }
    _ = try directory.entry(Array("file".utf8))
  }

  @Test(.enabled(if: geteuid() == 0)) func `another user's file is not trusted`() throws {
    defer { remove() }
    write("\(folder)/file", mode: 0o600)
    chown("\(folder)/file", 65533, 65533)
    #expect(try fault("\(folder)/file") == .owner("\(folder)/file", 65533))
    #expect(try fault("\(folder)/file", user: 65533) == nil)
    #expect(try fault("\(folder)/file", user: 65532) == .owner("\(folder)/file", 65533))
  }
}
