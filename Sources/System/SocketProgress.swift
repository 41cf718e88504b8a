import CLinux

/// How far a TCP connection has come. TCP_INFO in tcp(7)
public struct SocketProgress: Equatable, Sendable {
  /// Bytes that the other side's kernel has acknowledged since the connection began.
  public let acknowledged: UInt64
  /// Bytes that were written, and are not acknowledged yet.
  public let outstanding: UInt64
  /// Bytes that the other side has room for beyond those; 0 where our kernel does not tell.
  public let window: UInt64

  public init(acknowledged: UInt64, outstanding: UInt64, window: UInt64) {
    self.acknowledged = acknowledged
    self.outstanding = outstanding
    self.window = window
  }

  /// Bytes that were written since the connection began.
  public var written: UInt64 { acknowledged + outstanding }
}

extension Descriptor {
  /// How far this TCP connection has come.
  public func tcpProgress() throws(SystemError) -> SocketProgress {
    var raw = clinux_tcp_progress()
    let number = rawValue
    try check("TCP_INFO") { clinux_tcp_progress(number, &raw) }
    return SocketProgress(
      acknowledged: raw.acknowledged, outstanding: raw.outstanding, window: UInt64(raw.window))
  }

  /// Bytes that were written to this socket and that the other side has not taken. On a Unix socket it takes them when it
  /// reads them. SIOCOUTQ in tcp(7)
  public func outstandingBytes() throws(SystemError) -> Int {
    let number = rawValue
    return Int(try check("SIOCOUTQ") { clinux_outstanding_bytes(number) })
  }
}
