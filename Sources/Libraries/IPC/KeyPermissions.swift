import Wire

/// What a login may do, as far as the credentials that it came by say: options of authorized_keys and of certificates.
///
/// The configuration can only take away from it. What this daemon never does, X11 and tunnels, stays refused whatever
/// stands here. sshd(8), AUTHORIZED_KEYS FILE FORMAT; OpenSSH's PROTOCOL.certkeys.
public struct KeyPermissions: WireCodable, Equatable {
  /// Bytes of a forced command, which is a field of a line or of a certificate.
  public static let commandLimit = 16 << 10
  /// Variables, and places to forward to or from, at most each.
  public static let listLimit = 1024

  /// Everything: what a password gives, or a key without options.
  public static let everything = KeyPermissions(
    terminal: true, agentForwarding: true, portForwarding: true, x11Forwarding: true, userRC: true)
  /// Nothing but what every session may: the state that a certificate's extensions add to, and `restrict`.
  public static let restricted = KeyPermissions(
    terminal: false, agentForwarding: false, portForwarding: false, x11Forwarding: false, userRC: false)

  /// `pty`.
  public var terminal: Bool
  public var agentForwarding: Bool
  /// TCP and Unix domain sockets, in both directions.
  public var portForwarding: Bool
  public var x11Forwarding: Bool
  /// `user-rc`: ~/.ssh/rc.
  public var userRC: Bool
  /// What runs instead of every shell, command and subsystem; nil: whatever the client asks for. Never holds a NUL.
  public var forcedCommand: [UInt8]?
  /// Variables that a line gives, each name once.
  public var environment: [EnvironmentVariable] = []
  /// Where connections may be forwarded to; nil: anywhere.
  public var permitOpen: [ForwardingPlace]?
  /// Where may be listened for connections to forward; nil: anywhere.
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

  /// Takes every flag back: `restrict`. Commands, variables and lists stay.
  public mutating func restrict() {
    (terminal, agentForwarding, portForwarding, x11Forwarding, userRC) = (false, false, false, false, false)
  }

  /// What is left when both hold: what both permit, and the command and variables of either. Where both have variables,
  /// they are this one's. Nil: they force different commands.
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

  /// The places that are in both lists; nil is everywhere. At most ``listLimit``: what is more is not permitted.
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

  public func encode(to writer: inout WireWriter) {
    for permission in [terminal, agentForwarding, portForwarding, x11Forwarding, userRC] { writer.boolean(permission) }
    writer.optional(forcedCommand) { $0.string($1) }
    writer.list(environment) { $1.encode(to: &$0) }
    for places in [permitOpen, permitListen] { writer.optional(places) { $0.list($1) { $1.encode(to: &$0) } } }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    terminal = try reader.boolean()
    agentForwarding = try reader.boolean()
    portForwarding = try reader.boolean()
    x11Forwarding = try reader.boolean()
    userRC = try reader.boolean()
    forcedCommand = try reader.optional { (r: inout WireReader) throws(WireError) in
      let command = Array(try r.string(limit: Self.commandLimit))
      guard !command.contains(0) else { throw .malformed }
      return command
    }
    environment = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      try EnvironmentVariable(from: &r)
    }
    guard environment.count <= Self.listLimit else { throw .tooLong }
    permitOpen = try Self.places(from: &reader)
    permitListen = try Self.places(from: &reader)
  }

  private static func places(from reader: inout WireReader) throws(WireError) -> [ForwardingPlace]? {
    let places = try reader.optional { (r: inout WireReader) throws(WireError) in
      try r.list(minimumSize: 5) { (r: inout WireReader) throws(WireError) in try ForwardingPlace(from: &r) }
    }
    guard places?.count ?? 0 <= listLimit else { throw .tooLong }
    return places
  }
}

/// `host:port` of permitopen and permitlisten.
public struct ForwardingPlace: WireCodable, Hashable {
  /// A name or an address without brackets, compared as it stands; `*`: every one. At most 1,024 bytes.
  public var host: String
  /// nil: every port.
  public var port: UInt16?

  public init(host: String, port: UInt16?) {
    self.host = host
    self.port = port
  }

  /// The places that both mean; nil: there are none.
  func shared(with other: ForwardingPlace) -> ForwardingPlace? {
    guard host == "*" || other.host == "*" || host.utf8.elementsEqual(other.host.utf8) else { return nil }
    guard port == nil || other.port == nil || port == other.port else { return nil }
    return ForwardingPlace(host: host == "*" ? other.host : host, port: port ?? other.port)
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(host)
    writer.optional(port) { $0.uint32(UInt32($1)) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    host = try reader.text(limit: 1024)
    port = try reader.optional { (r: inout WireReader) throws(WireError) in
      guard let port = UInt16(exactly: try r.uint32()) else { throw .malformed }
      return port
    }
  }
}
