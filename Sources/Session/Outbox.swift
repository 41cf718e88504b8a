import IPC
import System

/// Answers on their way to the transport: sent at once, or kept in order until the socket has room.
struct Outbox {
  /// Bytes that may be waiting, each message counted with 64 more.
  static let limit = 1 << 20

  /// What became of a send.
  enum Outcome: Equatable {
    case sent
    /// Something waits: call `flush` when the socket can be written.
    case waiting
    /// The other end is gone, or so far behind that it must go.
    case failed
  }

  private let socket: MessageSocket
  private var waiting: [(bytes: [UInt8], descriptors: [Descriptor])] = []
  private var size = 0

  /// An empty outbox of this socket.
  init(_ socket: MessageSocket) { self.socket = socket }

  /// Sends a message after those that wait.
  mutating func send(_ message: SessionToTransport, _ descriptors: [Descriptor] = []) -> Outcome {
    let bytes = message.wireBytes
    size += bytes.count + 64
    waiting.append((bytes, descriptors))
    let outcome = flush()
    return size > Outbox.limit ? .failed : outcome
  }

  /// Sends what the socket takes.
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
