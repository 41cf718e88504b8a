import CLinux
import Foundation
import Testing

@testable import System

@Suite struct ServiceDirectoryTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/bssh-directory-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    folder = String(cString: made)
  }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func `a directory is created with its mode, parents with 0755, whatever the umask`() throws {
    defer { remove() }
    let path = "\(folder)/a/b/c"
    let opened = try ServiceDirectory.open(path, missing: .make(mode: 0o750, owner: nil))
    let directory = try #require(opened)
    #expect(mode(path) == 0o750 && mode("\(folder)/a/b") == 0o755 && mode("\(folder)/a") == 0o755)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(try directory.status().inode == UInt64(status.st_ino))
    // What exists stays as it is, also behind a link.
    chmod(path, 0o711)
    symlink("a/b", "\(folder)/link")
    let again = try #require(try ServiceDirectory.open("\(folder)/link/c", missing: .make(mode: 0o700, owner: nil)))
    #expect(try again.status().inode == directory.status().inode && mode(path) == 0o711)
  }

  @Test func `nothing is created if it must not be, and an error tells when it could not be`() throws {
    defer { remove() }
    let missing = try ServiceDirectory.open("\(folder)/a/b", missing: .leave)
    let isMissing = missing.map { _ in false } ?? true
    #expect(isMissing)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    #expect(throws: SystemError.self) { try ServiceDirectory.open("/proc/bssh/x", missing: .leave) }
    #expect(FileManager.default.createFile(atPath: "\(folder)/file", contents: nil))
    #expect(throws: SystemError("open \(folder)/file", code: ENOTDIR)) {
      try ServiceDirectory.open("\(folder)/file/x", missing: .make(mode: 0o700, owner: nil))
    }
    symlink("/nowhere/at/all", "\(folder)/dangling")
    #expect(throws: SystemError.self) {
      try ServiceDirectory.open("\(folder)/dangling", missing: .make(mode: 0o700, owner: nil))
    }
  }

  @Test(.enabled(if: geteuid() == 0)) func `access of another account is checked, and ours stays as it is`()
    throws
  {
    defer { remove() }
    let path = "\(folder)/given"
    let owner = ServiceDirectory.Owner(user: 65531, group: 65532)
    let made = try #require(try ServiceDirectory.open(path, missing: .make(mode: 0o700, owner: owner)))
    let dot = [UInt8(ascii: ".")]
    try made.permits(owner, R_OK | W_OK | X_OK, entry: dot)
    #expect(throws: SystemError.self) {
      try made.permits(ServiceDirectory.Owner(user: 65530, group: 65530), X_OK, entry: dot)
    }
    chmod(path, 0o070)
    try made.permits(ServiceDirectory.Owner(user: 65530, group: 65532), W_OK, entry: dot)
    #expect(throws: SystemError.self) { try made.permits(owner, W_OK, entry: dot) }
    #expect(geteuid() == 0 && getegid() == 0)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_uid == 65531 && status.st_gid == 65532)
  }

  /// A seccomp filter under which faccessat2(2), number 439 on every architecture, fails with `code`.
  private static func withoutFaccessat2(_ code: Int32) -> [UInt64] {
    func instruction(_ code: UInt64, skip: UInt64 = 0, _ value: UInt64) -> UInt64 { code | skip << 24 | value << 32 }
    return [
      instruction(0x20, 0), instruction(0x15, skip: 1, 439), instruction(0x06, 0x5_0000 | UInt64(code)),
      instruction(0x06, 0x7fff_0000),
    ]
  }

  private final class Answer: @unchecked Sendable {
    var allowed: [String] = []
    var before: [String] = []
    var after: [String] = []
  }

  /// The user ids, group ids and groups of this thread. proc(5)
  private static func identity() -> [String] {
    let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").filter { $0.starts(with: /Uid:|Gid:|Groups:/) }.map(String.init)
  }

  @Test(.enabled(if: geteuid() == 0), arguments: [EPERM, ENOSYS])
  func `without faccessat2 the answers are the same`(code: Int32) throws {
    defer { remove() }
    let path = "\(folder)/given"
    let owner = ServiceDirectory.Owner(user: 65531, group: 65532)
    let made = try #require(try ServiceDirectory.open(path, missing: .make(mode: 0o750, owner: owner)))
    #expect(
      FileManager.default.createFile(atPath: "\(path)/file", contents: nil, attributes: [.posixPermissions: 0o600]))
    symlink("file", "\(path)/link")
    let number = made.rawValue
    let answer = Answer()
    let done = DispatchSemaphore(value: 0)
    // seccomp(2) applies to this thread alone, and it ends.
    Thread.detachNewThread {
      defer { done.signal() }
      let filter = Self.withoutFaccessat2(code)
      guard (try? Hardening.gainNoPrivileges()) != nil, clinux_apply_filter(filter, filter.count) == 0 else { return }
      answer.before = Self.identity()
      let directory = Descriptor(owning: dup(number))
      let others: [String: ServiceDirectory.Owner?] = [
        "owner": owner, "group": .init(user: 65530, group: 65532), "other": .init(user: 65530, group: 65530),
        "root": nil,
      ]
      for (name, owner) in others {
        for (entry, mode) in [(".", R_OK | X_OK), (".", W_OK), ("file", R_OK), ("link", R_OK), ("none", R_OK)] {
          guard (try? directory.permits(owner, mode, entry: Array(entry.utf8))) != nil else { continue }
          answer.allowed.append("\(name) \(entry)\(mode == W_OK ? " to write" : "")")
        }
      }
      answer.after = Self.identity()
    }
    done.wait()
    #expect(
      answer.allowed.sorted() == [
        "group .", "group link", "owner .", "owner . to write", "owner link", "root .", "root . to write", "root file",
        "root link",
      ])
    #expect(answer.before.count == 3 && answer.after == answer.before)
  }
}
