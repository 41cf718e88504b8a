import Wire

/// The permissions that a login's credentials give it: options of authorized_keys and of certificates.
///
/// The configuration can only remove permissions. X11 forwarding and tunnels are always refused, whatever this says.
/// sshd(8), AUTHORIZED_KEYS FILE FORMAT; OpenSSH's PROTOCOL.certkeys.
public struct KeyPermissions: WireFields, Equatable {
  /// Limit of a forced command, in bytes.
  public static let commandLimit = 16 << 10
  /// Limit of the variables.
  public static let listLimit = 1024
  /// Limit of ``permitOpen`` and of ``permitListen``; ``ForwardingRights`` adds the list of the configuration.
  static let placeListLimit = ForwardingRights.listLimit - 1

  /// Everything: the permissions of a password, or of a key without options.
  public static let everything = KeyPermissions(
    terminal: true, agentForwarding: true, portForwarding: true, x11Forwarding: true, userRC: true)
  /// Only what every session may do: the permissions of `restrict`, to which the extensions of a certificate add.
  public static let restricted = KeyPermissions(
    terminal: false, agentForwarding: false, portForwarding: false, x11Forwarding: false, userRC: false)

  /// `pty`.
  public var terminal: Bool
  /// `agent-forwarding`.
  public var agentForwarding: Bool
  /// `port-forwarding`: TCP and Unix domain sockets, in both directions.
  public var portForwarding: Bool
  /// `X11-forwarding`.
  public var x11Forwarding: Bool
  /// `user-rc`: ~/.ssh/rc is run.
  public var userRC: Bool
  /// Runs instead of every shell, command and subsystem; nil: what the client requests. Contains no NUL.
  public var forcedCommand: [UInt8]?
  /// Environment variables of the line, each name once.
  public var environment: [EnvironmentVariable] = []
  /// False if a forced command comes from a line that does not name `port-forwarding` or `permitopen=`, or from a
  /// certificate: then only a `match` block of the configuration permits forwarding.
  public var forwardsBesideCommand = true
  /// `permitopen`: targets of forwarded connections. Each line has its list, and all of them apply; none: everything.
  public var permitOpen: [PlaceList] = []
  /// `permitlisten`: addresses on which connections to forward are accepted, as ``permitOpen``.
  public var permitListen: [PlaceList] = []

  private init(
    terminal: Bool, agentForwarding: Bool, portForwarding: Bool, x11Forwarding: Bool, userRC: Bool
  ) {
    self.terminal = terminal
    self.agentForwarding = agentForwarding
    self.portForwarding = portForwarding
    self.x11Forwarding = x11Forwarding
    self.userRC = userRC
  }

  /// Removes every permission that is a flag: `restrict`. Command, variables and lists are unchanged.
  public mutating func restrict() {
    (terminal, agentForwarding, portForwarding, x11Forwarding, userRC) = (false, false, false, false, false)
  }

  /// Adds where the options are, as `FILE:LINE`, to the names of the lists.
  public mutating func setSource(_ place: String) {
    for index in permitOpen.indices { permitOpen[index].source += " of \(place)" }
    for index in permitListen.indices { permitListen[index].source += " of \(place)" }
  }

  /// The intersection of both, with the command and variables of either. If both have variables, those of this one.
  /// Returns nil if they force different commands.
  public func merged(with other: KeyPermissions) -> KeyPermissions? {
    if let forcedCommand, let second = other.forcedCommand, forcedCommand != second { return nil }
    var merged = self
    merged.terminal = terminal && other.terminal
    merged.agentForwarding = agentForwarding && other.agentForwarding
    merged.portForwarding = portForwarding && other.portForwarding
    merged.x11Forwarding = x11Forwarding && other.x11Forwarding
    merged.userRC = userRC && other.userRC
    merged.forcedCommand = forcedCommand ?? other.forcedCommand
    merged.environment = environment.isEmpty ? other.environment : environment
    merged.forwardsBesideCommand = forwardsBesideCommand && other.forwardsBesideCommand
    merged.permitOpen = Self.joined(permitOpen, other.permitOpen)
    merged.permitListen = Self.joined(permitListen, other.permitListen)
    return merged
  }

  /// Both lists of lists, each list once. Above the limit, which no login reaches, the last list permits nothing.
  private static func joined(_ lists: [PlaceList], _ others: [PlaceList]) -> [PlaceList] {
    let all = lists + others.filter { !lists.contains($0) }
    return all.count > placeListLimit ? all.prefix(placeListLimit - 1) + [PlaceList("too many lists", [])] : all
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    terminal = try coder.flag(value?.terminal)
    agentForwarding = try coder.flag(value?.agentForwarding)
    portForwarding = try coder.flag(value?.portForwarding)
    x11Forwarding = try coder.flag(value?.x11Forwarding)
    userRC = try coder.flag(value?.userRC)
    forcedCommand = try coder.bytes(value?.forcedCommand, max: Self.commandLimit)
    environment = try coder.list(value?.environment, max: Self.listLimit)
    forwardsBesideCommand = try coder.flag(value?.forwardsBesideCommand)
    permitOpen = try coder.list(value?.permitOpen, max: Self.placeListLimit)
    permitListen = try coder.list(value?.permitListen, max: Self.placeListLimit)
    try coder.require(!(forcedCommand?.contains(0) ?? false))
  }
}
