import Wire

/// The permissions that a login's credentials give it: options of authorized_keys and of certificates.
///
/// The configuration can only remove permissions. X11 forwarding and tunnels are always refused, whatever this says.
/// sshd(8), AUTHORIZED_KEYS FILE FORMAT; OpenSSH's PROTOCOL.certkeys.
public struct KeyPermissions: WireFields, Equatable {
  /// Limit of a forced command, in bytes.
  public static let commandLimit = 16 << 10
  /// Limit of the variables, and of each list of places.
  public static let listLimit = 1024

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
  /// `permitopen`: destinations of forwarded connections; nil: all.
  public var permitOpen: [ForwardingPlace]?
  /// `permitlisten`: addresses on which connections to forward are accepted; nil: all.
  public var permitListen: [ForwardingPlace]?

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
    merged.permitOpen = Self.common(permitOpen, other.permitOpen)
    merged.permitListen = Self.common(permitListen, other.permitListen)
    return merged
  }

  /// The places that are in both lists; nil: all places. At most ``listLimit``; further ones are not permitted.
  private static func common(_ places: [ForwardingPlace]?, _ others: [ForwardingPlace]?) -> [ForwardingPlace]? {
    guard let places else { return others }
    guard let others else { return places }
    var common: [ForwardingPlace] = []
    var seen: Set<ForwardingPlace> = []
    for place in places {
      for other in others {
        guard common.count < listLimit else { return common }
        guard let shared = place.shared(with: other), seen.insert(shared).inserted else { continue }
        common.append(shared)
      }
    }
    return common
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    terminal = try coder.flag(value?.terminal)
    agentForwarding = try coder.flag(value?.agentForwarding)
    portForwarding = try coder.flag(value?.portForwarding)
    x11Forwarding = try coder.flag(value?.x11Forwarding)
    userRC = try coder.flag(value?.userRC)
    forcedCommand = try coder.bytes(value?.forcedCommand, max: Self.commandLimit)
    environment = try coder.list(value?.environment, max: Self.listLimit)
    permitOpen = try coder.list(value?.permitOpen, max: Self.listLimit)
    permitListen = try coder.list(value?.permitListen, max: Self.listLimit)
    try coder.require(!(forcedCommand?.contains(0) ?? false))
  }
}

/// `host:port` of `permitopen` and `permitlisten`.
public struct ForwardingPlace: WireFields, Hashable {
  /// A name, or an address without brackets, compared byte by byte; `*`: all. At most 1024 bytes.
  public var host: String
  /// nil: all ports.
  public var port: UInt16?

  public init(host: String, port: UInt16?) {
    self.host = host
    self.port = port
  }

  /// The intersection of both; nil: it is empty.
  func shared(with other: ForwardingPlace) -> ForwardingPlace? {
    guard host == "*" || other.host == "*" || host.utf8.elementsEqual(other.host.utf8) else { return nil }
    guard port == nil || other.port == nil || port == other.port else { return nil }
    return ForwardingPlace(host: host == "*" ? other.host : host, port: port ?? other.port)
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    host = try coder.text(value?.host, max: 1024)
    port = try coder.number(value?.port)
  }
}
