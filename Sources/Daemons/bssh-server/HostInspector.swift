import Authentication
import Configuration
import Credentials
import Glibc
import IPC
import Model
import System

/// This machine, as the loader sees it; keeps the host keys that it has read.
final class HostInspector {
  /// The contents of each host key file, by path.
  private(set) var hostKeys: [String: [UInt8]] = [:]
  /// True if a configuration is only checked, and no daemon is started with it.
  private let isCheck: Bool

  init(isCheck: Bool = false) { self.isCheck = isCheck }

  var hostEnvironment: HostEnvironment {
    var hostEnvironment = HostEnvironment(
      read: { path, limit in
        do throws(RegularFile.Unreadable) {
          let file = try RegularFile(path)
          return .success(
            .init(
              bytes: try file.bytes(limit: limit), isReadableByOthers: file.isReadableByOthers, distrust: file.distrust)
          )
        } catch { return .failure(.init(reason: error.reason, isDenied: error.code == EACCES)) }
      },
      parse: { bytes, path in
        do throws(Diagnostic) { return .success(try YAML.parse(bytes, name: path)) } catch { return .failure(error) }
      },
      hostKey: { self.hostKey($0) },
      revocationFault: { bytes in
        do throws(RevocationListError) {
          _ = try RevokedKeys(bytes)
          return nil
        } catch { return error.description }
      },
      accountExists: { Self.account(named: $0) != nil },
      isExecutable: { path in
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
      },
      isRoot: Hardening.isRoot, ownAccount: Self.ownAccount,
      groupExists: { (try? SystemAccounts().group(named: $0)) != nil },
      pathKind: Self.pathKind)
    hostEnvironment.rightsAreUnknown = isCheck && !Hardening.isRoot
    hostEnvironment.shellKind = { ShellKind(rawValue: LoginShell($0).rawValue) ?? .none }
    hostEnvironment.exposedDirectories = { RootDirectory.exposed(at: $0) }
    return hostEnvironment
  }

  /// The name of the account that this process runs as; nil: it has none.
  private static var ownAccount: String? {
    AccountNames().knownUser(geteuid()).map { String(decoding: $0, as: UTF8.self) }
  }

  /// An account of the system, which may ask the network and block; nil when there is none of this name, or its numbers
  /// are none that a process can have.
  static func account(named name: String) -> SystemAccounts.User? {
    guard let user = try? SystemAccounts().user(named: Array(name.utf8)), user.uid != .max, user.gid != .max else {
      return nil
    }
    return user
  }

  /// What is at a path, as far as users are concerned.
  private static func pathKind(_ path: String) -> HostEnvironment.PathKind {
    var status = stat()
    guard stat(path, &status) == 0 else { return [ENOENT, ENOTDIR].contains(errno) ? .missing : .unknown }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: break
    case S_IFREG: return .file
    default: return .other
    }
    // The first directory on the path that only its owner can enter.
    for end in path.indices.dropFirst() + [path.endIndex] where end == path.endIndex || path[end] == "/" {
      let part = String(path[..<end])
      if stat(part, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o011 == 0 {
        return .closedDirectory(at: part)
      }
    }
    return .directory
  }

  private func hostKey(_ path: String) -> HostEnvironment.HostKey {
    do throws(RegularFile.Unreadable) {
      let file = try RegularFile(path)
      guard file.mode & 0o077 == 0 else {
        let mode = String(file.mode, radix: 8)
        return .unusable("'\(path)' is accessible to others (mode \(mode)); 'chmod 600 \(path)' makes it private")
      }
      if let distrust = file.distrust { return .unusable("'\(path)' cannot be trusted: \(distrust)") }
      let bytes = try file.bytes(limit: HostKey.fileLimit)
      do throws(CredentialError) {
        let key = try HostKey.read(bytes, name: path)
        hostKeys[path] = bytes
        return .usable(algorithms: key.publicKey.signatureAlgorithms)
      } catch { return .unusable(error.description) }
    } catch {
      if error.code == ENOENT {
        return .unusable("'\(path)' does not exist; 'bssh-server gen-host-key -t ed25519 -o \(path)' creates it")
      }
      if error.code == EACCES { return .denied(reason: error.reason) }
      return .unusable("cannot read '\(path)': \(error.reason)")
    }
  }
}
