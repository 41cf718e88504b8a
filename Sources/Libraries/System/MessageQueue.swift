import Wire

/// Messages to one process, in order: sent as soon as its socket accepts them, and queued until then.
///
/// The queue is bounded. It waits for the process only when told to.
public struct MessageQueue {
  /// How much may be queued.
  public enum Bound: Sendable {
    /// So many messages.
    case messages(Int)
    /// So many bytes; each message counts 64 more than its length.
    case bytes(Int)
  }

  /// Why nothing more is sent.
  public enum Failure: Equatable, Sendable {
    /// The process has closed its end. What was queued is gone.
    case gone
    /// As much is queued as may be, because the process does not read. The new message is not queued.
    case full
    /// Sending failed. What was queued is gone.
    case error(SystemError)
  }

  /// What became of the messages.
  public enum Outcome: Equatable, Sendable {
    /// Nothing is queued any more.
    case sent
    /// Call ``flush(wait:)`` when the socket is writable.
    case waiting
    /// The first message waits for ``releaseFirst()``.
    case held
    /// Nothing more is sent.
    case failed(Failure)
  }

  private struct Message {
    let bytes: SecretBytes
    let descriptors: [Descriptor]
    let isHeld: Bool

    var size: Int { bytes.count + 64 }
  }

  private let socket: MessageSocket
  private let bound: Bound
  private var messages = FIFO<Message>()
  /// Of all messages.
  private var size = 0
  private var isFirstReleased = false
  /// Nothing more will be sent.
  public private(set) var isFinished = false

  /// An empty queue for this socket.
  public init(_ socket: MessageSocket, bound: Bound) {
    self.socket = socket
    self.bound = bound
  }

  /// True when nothing is queued, not even a part of a message.
  public var isEmpty: Bool { messages.isEmpty && !socket.hasRest }

  /// Sends a message after the queued ones.
  ///
  /// - Parameters:
  ///   - descriptors: they are open until the message is sent.
  ///   - isHeld: neither this message nor a later one is sent before ``releaseFirst()``.
  public mutating func send(_ message: SecretBytes, _ descriptors: [Descriptor] = [], isHeld: Bool = false) -> Outcome {
    if case .failed(let failure) = flush() { return .failed(failure) }
    guard append(message, descriptors, isHeld: isHeld) else { return .failed(.full) }
    return flush()
  }

  /// Queues a message for the next ``flush(wait:)``; false: as much is queued as may be.
  public mutating func append(_ message: SecretBytes, _ descriptors: [Descriptor] = [], isHeld: Bool = false) -> Bool {
    let message = Message(bytes: message, descriptors: descriptors, isHeld: isHeld)
    switch bound {
    case .messages(let limit): guard messages.count < limit else { return false }
    case .bytes(let limit): guard size + message.size <= limit else { return false }
    }
    messages.append(message)
    size += message.size
    return true
  }

  /// The first message, which is held, may be sent.
  public mutating func releaseFirst() { isFirstReleased = true }

  /// Nothing more will be sent: the process finds the socket closed behind what is queued.
  public mutating func finish() {
    isFinished = true
    if isEmpty { socket.shutDownWriting() }
  }

  /// Drops everything that is queued.
  public mutating func removeAll() {
    messages = FIFO()
    size = 0
    isFirstReleased = false
  }

  /// Sends as much as the socket accepts.
  ///
  /// - Parameter wait: waits until all is sent, however long the process takes.
  @discardableResult
  public mutating func flush(wait: Bool = false) -> Outcome {
    do throws(SystemError) {
      // The rest of a message goes first.
      var sent = try socket.flush(wait: wait)
      while case .bytes = sent, let message = messages.first {
        if message.isHeld, !isFirstReleased { return .held }
        sent = try message.bytes.lend { (bytes) throws(SystemError) in
          try socket.send(bytes, descriptors: message.descriptors, wait: wait)
        }
        if case .bytes = sent { removeFirst(message) }
      }
      switch sent {
      case .bytes: break
      case .wouldBlock: return .waiting
      case .ended: return fail(.gone)
      }
    } catch {
      return fail(.error(error))
    }
    if socket.hasRest { return .waiting }
    if isFinished { socket.shutDownWriting() }
    return .sent
  }

  private mutating func removeFirst(_ message: Message) {
    messages.removeFirst()
    size -= message.size
    isFirstReleased = false
  }

  private mutating func fail(_ failure: Failure) -> Outcome {
    removeAll()
    return .failed(failure)
  }
}

extension MessageQueue {
  /// Sends a message after the queued ones.
  public mutating func send(_ message: some WireCodable, _ descriptors: [Descriptor] = []) -> Outcome {
    send(SecretBytes(encoding: message), descriptors)
  }
}
