import CLinux
import Glibc

/// One end of a connection to another of our processes: whole messages, with descriptors (SCM_RIGHTS).
///
/// A Unix socket of type SOCK_SEQPACKET. A message arrives whole or not at all. Where one side has no descriptors to send,
/// its messages go over a pipe: the other side cannot get any, and has none to close, which could take as long as their
/// sender likes (SO_LINGER, a file of FUSE).
public final class MessageSocket: Sendable {
  /// Bytes that a message may have; an `exec` request with the longest command that Linux can run fits.
  public static let limit = 160 << 10

  /// What came.
  public enum Received {
    case message([UInt8], [Descriptor])
    case wouldBlock
    /// The other end is closed, or sent something that is no message of ours.
    case closed
  }

  /// Where messages come from: readable when there is one.
  public let descriptor: Descriptor
  /// Where messages go: writable when there is room. The same but where one direction is a pipe.
  public let writing: Descriptor
  private let reader: MessagePipe.Reader?
  private let writer: MessagePipe.Writer?

  /// Takes a socket of type SOCK_SEQPACKET.
  public init(_ descriptor: Descriptor) {
    (self.descriptor, writing, reader, writer) = (descriptor, descriptor, nil, nil)
  }

  /// A child's end of ``supervised()``: messages come by a socket and go by a pipe, which both end with the supervisor.
  public init(from socket: Descriptor, to pipe: Descriptor) {
    (descriptor, writing, reader, writer) = (socket, pipe, nil, MessagePipe.Writer(pipe))
  }

  private init(to socket: Descriptor, from pipe: Descriptor) {
    (descriptor, writing, reader, writer) = (pipe, socket, MessagePipe.Reader(pipe), nil)
  }

  /// A supervisor's end, and the two descriptors of a child's: the socket to it and the pipe from it, close-on-exec. The
  /// supervisor sends descriptors, and gets none: its socket takes nothing, its pipe bytes. socketpair(2), shutdown(2),
  /// pipe2(2)
  public static func supervised() throws(SystemError) -> (ours: MessageSocket, theirs: [Descriptor]) {
    let (ours, theirs) = try pair()
    let socket = ours.descriptor.rawValue
    try check("shutdown") { shutdown(socket, Int32(SHUT_RD)) }
    let pipe = try Descriptor.pipe()
    for end in [pipe.reader, pipe.writer] { try end.setNonBlocking() }
    // Room for the longest message; for others than root the kernel counts what all pipes of a user may have.
    if Hardening.isRoot { pipe.writer.growPipe(to: 256 << 10) }
    return (MessageSocket(to: ours.descriptor, from: pipe.reader), [theirs.descriptor, pipe.writer])
  }

  /// A child's end of ``supervised()``, whose descriptors it was started with.
  public static func toSupervisor(socket: Int32 = 3, pipe: Int32 = 4) -> MessageSocket {
    MessageSocket(from: Descriptor(owning: socket), to: Descriptor(owning: pipe))
  }

  /// A message as it stands in a pipe: behind its length.
  public static func framed(_ message: [UInt8]) -> [UInt8] { MessagePipe.header(message.count) + message }

  /// True when messages are read from and written to the same descriptor.
  public var isTwoWays: Bool { descriptor === writing }

  /// True while a part of a message that was sent waits for room.
  public var hasRest: Bool { writer?.hasRest ?? false }

  /// Goes on with what waits; `.bytes` when nothing does any more.
  @discardableResult
  public func flush(wait: Bool = false) throws(SystemError) -> Transfer { try writer?.flush(wait: wait) ?? .bytes(0) }

  /// Two connected ends, close-on-exec. socketpair(2)
  public static func pair() throws(SystemError) -> (MessageSocket, MessageSocket) {
    var ends: [Int32] = [-1, -1]
    try check("socketpair") {
      socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    let pair = (
      MessageSocket(Descriptor(owning: ends[0])), MessageSocket(Descriptor(owning: ends[1]))
    )
    // Room for a few messages of the largest size; root may go over the system's limit, for others it is cut.
    for end in ends {
      var size = Int32(limit * 4)
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    return pair
  }

  /// Ends our side: the other one finds the socket closed behind what was sent. shutdown(2)
  public func shutDownWriting() { _ = shutdown(writing.rawValue, Int32(SHUT_WR)) }

  /// Sends a message with at most 253 descriptors, which stay open here.
  ///
  /// - Parameter wait: whether to wait for room; otherwise `.wouldBlock` says that there is none.
  /// - Returns: `.ended` when the other end is closed.
  @discardableResult
  public func send(
    _ bytes: [UInt8], descriptors: [Descriptor] = [], wait: Bool = false
  ) throws(SystemError) -> Transfer {
    guard !bytes.isEmpty, bytes.count <= MessageSocket.limit else { throw SystemError("send", code: EMSGSIZE) }
    if let writer {
      guard descriptors.isEmpty else { throw SystemError("send", code: EINVAL) }
      return try writer.send(bytes, wait: wait)
    }
    let numbers = descriptors.map(\.rawValue)
    let sent = withExtendedLifetime(descriptors) {
      clinux_send_message(writing.rawValue, bytes, bytes.count, numbers, numbers.count, wait ? 1 : 0)
    }
    if sent >= 0 { return .bytes(sent) }
    switch errno {
    case EAGAIN, ENOBUFS, ETOOMANYREFS: return .wouldBlock
    case EPIPE, ECONNRESET: return .ended
    default: throw .last("sendmsg")
    }
  }

  /// Takes the next message. A message that was cut, or is empty, closes: no process of ours sends one.
  ///
  /// - Parameter milliseconds: how long to wait for one; -1 for ever. `.wouldBlock` when none came.
  public func receive(wait milliseconds: Int32 = 0) throws(SystemError) -> Received {
    if let reader { return try receive(from: reader, wait: milliseconds) }
    if milliseconds != 0 && !descriptor.wait(for: POLLIN, milliseconds: milliseconds) { return .wouldBlock }
    var numbers = [Int32](repeating: -1, count: 64)
    var count = 0
    var truncated: Int32 = 0
    var received = 0
    // What is queued is at least as long as the first message; when nothing is, one of any length may come meanwhile.
    let queued = Int(clinux_readable_bytes(descriptor.rawValue))
    let capacity = queued > 0 ? min(queued, MessageSocket.limit) : MessageSocket.limit
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
      received = clinux_receive_message(
        descriptor.rawValue, buffer.baseAddress, capacity, &numbers, numbers.count, &count, &truncated, 0)
      filled = max(received, 0)
    }
    if received < 0 {
      if errno == EAGAIN { return .wouldBlock }
      throw .last("recvmsg")
    }
    let descriptors = numbers.prefix(count).map { Descriptor(owning: $0) }
    if received == 0 || truncated != 0 { return .closed }
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
