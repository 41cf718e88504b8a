import CLinux
import Glibc

/// Progress of a TCP connection. tcp(7), TCP_INFO
public struct SocketProgress: Equatable, Sendable {
  /// Bytes that the peer's kernel has acknowledged since the connection began.
  public let acknowledged: UInt64
  /// Bytes that were written and not acknowledged yet. SIOCOUTQ
  public let outstanding: UInt64
  /// Bytes that the peer has room for beyond those; 0 where our kernel does not report it.
  public let window: UInt64

  /// Milliseconds since the peer's last acknowledgement while our transmissions remain unanswered, else 0. The kernel
  /// of a receiver that reads nothing still answers.
  public let silence: Int64
  /// The connection is closed in both directions. After a reset by the peer, outstanding bytes are forgotten and look
  /// acknowledged.
  public let isClosed: Bool

  public init(acknowledged: UInt64, outstanding: UInt64, window: UInt64, silence: Int64 = 0, isClosed: Bool = false) {
    self.isClosed = isClosed
    self.acknowledged = acknowledged
    self.outstanding = outstanding
    self.window = window
    self.silence = silence
  }

  /// Bytes that were written since the connection began.
  public var written: UInt64 { acknowledged + outstanding }
}

/// A socket that a library owns; never closed here.
public struct BorrowedSocket: Sendable {
  /// The descriptor's number, valid as long as the library keeps it open.
  public let rawValue: Int32

  /// Borrows the socket with this number.
  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// The progress of this TCP connection.
  ///
  /// - Throws: `SystemError` with EBADF or ENOTSOCK when it is no socket, EOPNOTSUPP when it is not TCP; otherwise with
  ///   the errno of ioctl(2) or getsockopt(2).
  public func tcpProgress() throws(SystemError) -> SocketProgress {
    var raw = clinux_tcp_progress()
    try check("TCP_INFO") { clinux_tcp_progress(rawValue, &raw) }
    return SocketProgress(
      acknowledged: raw.acknowledged, outstanding: raw.outstanding, window: UInt64(raw.window),
      silence: raw.unanswered > 0 ? Int64(raw.silence) : 0, isClosed: raw.is_closed != 0)
  }

  /// Shuts down sending. shutdown(2)
  public func endWriting() { shutdown(rawValue, Int32(SHUT_WR)) }
}

extension Descriptor {
  /// Bytes written to this socket that the peer has not acknowledged (TCP) or not read (Unix socket). tcp(7), SIOCOUTQ
  ///
  /// - Throws: `SystemError` with ENOTTY when it is no socket; otherwise with the errno of ioctl(2).
  public func outstandingBytes() throws(SystemError) -> Int {
    let number = rawValue
    return Int(try check("SIOCOUTQ") { clinux_outstanding_bytes(number) })
  }
}
