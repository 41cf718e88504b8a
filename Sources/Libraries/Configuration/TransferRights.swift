import Authentication
import IPC
import Model

/// The rights of a login for file transfers: from the sections `sftp`, `scp` and `filter`, and the keys `sftp_only` and
/// `root` of its user.
public struct TransferRights: Equatable {
  /// The rights of SFTP; nil: SFTP is refused.
  public let sftp: TransferSettings?
  /// The rights of SCP; nil: SCP is refused.
  public let scp: TransferSettings?
  /// True: only file transfers are allowed; shells, commands and terminals are refused.
  public let isOnlyTransfer: Bool
  /// The protocols that are refused because the account's shell is nologin(8) or false(1), and the configuration does not
  /// allow file transfers for it explicitly.
  public let closedByShell: ClosedProtocols
  /// Configured roots that cannot be expanded for this login; the protocols that would have them are refused.
  public let impossibleRoots: [String]

  /// - Parameters:
  ///   - user: the user name of the login.
  ///   - home: the home directory of the account.
  ///   - shell: the kind of the account's shell.
  ///   - blocks: the indices of the `match` blocks that apply to the login.
  ///   - keyCommand: the forced command of the key; nil: none.
  ///   - isRoot: true if the daemon runs as root.
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
      // A client can choose the protocol, so what is denied in one is denied in the other.
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

  /// True if the forced command is SFTP; that of the configuration overrides that of the key.
  private static func forcesSFTP(_ settings: Settings, _ keyCommand: [UInt8]?) -> Bool {
    guard let command = settings.shell.forcedCommand.map({ Array($0.utf8) }) ?? keyCommand else { return false }
    return CommandRules.isSFTP(command)
  }

  /// Expands a root with ``PathPattern``; empty for `/`, which is no restriction.
  ///
  /// nil if the result is not the absolute path of a directory: a user name that is no file name, or a home directory or
  /// pattern that is not absolute.
  static func expand(_ pattern: String, user: String, home: String) -> String? {
    guard let path = PathPattern.expand(pattern, user: user, home: home, braces: false), PathPattern.isUsable(path)
    else { return nil }
    return path.utf8.allSatisfy { $0 == UInt8(ascii: "/") } ? "" : path
  }
}

extension Settings {
  /// The protocols that these `match` blocks allow to logins whose shell is nologin(8) or false(1): those that a block
  /// enables, and both if a block disables shells and commands.
  fileprivate func protocols(openedBy blocks: [Int]) -> ClosedProtocols {
    var opened: ClosedProtocols = []
    if sftp.enabled, origin(of: "sftp.enabled", in: blocks) != nil { opened.insert(.sftp) }
    if scp.enabled, origin(of: "scp.enabled", in: blocks) != nil { opened.insert(.scp) }
    if !shell.enabled, origin(of: "shell.enabled", in: blocks) != nil { opened.formUnion([.sftp, .scp]) }
    return opened
  }
}
