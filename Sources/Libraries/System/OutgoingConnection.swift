import CLinux
import Glibc

/// A non-blocking stream socket that is being connected to somewhere.
public struct OutgoingConnection: Sendable {
  /// The socket; writable once the attempt has succeeded or failed.
  public let socket: Descriptor

  /// Begins to connect to an IP address without a zone, with TCP_NODELAY and SO_KEEPALIVE set. connect(2), tcp(7)
  ///
  /// - Throws: `SystemError` with EINVAL for what is no such address; otherwise with the errno of the call that failed,
  ///   among them ENETUNREACH, and ECONNREFUSED when this fails at once.
  public init(to target: SocketAddress) throws(SystemError) {
    let isIPv6 = target.address.contains(":")
    let raw = try Self.newSocket(isIPv6 ? AF_INET6 : AF_INET)
    socket = raw
    try raw.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    try raw.setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
    var parsed: Int32 = 0
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = target.port.bigEndian
      parsed = inet_pton(AF_INET6, target.address, &address.sin6_addr)
      if parsed == 1 { try Self.connect(raw, &address, MemoryLayout<sockaddr_in6>.size, "\(target)") }
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = target.port.bigEndian
      parsed = inet_pton(AF_INET, target.address, &address.sin_addr)
      if parsed == 1 { try Self.connect(raw, &address, MemoryLayout<sockaddr_in>.size, "\(target)") }
    }
    if parsed != 1 || target.zone != nil { throw SystemError("connect to \(target)", code: EINVAL) }
  }

  /// Connects to the Unix stream socket at a path, which need not be UTF-8; a first `@` has no special meaning. unix(7)
  ///
  /// - Throws: `SystemError` with EINVAL for a path that is empty, contains NUL or has more than ``pathLimit`` bytes;
  ///   EAGAIN when too many connections wait to be accepted; otherwise with the errno of socket(2) or connect(2).
  public init(toPath path: [UInt8]) throws(SystemError) {
    guard !path.isEmpty, path.count <= Self.pathLimit, !path.contains(0) else {
      throw SystemError("connect", code: EINVAL)
    }
    let raw = try Self.newSocket(AF_UNIX)
    socket = raw
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    try Self.connect(raw, &address, MemoryLayout<sockaddr_un>.size, "the socket")
  }

  /// Limit of the path of a Unix socket, in bytes.
  public static let pathLimit = 107

  /// Why the attempt has failed; nil: it has succeeded, or goes on. getsockopt(2), SO_ERROR
  public var failure: SystemError? {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(socket.rawValue, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return .last("getsockopt") }
    return code == 0 ? nil : SystemError("connect", code: code)
  }

  private static func newSocket(_ family: Int32) throws(SystemError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    return Descriptor(owning: try check("socket") { Glibc.socket(family, type, 0) })
  }

  private static func connect<Address>(
    _ socket: Descriptor, _ address: inout Address, _ size: Int, _ target: String
  ) throws(SystemError) {
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket.rawValue, $0, socklen_t(size)) }
    }
    // A signal does not end the attempt.
    if result < 0, errno != EINPROGRESS, errno != EINTR { throw .last("connect to \(target)") }
  }
}

/// Why a connection could not be made, as far as it makes a difference.
public enum ConnectFailure: CaseIterable, Sendable {
  /// ECONNREFUSED
  case refused
  /// ENETUNREACH, EHOSTUNREACH and the like
  case unreachable
  /// ETIMEDOUT
  case timedOut
  /// EACCES and EPERM
  case permissionDenied
  /// ENOENT, ENOTDIR, ENOTSOCK, EPROTOTYPE: there is no Unix stream socket at the path.
  case noSocket
  /// Descriptors, memory or processes are exhausted.
  case noResources
  /// Any other error.
  case other
}

extension SystemError {
  /// What this error of connect(2), socket(2) or fork(2) means.
  public var connectFailure: ConnectFailure {
    switch code {
    case ECONNREFUSED: .refused
    case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
    case ETIMEDOUT: .timedOut
    case EACCES, EPERM: .permissionDenied
    case ENOENT, ENOTDIR, ENOTSOCK, EPROTOTYPE: .noSocket
    case EMFILE, ENFILE, ENOBUFS, ENOMEM: .noResources
    default: .other
    }
  }
}

extension Descriptor {
  /// Shuts down sending: the other end of this socket reads what was sent, then an end of file. shutdown(2)
  public func shutDownWriting() { shutdown(rawValue, Int32(SHUT_WR)) }
}
