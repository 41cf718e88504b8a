import Authentication
import IPC
import Model

/// What a login may do with files, as the configuration says: sections `sftp`, `scp` and `filter`, and the keys
/// `sftp_only` and `root` of its user.
public struct TransferRights: Equatable {
  /// nil: no SFTP.
  public let sftp: TransferSettings?
  /// nil: no SCP.
  public let scp: TransferSettings?
  /// True: files alone, neither shells nor commands nor terminals.
  public let isOnlyTransfer: Bool
  /// The protocols that are refused since the account's shell lets nobody work, and nothing says that it is for files.
  public let closedByShell: ClosedProtocols
  /// Roots that this login has no place in, as they are configured; what they are for is refused.
  public let impossibleRoots: [String]

  /// - Parameters:
  ///   - user: the name that logged in.
  ///   - home: its account's.
  ///   - shell: the kind of its account's shell.
  ///   - blocks: those of `match` that hold for the login.
  ///   - keyCommand: the forced command of the key that logged in.
  ///   - isRoot: whether the daemon runs as root.
  public init(
    _ settings: Settings, user: String, home: String, shell: ShellKind = .listed, blocks: [Int] = [],
    keyCommand: [UInt8]? = nil, isRoot: Bool = true
  ) {
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
      rights.isDaemonsUser = !isRoot
      rights.tellsReadsAndWrites = settings.audit.enabled && settings.audit.verboseIO
      return rights
    }
    let isForFiles = configured?.sftpOnly == true || Self.forcesSFTP(settings, keyCommand)
    var closed: ClosedProtocols = []
    if shell == .none, !isForFiles {
      closed = [.sftp, .scp]
      closed.subtract(settings.protocols(openedBy: blocks))
    }
    if !settings.sftp.enabled { closed.remove(.sftp) }
    if !settings.scp.enabled { closed.remove(.scp) }
    closedByShell = closed
    sftp = rights(
      isEnabled: settings.sftp.enabled && !closed.contains(.sftp), root: settings.sftp.root,
      maxFileSize: settings.sftp.maxFileSize)
    scp = rights(
      isEnabled: settings.scp.enabled && !closed.contains(.scp), root: settings.scp.root ?? settings.sftp.root,
      maxFileSize: settings.scp.maxFileSize)
    isOnlyTransfer = configured?.sftpOnly ?? false
    impossibleRoots = impossible
  }

  /// True when SFTP is the command that is forced: by the configuration, or by the key where that forces none.
  private static func forcesSFTP(_ settings: Settings, _ keyCommand: [UInt8]?) -> Bool {
    guard let command = settings.shell.forcedCommand.map({ Array($0.utf8) }) ?? keyCommand else { return false }
    return CommandRules.isSFTP(command)
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

extension Settings {
  /// The protocols that one of these blocks of `match` gives to logins whose shell is nologin or false: by switching
  /// them on, or by switching shells and commands off, so that files are what is left.
  fileprivate func protocols(openedBy blocks: [Int]) -> ClosedProtocols {
    var opened: ClosedProtocols = []
    if sftp.enabled, origin(of: "sftp.enabled", in: blocks) != nil { opened.insert(.sftp) }
    if scp.enabled, origin(of: "scp.enabled", in: blocks) != nil { opened.insert(.scp) }
    if !shell.enabled, origin(of: "shell.enabled", in: blocks) != nil { opened.formUnion([.sftp, .scp]) }
    return opened
  }
}
