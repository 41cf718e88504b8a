import AccessControl
import Audit
import Wire

/// What a login may forward, as its configuration and its credentials say.
///
/// Each list stays apart, and a target is permitted only if all of them permit it.
public struct ForwardingRights: WireFields, Equatable {
  /// Nothing is forwarded.
  public static let none = ForwardingRights(tcpDeniedBy: "forwarding.tcp", socketsDeniedBy: "forwarding.tcp")
  /// Limit of the lists: more than the steps of a login and the configuration can have.
  public static let listLimit = 16
  /// Limit of a rule's name in bytes.
  static let ruleLimit = PlaceList.sourceLimit

  /// The rule that denies every TCP connection: a key of the configuration, or an option; nil: ``permitOpen`` decides.
  public var tcpDeniedBy: String?
  /// The rule that denies every connection to a Unix socket; nil: they are permitted.
  public var socketsDeniedBy: String?
  /// `forwarding.permit_open` and each `permitopen=`; none: everything is permitted.
  public var permitOpen: [PlaceList]
  /// `forwarding.connect_timeout`, in seconds: for resolving and connecting together.
  public var connectTimeout: UInt32
  /// `forwarding.max_channels`: forwarded connections at a time, those that are still connecting included.
  public var maxChannels: UInt32

  public init(
    tcpDeniedBy: String? = nil, socketsDeniedBy: String? = nil, permitOpen: [PlaceList] = [],
    connectTimeout: UInt32 = 30, maxChannels: UInt32 = 1000
  ) {
    self.tcpDeniedBy = tcpDeniedBy
    self.socketsDeniedBy = socketsDeniedBy
    self.permitOpen = permitOpen
    self.connectTimeout = connectTimeout
    self.maxChannels = maxChannels
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    tcpDeniedBy = try coder.text(value?.tcpDeniedBy, max: Self.ruleLimit)
    socketsDeniedBy = try coder.text(value?.socketsDeniedBy, max: Self.ruleLimit)
    permitOpen = try coder.list(value?.permitOpen, max: Self.listLimit)
    connectTimeout = try coder.number(value?.connectTimeout)
    maxChannels = try coder.number(value?.maxChannels)
  }
}

/// Why a forward is refused, and the rule that decides.
public struct ForwardRefusal: Equatable, Sendable {
  /// The reason.
  public var reason: ForwardDenial
  /// The key of the configuration, or the option with its file and line; nil: no rule, as for a malformed request.
  public var rule: String?

  /// A refusal for this reason, by this rule.
  public init(_ reason: ForwardDenial, rule: String? = nil) {
    self.reason = reason
    self.rule = rule
  }
}

extension ForwardingRights {
  /// What the rules say about a TCP target before its name is resolved.
  public enum Decision: Equatable, Sendable {
    /// Permitted at every address.
    case permitted
    /// Permitted at some addresses at most: ``refusal(ofHost:port:at:)`` decides about each.
    case byAddress
    /// Refused at every address; nothing is resolved.
    case denied(ForwardRefusal)
  }

  /// Decides about a TCP target as the client asks for it: a name, or an address without brackets.
  public func decision(host: [UInt8], port: UInt16) -> Decision {
    if let tcpDeniedBy { return .denied(ForwardRefusal(.notPermitted, rule: tcpDeniedBy)) }
    var decision = Decision.permitted
    for list in permitOpen {
      switch list.places.map({ $0.match(host: host, port: port) }).max() ?? .no {
      case .no: return .denied(ForwardRefusal(.targetNotPermitted, rule: list.source))
      case .someAddresses: decision = .byAddress
      case .yes: break
      }
    }
    return decision
  }

  /// Decides about one address of a TCP target, to which a connection is about to be made; nil: it is permitted.
  /// An IPv4-mapped IPv6 address is the IPv4 address.
  public func refusal(ofHost host: [UInt8], port: UInt16, at address: IPAddress) -> ForwardRefusal? {
    if let tcpDeniedBy { return ForwardRefusal(.notPermitted, rule: tcpDeniedBy) }
    let list = permitOpen.first { list in !list.places.contains { $0.permits(host: host, port: port, at: address) } }
    return list.map { ForwardRefusal(.targetNotPermitted, rule: $0.source) }
  }

  /// Decides about connections to Unix sockets; nil: they are permitted.
  public var socketRefusal: ForwardRefusal? { socketsDeniedBy.map { ForwardRefusal(.notPermitted, rule: $0) } }
}
