import CLinux
import Glibc

/// One end of a connection to another process of ours: whole messages, with descriptors (SCM_RIGHTS).
///
/// A Unix socket of type SOCK_SEQPACKET, so a message arrives whole or not at all, preceded by the message version
/// (``MessageVersion``). A side that may not send descriptors sends its messages over a pipe instead. The receiver then
/// cannot get any, and never has to close one, which the sender could make slow (SO_LINGER, a FUSE file).
public final class MessageSocket: Sendable {
  /// Limit of a message in bytes; an `exec` request with the longest command that Linux can run fits.
  public static let limit = 160 << 10

  /// The result of ``receive(wait:)``.
  public enum Received {
    /// A message and its descriptors, which the receiver owns.
    case message([UInt8], [Descriptor])
    /// No complete message is there.
    case wouldBlock
    /// The other end is closed, or sent something invalid.
    case closed
  }

  /// Where messages come from; readable when there is one.
  public let descriptor: Descriptor
  /// Where messages go; writable when there is room. The same as `descriptor` unless one direction is a pipe.
  public let writing: Descriptor
  private let reader: MessagePipe.Reader?
  private let writer: MessagePipe.Writer?

  /// Takes a socket of type SOCK_SEQPACKET.
  public init(_ descriptor: Descriptor) {
    (self.descriptor, writing, reader, writer) = (descriptor, descriptor, nil, nil)
  }

  /// A child's end of ``supervised()``: receives from the socket, sends to the pipe.
  public init(from socket: Descriptor, to pipe: Descriptor) {
    (descriptor, writing, reader, writer) = (socket, pipe, nil, MessagePipe.Writer(pipe))
  }

  private init(to socket: Descriptor, from pipe: Descriptor) {
    (descriptor, writing, reader, writer) = (pipe, socket, MessagePipe.Reader(pipe), nil)
  }

  /// Creates the supervisor's end of a connection, and the two descriptors for the child's end: the socket to the child
  /// and the pipe from it, close-on-exec. socketpair(2), shutdown(2), pipe2(2)
  ///
  /// The supervisor sends descriptors and never receives any: it cannot read from its socket, and its pipe carries only
  /// bytes.
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free; otherwise with the errno of the call
  ///   that failed.
  public static func supervised() throws(SystemError) -> (ours: MessageSocket, theirs: [Descriptor]) {
    let (ours, theirs) = try pair()
    let socket = ours.descriptor.rawValue
    try check("shutdown") { shutdown(socket, Int32(SHUT_RD)) }
    let pipe = try Descriptor.pipe()
    for end in [pipe.reader, pipe.writer] { try end.setNonBlocking() }
    // Room for the longest message. For users other than root the kernel limits the size of all their pipes together.
    if Hardening.isRoot { pipe.writer.growPipe(to: 256 << 10) }
    return (MessageSocket(to: ours.descriptor, from: pipe.reader), [theirs.descriptor, pipe.writer])
  }

  /// A child's end of ``supervised()``, from descriptors that the child was started with; takes ownership of them.
  public static func toSupervisor(socket: Int32 = 3, pipe: Int32 = 4) -> MessageSocket {
    MessageSocket(from: Descriptor(owning: socket), to: Descriptor(owning: pipe))
  }

  /// A message as it is sent over a pipe: preceded by its length and the version.
  public static func framed(_ message: [UInt8]) -> [UInt8] { MessagePipe.header(message.count) + message }

  /// True when messages are received from and sent to the same descriptor.
  public var isTwoWays: Bool { descriptor === writing }

  /// True while part of a message is still to be written to the pipe.
  public var hasRest: Bool { writer?.hasRest ?? false }

  /// Writes what is left of a message; `.bytes` when nothing is left.
  ///
  /// - Throws: `SystemError` with the errno of write(2), except EAGAIN, EPIPE and ECONNRESET.
  @discardableResult
  public func flush(wait: Bool = false) throws(SystemError) -> IOOutcome { try writer?.flush(wait: wait) ?? .bytes(0) }

  /// Creates two connected ends, close-on-exec. socketpair(2)
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free.
  public static func pair() throws(SystemError) -> (MessageSocket, MessageSocket) {
    var ends: [Int32] = [-1, -1]
    try check("socketpair") {
      socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    let pair = (
      MessageSocket(Descriptor(owning: ends[0])), MessageSocket(Descriptor(owning: ends[1]))
    )
    // Room for four messages of the largest size; the kernel lowers this to net.core.wmem_max. socket(7)
    for end in ends {
      var size = Int32(limit * 4)
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    return pair
  }

  /// Shuts down sending: the other end reads what was sent, then finds the socket closed. shutdown(2)
  public func shutDownWriting() { _ = shutdown(writing.rawValue, Int32(SHUT_WR)) }

  /// Sends a message with copies of at most 253 descriptors, which stay open here. A pipe carries none.
  ///
  /// - Parameter wait: whether to wait for room; otherwise `.wouldBlock` means that there is none.
  /// - Returns: `.ended` when the other end is closed.
  /// - Throws: `SystemError` with EMSGSIZE for an empty message or one above ``limit``; EINVAL for too many
  ///   descriptors, or any over a pipe; otherwise with the errno of sendmsg(2) or write(2).
  @discardableResult
  public func send(
    _ bytes: [UInt8], descriptors: [Descriptor] = [], wait: Bool = false
  ) throws(SystemError) -> IOOutcome {
    guard !bytes.isEmpty, bytes.count <= MessageSocket.limit else { throw SystemError("send", code: EMSGSIZE) }
    if let writer {
      guard descriptors.isEmpty else { throw SystemError("send", code: EINVAL) }
      return try writer.send(bytes, wait: wait)
    }
    let numbers = descriptors.map(\.rawValue)
    let sent = withExtendedLifetime(descriptors) {
      clinux_send_message(
        writing.rawValue, MessageVersion.header, MessageVersion.header.count, bytes, bytes.count, numbers,
        numbers.count, wait ? 1 : 0)
    }
    if sent >= 0 { return .bytes(bytes.count) }
    switch errno {
    case EAGAIN, ENOBUFS, ETOOMANYREFS: return .wouldBlock
    case EPIPE, ECONNRESET: return .ended
    default: throw .last("sendmsg")
    }
  }

  /// Receives the next message, with at most 64 descriptors. A truncated or empty message counts as closed: no process
  /// of ours sends one.
  ///
  /// - Parameter milliseconds: how long to wait for one; -1: without limit. `.wouldBlock` when none came.
  /// - Throws: `SystemError` with the errno of recvmsg(2) or read(2), except EAGAIN and ECONNRESET; EPROTO for a
  ///   message of another version.
  public func receive(wait milliseconds: Int32 = 0) throws(SystemError) -> Received {
    if let reader { return try receive(from: reader, wait: milliseconds) }
    if milliseconds != 0 && !descriptor.wait(for: POLLIN, milliseconds: milliseconds) { return .wouldBlock }
    var numbers = [Int32](repeating: -1, count: 64)
    var count = 0
    var truncated: Int32 = 0
    var received = 0
    // What is queued is at least as long as the first message. When nothing is, one of any length may arrive meanwhile.
    let queued = Int(clinux_readable_bytes(descriptor.rawValue))
    let capacity = queued > 0 ? min(queued, MessageSocket.limit) : MessageSocket.limit
    var header = [UInt8](repeating: 0, count: MessageVersion.header.count)
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
      received = clinux_receive_message(
        descriptor.rawValue, &header, header.count, buffer.baseAddress, capacity, &numbers, numbers.count, &count,
        &truncated, 0)
      filled = max(received - header.count, 0)
    }
    if received < 0 {
      if errno == EAGAIN { return .wouldBlock }
      throw .last("recvmsg")
    }
    let descriptors = numbers.prefix(count).map { Descriptor(owning: $0) }
    if received == 0 { return .closed }
    try MessageVersion.check(header.prefix(received))
    if bytes.isEmpty || truncated != 0 { return .closed }
    return .message(bytes, descriptors)
  }

  private func receive(from reader: MessagePipe.Reader, wait milliseconds: Int32) throws(SystemError) -> Received {
    let end = Clock.milliseconds + Int64(milliseconds)
    while true {
      let received = try reader.receive()
      guard case .wouldBlock = received, milliseconds != 0 else { return received }
      let left = milliseconds < 0 ? -1 : Int32(clamping: max(end - Clock.milliseconds, 0))
      if left == 0 || !descriptor.wait(for: POLLIN, milliseconds: left) { return .wouldBlock }
    }
  }
}
