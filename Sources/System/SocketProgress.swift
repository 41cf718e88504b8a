import CLinux
import Glibc

/// How far a TCP connection has come. TCP_INFO in tcp(7)
public struct SocketProgress: Equatable, Sendable {
  /// Bytes that the other side's kernel has acknowledged since the connection began.
  public let acknowledged: UInt64
  /// Bytes that were written, and are not acknowledged yet.
  public let outstanding: UInt64
  /// Bytes that the other side has room for beyond those; 0 where our kernel does not tell.
  public let window: UInt64

  /// Milliseconds since the other side last answered, if it was asked meanwhile and did not; else 0. A receiver that
  /// reads nothing, but whose kernel is there, does answer.
  public let silence: Int64
  /// The connection is over in both directions. If the other side broke it off, what was outstanding is forgotten, and
  /// looks as if it had been acknowledged.
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

/// A socket that a library owns, which is only looked at here.
public struct BorrowedSocket: Sendable {
  /// Its number, valid as long as the library has it.
  public let rawValue: Int32

  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// How far this TCP connection has come.
  public func tcpProgress() throws(SystemError) -> SocketProgress {
    var raw = clinux_tcp_progress()
    try check("TCP_INFO") { clinux_tcp_progress(rawValue, &raw) }
    return SocketProgress(
      acknowledged: raw.acknowledged, outstanding: raw.outstanding, window: UInt64(raw.window),
      silence: raw.unanswered > 0 ? Int64(raw.silence) : 0, isClosed: raw.is_closed != 0)
  }

  /// Says that nothing more will be sent. shutdown(2)
  public func endWriting() { shutdown(rawValue, Int32(SHUT_WR)) }
}

extension Descriptor {
  /// Bytes that were written to this socket and that the other side has not taken. On a Unix socket it takes them when it
  /// reads them. SIOCOUTQ in tcp(7)
  public func outstandingBytes() throws(SystemError) -> Int {
    let number = rawValue
    return Int(try check("SIOCOUTQ") { clinux_outstanding_bytes(number) })
  }
}
