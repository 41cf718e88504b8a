import IPC
import System

/// Messages to the transport: sent at once, or queued in order until the socket has room.
struct Outbox {
  /// Limit of queued bytes; each message counts 64 more than its length.
  static let limit = 1 << 20

  /// The result of sending.
  enum Outcome: Equatable {
    case sent
    /// Something is queued: call `flush` when the socket is writable.
    case waiting
    /// The other end is gone, or too far behind: end the login.
    case failed
  }

  private let socket: MessageSocket
  private var waiting: [(bytes: [UInt8], descriptors: [Descriptor])] = []
  private var size = 0

  /// An empty queue for this socket.
  init(_ socket: MessageSocket) { self.socket = socket }

  /// Sends a message after the queued ones.
  mutating func send(_ message: SessionToTransport, _ descriptors: [Descriptor] = []) -> Outcome {
    let bytes = message.wireBytes
    size += bytes.count + 64
    waiting.append((bytes, descriptors))
    let outcome = flush()
    return size > Outbox.limit ? .failed : outcome
  }

  /// Sends as much as the socket accepts.
  mutating func flush() -> Outcome {
    var sent = 0
    defer { waiting.removeFirst(sent) }
    for message in waiting {
      switch try? socket.send(message.bytes, descriptors: message.descriptors) {
      case .bytes:
        sent += 1
        size -= message.bytes.count + 64
      case .wouldBlock: return .waiting
      case .ended, nil: return .failed
      }
    }
    return .sent
  }
}
