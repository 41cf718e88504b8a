import IPC
import Model

extension ForwardingRights {
  /// What a login may forward by these settings, as ``Settings/effective(for:)`` has them for it, and by its credentials.
  ///
  /// A login that is restricted to files, to one command or to some commands forwards only if a block of `match` that
  /// holds for it sets the key to `local`.
  ///
  /// - Parameter blocks: those of `match` that hold for the login.
  init(
    _ settings: Settings, _ rights: TransferRights, account: Account, permissions: KeyPermissions, blocks: [Int]
  ) {
    let forwarding = settings.forwarding
    let restriction = Self.restriction(settings, rights, account, permissions)
    let isTCPOpened = forwarding.tcp == .local && settings.origin(of: "forwarding.tcp", in: blocks) != nil
    let areSocketsOpened =
      isTCPOpened
      || forwarding.unixSockets == .local && settings.origin(of: "forwarding.unix_sockets", in: blocks) != nil
    self.init(
      permitOpen: permissions.permitOpen, connectTimeout: UInt32(clamping: forwarding.connectTimeout),
      maxChannels: UInt32(clamping: forwarding.maxChannels))
    if let places = forwarding.permitOpen { permitOpen.insert(PlaceList("forwarding.permit_open", places), at: 0) }
    if !permissions.portForwarding {
      tcpDeniedBy = "no-port-forwarding"
      socketsDeniedBy = tcpDeniedBy
      return
    }
    tcpDeniedBy = forwarding.tcp == .no ? "forwarding.tcp" : isTCPOpened ? nil : restriction
    // A list of places names no Unix socket, so it permits none. The key that is about sockets alone can.
    let list = forwarding.unixSockets == nil ? permitOpen.first : permissions.permitOpen.first
    switch forwarding.unixSockets {
    case .no: socketsDeniedBy = "forwarding.unix_sockets"
    case nil where forwarding.tcp == .no: socketsDeniedBy = "forwarding.tcp"
    case .local, nil: socketsDeniedBy = (areSocketsOpened ? nil : restriction) ?? list?.source
    }
  }

  /// What restricts a login to files or to commands; nil: nothing.
  private static func restriction(
    _ settings: Settings, _ rights: TransferRights, _ account: Account, _ permissions: KeyPermissions
  ) -> String? {
    let shell = settings.shell
    if rights.isOnlyTransfer { return "sftp_only" }
    if !shell.enabled { return "shell.enabled" }
    if shell.forcedCommand != nil { return "shell.forced_command" }
    if !shell.allowedCommands.isEmpty { return "shell.allowed_commands" }
    if account.shellKind == .none { return "the shell \(account.shell)" }
    return permissions.forwardsBesideCommand ? nil : "command="
  }
}
