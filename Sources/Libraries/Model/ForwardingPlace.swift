import AccessControl
import Wire

/// A place of a forwarding rule: `host:port`, `192.0.2.0/24:443`, `[2001:db8::1]:*`.
///
/// A name matches the name that a client asks for, case ignored and otherwise byte by byte: nothing is looked up, and
/// `localhost` is not 127.0.0.1. An address or range matches the address that is connected to.
public struct ForwardingPlace: WireFields, Hashable {
  /// Limit of a name in bytes. RFC 1035, section 2.3.4
  public static let nameLimit = 255

  /// The part before the port.
  public enum Host: Hashable, Sendable {
    /// `*`: every host.
    case any
    /// A name in lower case. Names that no host can have are permitted: they match nothing.
    case name([UInt8])
    /// An address or range.
    case addresses(AddressRange)
  }

  /// The hosts.
  public var host: Host
  /// nil: all ports.
  public var port: UInt16?

  /// A place with these hosts and this port; nil: all ports.
  public init(_ host: Host, port: UInt16?) {
    self.host = host
    self.port = port
  }

  /// Parses `host:port`, `host:*`, `[host]:port`; a host with a colon has brackets. It is `*`, a name, an address or a
  /// range of addresses.
  ///
  /// - Parameter portAlone: a port without a host is permitted, and stands for every host.
  /// - Throws: `ForwardingPlaceError`, see its cases.
  public init(_ text: some Collection<UInt8>, portAlone: Bool = false) throws(ForwardingPlaceError) {
    let text = Array(text)[...]
    var host = Array("*".utf8)[...]
    var port = text
    let colon = UInt8(ascii: ":")
    if text.first == UInt8(ascii: "["), let close = text.firstIndex(of: UInt8(ascii: "]")) {
      host = text[1..<close]
      port = text[(close + 1)...]
      guard port.popFirst() == colon else { throw .noPort }
    } else if let end = text.firstIndex(of: colon) {
      host = text[..<end]
      port = text[(end + 1)...]
    } else if !portAlone {
      throw .noPlace
    }
    self.host = try Self.host(host)
    self.port = try Self.port(port)
  }

  private static func host(_ text: ArraySlice<UInt8>) throws(ForwardingPlaceError) -> Host {
    if text.elementsEqual("*".utf8) { return .any }
    guard (1...nameLimit).contains(text.count), let name = String(validating: text, as: UTF8.self),
      !text.contains(0)
    else { throw .badHost }
    if let address = IPAddress(name) { return .addresses(AddressRange(address)) }
    guard text.contains(UInt8(ascii: "/")) else { return .name(text.map(lowercased)) }
    do throws(AddressRangeError) { return .addresses(try AddressRange(name)) } catch { throw .badRange(error) }
  }

  private static func port(_ text: ArraySlice<UInt8>) throws(ForwardingPlaceError) -> UInt16? {
    if text.elementsEqual("*".utf8) { return nil }
    guard (1...5).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(String(decoding: text, as: UTF8.self)), port > 0
    else { throw .badPort }
    return port
  }

  /// The cases of ``Host`` on the wire. Not private: the digest of messages has its name.
  enum Kind: CaseIterable {
    case any, name, addresses
  }

  /// The fields of every kind of host, of which those of the others are empty.
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    var kind = Kind.any
    var name: [UInt8] = []
    var range: AddressRange?
    switch value?.host {
    case .any, nil: break
    case .name(let host): (kind, name) = (.name, host)
    case .addresses(let host): (kind, range) = (.addresses, host)
    }
    kind = try coder.choice(value.map { _ in kind })
    name = try coder.bytes(value.map { _ in name }, max: Self.nameLimit)
    let address: IPAddress = try coder.value(range?.base)
    let length: UInt8 = try coder.number(value.map { _ in UInt8(range?.prefixLength ?? 0) })
    switch kind {
    case .any: host = .any
    case .name: host = .name(name)
    case .addresses: host = .addresses(AddressRange(around: address, prefixLength: Int(length)))
    }
    port = try coder.number(value?.port)
  }
}

extension ForwardingPlace: CustomStringConvertible {
  /// As in a configuration: a host with a colon in brackets.
  public var description: String {
    let host =
      switch host {
      case .any: "*"
      case .name(let name): String(decoding: name, as: UTF8.self)
      case .addresses(let range): "\(range)"
      }
    let port = port.map { "\($0)" } ?? "*"
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// Why text is no ``ForwardingPlace``. The description continues a sentence that begins with the text, and quotes
/// nothing of it.
public enum ForwardingPlaceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no colon between a host and a port.
  case noPlace
  /// There is no port after `]`.
  case noPort
  /// The port is neither `*` nor a number from 1 to 65535.
  case badPort
  /// The host is empty, longer than ``ForwardingPlace/nameLimit`` or not UTF-8.
  case badHost
  /// The host has a `/` and is no range of addresses.
  case badRange(AddressRangeError)

  public var description: String {
    switch self {
    case .noPlace: "is not host:port"
    case .noPort: "has no port after the address"
    case .badPort: "needs a port from 1 to 65535 or *"
    case .badHost: "has no valid host"
    case .badRange(let error): "\(error)"
    }
  }
}

/// An ASCII letter in lower case; every other byte as it is.
private func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

extension ForwardingPlace {
  /// What a place says about a target.
  enum Match: Comparable {
    /// It does not permit it.
    case no
    /// It permits some addresses.
    case someAddresses
    /// It permits it, whatever its address.
    case yes
  }

  /// Compares the place with a target, before its name is resolved. An IPv6 zone (RFC 4007) is part of no name and of
  /// no address in a rule: only `*` permits it.
  func match(host: [UInt8], port: UInt16) -> Match {
    guard self.port == nil || self.port == port else { return .no }
    switch self.host {
    case .any: return .yes
    case _ where host.contains(UInt8(ascii: "%")): return .no
    case .name(let name): return name == host.map(lowercased) ? .yes : .no
    case .addresses(let range):
      guard let address = IPAddress(String(decoding: host, as: UTF8.self)) else { return .someAddresses }
      return range.contains(address) ? .yes : .no
    }
  }

  /// True if the place permits a target at this address. If the place is an address or range, the address alone counts,
  /// also where the client asks for another one.
  func permits(host: [UInt8], port: UInt16, at address: IPAddress) -> Bool {
    guard case .addresses(let range) = self.host else { return match(host: host, port: port) == .yes }
    return (self.port == nil || self.port == port) && !host.contains(UInt8(ascii: "%")) && range.contains(address)
  }
}
