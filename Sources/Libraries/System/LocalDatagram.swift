import CLinux
import Glibc

extension Descriptor {
  /// A non-blocking Unix datagram socket that sends to `path`, or to an abstract name that begins with `@`. unix(7)
  ///
  /// - Throws: `SystemError` with ENOENT or ECONNREFUSED when nobody receives there, ENAMETOOLONG for an empty path or
  ///   more than 107 bytes; otherwise with the errno of socket(2) or connect(2).
  public static func datagram(to path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("connect to \(path)") { clinux_connect_datagram(path) })
  }

  /// A non-blocking Unix stream socket that is connected to `path`, or to an abstract name that begins with `@`.
  /// unix(7)
  ///
  /// - Throws: `SystemError` with ENOENT or ECONNREFUSED when nobody listens there, ENAMETOOLONG for an empty path or
  ///   more than 107 bytes; otherwise with the errno of socket(2) or connect(2).
  public static func stream(to path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("connect to \(path)") { clinux_connect_stream(path) })
  }

  /// A non-blocking Unix datagram socket that receives at `path`, or at an abstract name that begins with `@`. unix(7)
  ///
  /// - Throws: `SystemError` with EADDRINUSE when the path exists, ENAMETOOLONG for an empty path or more than 107
  ///   bytes; otherwise with the errno of socket(2) or bind(2).
  public static func datagram(at path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("bind \(path)") { clinux_bind_datagram(path) })
  }

  /// Sends one datagram, with copies of descriptors, at most 253, which stay open here; never blocks. sendmsg(2)
  ///
  /// - Returns: `.wouldBlock` when the receiver's queue is full, `.ended` when the receiver is gone.
  /// - Throws: `SystemError` with EMSGSIZE when the datagram is too long; otherwise with the errno of sendmsg(2).
  public func sendDatagram(_ bytes: [UInt8], descriptors: [Descriptor] = []) throws(SystemError) -> IOOutcome {
    let numbers = descriptors.map(\.rawValue)
    let sent = withExtendedLifetime(descriptors) {
      clinux_send_message(rawValue, nil, 0, bytes, bytes.count, numbers, numbers.count, 0)
    }
    if sent >= 0 { return .bytes(sent) }
    switch errno {
    case EAGAIN, ENOBUFS, ETOOMANYREFS: return .wouldBlock
    case EPIPE, ECONNRESET, ECONNREFUSED, ENOTCONN: return .ended
    default: throw .last("send a datagram")
    }
  }
}

extension SystemError {
  /// True when a message is longer than can be sent at once. EMSGSIZE
  public var isTooLong: Bool { code == EMSGSIZE }
}
