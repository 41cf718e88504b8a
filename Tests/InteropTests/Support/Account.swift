import Foundation
import Synchronization
import Testing

let isRoot = geteuid() == 0

/// The user who logs in: as root an account of the system, created for one test and removed after it.
final class TestAccount {
  let name: String
  let uid: uid_t
  let gid: gid_t
  let home: String
  private let isMade: Bool
  /// Number of accounts that this process has created.
  private static let count = Atomic(0)

  /// Creates an account whose home is in `directory`.
  init(in directory: String, shell: String = "/bin/sh") throws {
    let name = "interop\(getpid())-\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)"
    home = "\(directory)/\(name)"
    try succeed("useradd", "--no-create-home", "--home-dir", home, "--shell", shell, "--password", "*", name)
    isMade = true
    self.name = name
    guard let entry = getpwnam(name) else { throw Failure("the new account \(name) is not there") }
    uid = entry.pointee.pw_uid
    gid = entry.pointee.pw_gid
    try makeHome()
  }

  /// The user of a daemon that runs as one user: a name of the configuration only.
  init(in directory: String, as user: (uid: uid_t, gid: gid_t)) throws {
    name = "tester"
    home = "\(directory)/\(name)"
    (uid, gid) = user
    isMade = false
    try makeHome()
  }

  private func makeHome() throws {
    for path in [home, "\(home)/.ssh"] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      chmod(path, 0o700)
      chown(path, uid, gid)
    }
  }

  var authorizedKeys: String { "\(home)/.ssh/authorized_keys" }

  /// Writes the account's authorized_keys.
  func authorize(_ lines: String) throws {
    try Data(lines.utf8).write(to: URL(fileURLWithPath: authorizedKeys))
    chmod(authorizedKeys, 0o600)
    chown(authorizedKeys, uid, gid)
  }

  /// Ends the account's processes, and removes the account.
  func remove() {
    guard isMade else { return }
    _ = try? run(["pkill", "-KILL", "-u", String(uid)])
    // Processes that were just killed may still exist: they do not matter.
    _ = try? run(["userdel", "--force", name])
    #expect(getpwnam(name) == nil, "the account \(name) is left")
  }
}

/// The accounts of the daemon's processes; created if they are missing, and then removed again.
struct ServiceAccounts {
  private let made: [String]

  init() throws {
    made = ["bssh-transport", "bssh-authority", "bssh-audit"].filter { getpwnam($0) == nil }
    for name in made {
      try succeed(
        "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
        "/usr/sbin/nologin", name)
    }
  }

  func remove() {
    for name in made { _ = try? run(["userdel", name]) }
  }
}
