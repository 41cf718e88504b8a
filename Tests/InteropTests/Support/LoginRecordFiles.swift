import Foundation
import Testing

/// utmp, wtmp, btmp and lastlog that belong to one daemon, in a mount namespace of its own.
enum LoginRecordFiles {
  /// Starts a server with empty, private versions of the four files: `private.sh DIRECTORY COMMAND...`. $KEEP names
  /// those that do not exist.
  private static let launcher = """
    #!/bin/sh
    set -e
    mount --make-rprivate /
    mkdir -p "$1/run/sshd" "$1/log"
    for file in run/utmp log/wtmp log/btmp log/lastlog; do
      case $KEEP in *no-$file*) continue ;; esac
      : >"$1/$file"; chown root:utmp "$1/$file"; chmod 664 "$1/$file"
    done
    [ ! -e "$1/log/btmp" ] || chmod 660 "$1/log/btmp"
    chmod 755 "$1/run/sshd"
    mount --bind "$1/run" /run
    mount --bind "$1/log" /var/log
    shift
    exec "$@"

    """

  static func writeLauncher(_ directory: String) throws {
    try Data(launcher.utf8).write(to: URL(fileURLWithPath: "\(directory)/private.sh"))
    chmod("\(directory)/private.sh", 0o755)
  }

  /// Runs a shell command in the namespace of this process.
  static func look(_ pid: pid_t, _ script: String) throws -> String {
    try succeed("nsenter", "-m", "-t", String(pid), "sh", "-c", "export TZ=UTC LC_ALL=C; \(script)")
  }
}

/// Runs `body` with a daemon whose login records are its own, below `records` in its directory.
func withLoginRecords(
  _ keep: String = "", audit: Daemon.Keys = [:], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (Daemon) throws -> Void
) throws {
  try withDaemon(
    auth: ["methods": "[publickey, password, keyboard-interactive]"],
    audit: audit.merging(["login_records": "true"]) { $1 }, environment: ["KEEP": keep],
    launcher: ["unshare", "-m", "DIRECTORY/private.sh", "DIRECTORY/records"], sourceLocation: sourceLocation,
    prepare: { try LoginRecordFiles.writeLauncher($0.directory) }, body)
}

/// An entry of utmp or wtmp.
struct LoginRecordEntry: Equatable {
  /// USER_PROCESS, DEAD_PROCESS.
  let type: Int32
  /// Relative to /dev: `pts/3`.
  let terminal: String
  let user: String
  let process: pid_t
  let address: String

  private init(_ entry: utmpx) {
    func text<Field>(_ field: Field) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    type = Int32(entry.ut_type)
    terminal = text(entry.ut_line)
    user = text(entry.ut_user)
    process = entry.ut_pid
    address = text(entry.ut_host)
  }

  /// All entries of a file.
  static func all(_ path: String) throws -> [LoginRecordEntry] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let size = MemoryLayout<utmpx>.stride
    return bytes.withUnsafeBytes { raw in
      (0..<bytes.count / size).map { Self(raw.loadUnaligned(fromByteOffset: $0 * size, as: utmpx.self)) }
    }
  }
}

extension Daemon {
  /// Logins and their ends, oldest first.
  func wtmp() throws -> [LoginRecordEntry] { try LoginRecordEntry.all("\(directory)/records/log/wtmp") }

  /// Terminals that were used.
  func utmp() throws -> [LoginRecordEntry] { try LoginRecordEntry.all("\(directory)/records/run/utmp") }
}
