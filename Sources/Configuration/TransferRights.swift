import Authentication
import IPC

/// What a login may do with files, as the configuration says: sections `sftp`, `scp` and `filter`, and the keys
/// `sftp_only` and `root` of its user.
public struct TransferRights: Equatable {
  /// nil: no SFTP.
  public let sftp: TransferSettings?
  /// nil: no SCP.
  public let scp: TransferSettings?
  /// True: files alone, neither shells nor commands nor terminals.
  public let isOnlyTransfer: Bool
  /// Roots that this login has no place in, as they are configured; what they are for is refused.
  public let impossibleRoots: [String]

  /// - Parameters:
  ///   - user: the name that logged in.
  ///   - home: its account's.
  public init(_ settings: Settings, user: String, home: String) {
    let configured = settings.auth.users.first { $0.name.hasSameBytes(as: user) }
    var impossible: [String] = []
    func rights(isEnabled: Bool, root: String?, maxFileSize: UInt64?) -> TransferSettings? {
      guard isEnabled else { return nil }
      var expanded = ""
      if let pattern = configured?.root ?? root {
        guard let path = Self.expand(pattern, user: user, home: home) else {
          if !impossible.contains(pattern) { impossible.append(pattern) }
          return nil
        }
        expanded = path
      }
      // A client chooses between the two protocols, so what is forbidden in one is forbidden in the other.
      var rights = TransferSettings(
        root: expanded, readOnly: settings.sftp.readOnly, umask: settings.sftp.umask, maxFileSize: maxFileSize,
        maxHandles: UInt32(clamping: settings.sftp.maxHandles), user: user, groups: configured?.groups ?? [],
        filter: settings.filter)
      rights.tellsReadsAndWrites = settings.audit.enabled && settings.audit.verboseIO
      return rights
    }
    sftp = rights(
      isEnabled: settings.sftp.enabled, root: settings.sftp.root, maxFileSize: settings.sftp.maxFileSize)
    scp = rights(
      isEnabled: settings.scp.enabled, root: settings.scp.root ?? settings.sftp.root,
      maxFileSize: settings.scp.maxFileSize)
    isOnlyTransfer = configured?.sftpOnly ?? false
    impossibleRoots = impossible
  }

  /// `pattern` with the home for `%h`, the name for `%u`, a percent sign for `%%`; empty for `/`, which
  /// confines nobody.
  ///
  /// nil when no directory can be meant: a name that is no file name, a home or pattern that is no absolute path.
  static func expand(_ pattern: String, user: String, home: String) -> String? {
    guard let path = PathPattern.expand(pattern, user: user, home: home, braces: false), PathPattern.isUsable(path)
    else { return nil }
    return path.utf8.allSatisfy { $0 == UInt8(ascii: "/") } ? "" : path
  }
}
