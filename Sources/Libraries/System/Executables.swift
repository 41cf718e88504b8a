import CLinux
import Glibc

/// The names of the executables of this package.
public enum ExecutableName: String, CaseIterable, Sendable {
  /// The command line.
  case server = "bssh-server"
  /// Listens, and starts and supervises the others.
  case supervisor = "bssh-supervisor"
  /// Key exchange, packets and channels of one connection.
  case transport = "bssh-transport"
  /// Verifies credentials, and signs with the host keys.
  case authority = "bssh-authority"
  /// The processes of one login, as its user.
  case session = "bssh-session"
  /// SFTP and SCP, as the user of the login.
  case transfer = "bssh-transfer"
  /// Writes the journal.
  case journal = "bssh-journal"
  /// Creates files of recordings, and keeps login records.
  case recorder = "bssh-recorder"
  /// Sends events to one receiver.
  case exporter = "bssh-exporter"
}

/// The executables of this package: where they are installed, and how to become one of them.
public enum Executables {
  /// The path of the executable `name`: in the directory of this program, or in `…/lib/bssh` and `…/sbin` of the same
  /// prefix.
  ///
  /// - Throws: `SystemError` with ENOENT when it is in none of them; otherwise with the errno of readlink(2) of
  ///   /proc/self/exe.
  public static func find(_ name: String) throws(SystemError) -> String {
    let folder = try ProcessEnvironment.executableFolder()
    for candidate in candidates(name, from: folder) where access(candidate, X_OK) == 0 { return candidate }
    throw SystemError("find \(name) beside \(folder)", code: ENOENT)
  }

  /// The paths where `name` can be, for a program in `folder`.
  static func candidates(_ name: String, from folder: String) -> [String] {
    var paths = ["\(folder)/\(name)"]
    if let prefix = parent(of: folder, ending: "/sbin") ?? parent(of: folder, ending: "/bin") {
      paths.append("\(prefix)/lib/bssh/\(name)")
    }
    if let prefix = parent(of: folder, ending: "/lib/bssh") { paths.append("\(prefix)/sbin/\(name)") }
    return paths
  }

  /// Why users other than root cannot start the program at an absolute path without symbolic links; nil when they can,
  /// or when it does not exist.
  ///
  /// Walks down from the root directory and follows no symbolic link, because somebody else may have put it there.
  /// Looks at the execute bit for others only, not at ACLs.
  public static func obstacle(toUsersStarting path: String) -> String? {
    var place = try? Descriptor.root()
    var name = ""
    for part in path.split(separator: "/") {
      name += "/" + part
      place = try? place?.entry(Array(part.utf8))
      guard let status = try? place?.status() else { return nil }
      guard status.permissions & 0o001 == 0 else { continue }
      let mode = String(status.permissions, radix: 8)
      switch status.kind {
      case .directory:
        return "users cannot start the programs below '\(name)': its mode is \(mode), and 755 would let them"
      case .regular: return "users cannot start '\(name)': its mode is \(mode), and 711 would let them"
      case .symbolicLink, .other: return nil
      }
    }
    return nil
  }

  /// Replaces this process's program, with `descriptor` as its descriptor 3 and no descriptor above. execve(2)
  ///
  /// - Parameter environment: as `NAME=value`.
  /// - Returns: only on failure, with descriptors already closed: end the process.
  public static func replaceProcess(
    with path: String, arguments: [String], environment: [String], descriptor: Descriptor
  ) -> SystemError {
    // dup2(2) clears close-on-exec, but does nothing when both numbers are the same.
    let number = descriptor.rawValue
    let given = number == 3 ? clinux_fcntl(number, F_SETFD, 0) : dup2(number, 3)
    guard given >= 0 else { return .last("dup2") }
    clinux_close_range(4, .max)
    return withExtendedLifetime(descriptor) {
      withTexts(arguments) { arguments in
        withTexts(environment) { environment in
          execve(path, arguments, environment)
          return .last("start \(path)")
        }
      }
    }
  }

  private static func parent(of folder: String, ending: String) -> String? {
    folder.hasSuffix(ending) ? String(folder.dropLast(ending.utf8.count)) : nil
  }

  /// Calls `body` with `texts` as a NULL-terminated array of C strings.
  private static func withTexts<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }
}
