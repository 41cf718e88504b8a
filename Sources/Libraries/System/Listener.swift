import CLinux
import Glibc

/// An IP address and a port, with the zone of a link-local address.
public struct SocketAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
  /// `192.0.2.1` or `2001:db8::1`; IPv4-mapped IPv6 addresses are given as IPv4.
  public var address: String
  /// The interface of a link-local address: its name, or its number when it has no name. RFC 4007
  public var zone: String?
  /// The TCP port, in host byte order.
  public var port: UInt16

  /// Splits off the zone; checks nothing.
  ///
  /// - Parameter address: may have a zone: `fe80::1%eth0`.
  public init(address: String, port: UInt16) {
    let parts = address.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    self.address = parts.first.map(String.init) ?? ""
    zone = parts.count > 1 ? String(parts[1]) : nil
    self.port = port
  }

  /// The address with its zone: `192.0.2.1`, `fe80::1%eth0`.
  public var host: String { zone.map { "\(address)%\($0)" } ?? address }

  /// `192.0.2.1:22`, `[2001:db8::1]:22`, `[fe80::1%eth0]:22`.
  public var description: String { address.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The local or the peer's address of a socket; nil when it has no IP address. getsockname(2), getpeername(2)
  public init?(of socket: Descriptor, peer: Bool) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        peer ? getpeername(socket.rawValue, $0, &length) : getsockname(socket.rawValue, $0, &length)
      }
    }
    guard result == 0 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    var interface: UInt32 = 0
    switch Int32(storage.ss_family) {
    case AF_INET:
      withUnsafePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          var address = $0.pointee.sin_addr
          inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        }
      }
    case AF_INET6:
      withUnsafePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          var address = $0.pointee.sin6_addr
          inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
          interface = $0.pointee.sin6_scope_id
        }
      }
    default: return nil
    }
    zone = SocketAddress.zone(interface)
    // Both families have the port at the same offset.
    port = withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    address = name.hasPrefix("::ffff:") && name.contains(".") ? String(name.dropFirst(7)) : name
  }

  /// The name of an interface, or its number when it has no name any more; nil for 0, which means none.
  private static func zone(_ number: UInt32) -> String? {
    guard number != 0 else { return nil }
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard if_indextoname(number, &name) != nil else { return String(number) }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The interface's number; 0 without a zone.
  fileprivate func interface() throws(SystemError) -> UInt32 {
    guard let zone else { return 0 }
    let number = if_nametoindex(zone)
    if number != 0 { return number }
    guard let number = UInt32(zone), number > 0 else { throw SystemError("listen on \(self)", code: ENODEV) }
    return number
  }
}

/// A listening TCP socket.
public final class Listener: Sendable {
  /// The result of accept(2).
  public enum Accepted {
    /// A new connection; the caller owns it.
    case connection(Descriptor)
    /// No connection is pending.
    case wouldBlock
    /// This connection failed, or no descriptor was free; later ones may succeed.
    case failed(SystemError)
  }

  /// The listening socket; readable when a connection is pending.
  public let descriptor: Descriptor

  /// Takes a socket that is already listening, for instance from systemd, and makes it non-blocking.
  ///
  /// - Throws: `SystemError` with the errno of fcntl(2).
  public init(_ descriptor: Descriptor) throws(SystemError) {
    try descriptor.setNonBlocking()
    self.descriptor = descriptor
  }

  /// Listens on an IPv4 or IPv6 address. Port 0 chooses a free one. An IPv6 socket accepts IPv6 only; a link-local
  /// address needs its zone. bind(2), listen(2)
  ///
  /// - Throws: `SystemError` with EINVAL for what is no address, ENODEV for an unknown zone, EADDRINUSE, EADDRNOTAVAIL
  ///   or EACCES; otherwise with the errno of the call that failed.
  public init(_ wanted: SocketAddress) throws(SystemError) {
    let isIPv6 = wanted.address.contains(":")
    let family = isIPv6 ? AF_INET6 : AF_INET
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let socket = Descriptor(owning: try check("socket") { Glibc.socket(family, type, 0) })
    try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
    let raw = socket.rawValue
    var parsed: Int32 = 0
    if isIPv6 {
      try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = wanted.port.bigEndian
      address.sin6_scope_id = try wanted.interface()
      parsed = inet_pton(AF_INET6, wanted.address, &address.sin6_addr)
      if parsed == 1 { try Listener.bind(raw, &address, wanted) }
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = wanted.port.bigEndian
      parsed = inet_pton(AF_INET, wanted.address, &address.sin_addr)
      if parsed == 1 { try Listener.bind(raw, &address, wanted) }
    }
    if parsed != 1 { throw SystemError("bind \(wanted)", code: EINVAL) }
    try check("listen on \(wanted)") { listen(raw, 1024) }
    descriptor = socket
  }

  /// Why nobody could listen at this address, regardless of who listens there already; nil when somebody could.
  ///
  /// Tries it out. A port below 1024 is tried itself; for others a free port is used, because a trial could get in the
  /// way of a daemon that is starting.
  public static func obstacle(to wanted: SocketAddress) -> SystemError? {
    do throws(SystemError) {
      _ = try Listener(SocketAddress(address: wanted.address, port: wanted.port < 1024 ? wanted.port : 0))
      return nil
    } catch { return error.code == EADDRINUSE ? nil : error }
  }

  /// The local address; nil when it cannot be determined.
  public var address: SocketAddress? { SocketAddress(of: descriptor, peer: false) }

  /// Accepts the next connection: non-blocking, with TCP_NODELAY and SO_KEEPALIVE set. accept4(2)
  public func accept() -> Accepted {
    while true {
      let raw = clinux_accept(descriptor.rawValue)
      if raw < 0 {
        switch errno {
        case EINTR, ECONNABORTED: continue
        case EAGAIN: return .wouldBlock
        default: return .failed(.last("accept"))
        }
      }
      let connection = Descriptor(owning: raw)
      do throws(SystemError) {
        try connection.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        try connection.setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
        return .connection(connection)
      } catch {
        return .failed(error)
      }
    }
  }

  private static func bind<Address>(
    _ socket: Int32, _ address: inout Address, _ wanted: SocketAddress
  ) throws(SystemError) {
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(socket, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    if result < 0 { throw .last("listen on \(wanted)") }
  }
}

extension Descriptor {
  /// Acknowledges immediately what a TCP peer has sent; a peer with Nagle's algorithm waits for that before its next
  /// packet. The kernel resets this soon, so call it after each read. tcp(7), TCP_QUICKACK
  public func acknowledgeNow() {
    try? setOption(Int32(IPPROTO_TCP), TCP_QUICKACK, 1)
  }

  /// Sets an integer socket option. setsockopt(2)
  func setOption(_ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
    var value = value
    let raw = rawValue
    try check("setsockopt") { setsockopt(raw, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) }
  }
}
