import CLinux
import Glibc

extension Descriptor {
  /// A Unix datagram socket that sends to `path`, or to an abstract name when it begins with `@`; it never waits.
  public static func datagram(to path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("connect to \(path)") { clinux_connect_datagram(path) })
  }

  /// A Unix stream socket that is connected to `path`; it never waits.
  public static func stream(to path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("connect to \(path)") { clinux_connect_stream(path) })
  }

  /// A Unix datagram socket that receives what is sent to `path`, which must not exist; it never waits.
  public static func datagram(at path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("bind \(path)") { clinux_bind_datagram(path) })
  }

  /// Sends one datagram, with descriptors, which stay open here. sendmsg(2)
  ///
  /// - Returns: `.wouldBlock` when the receiver has as many as it may have, `.ended` when it is gone. One that is too
  ///   long throws EMSGSIZE.
  public func sendDatagram(_ bytes: [UInt8], descriptors: [Descriptor] = []) throws(SystemError) -> Transfer {
    let numbers = descriptors.map(\.rawValue)
    let sent = withExtendedLifetime(descriptors) {
      clinux_send_message(rawValue, bytes, bytes.count, numbers, numbers.count, 0)
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
  /// True when a message is longer than what may be sent at once. EMSGSIZE
  public var isTooLong: Bool { code == EMSGSIZE }
}
