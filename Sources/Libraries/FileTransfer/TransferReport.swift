import Audit
import Glibc
import IPC
import System

/// Sends file events to the session.
///
/// Events are sent in batches: when a batch is full, when its first event is old, or when the client pauses. Blocks
/// while the session is behind, so that no event is lost. The socket belongs to this object; unsent events are sent in
/// `deinit`.
public final class TransferReport: FileObserver {
  /// Milliseconds that an event may wait while the client keeps sending.
  static let flushInterval: Int64 = 20
  /// Milliseconds without input after which the client counts as pausing.
  static let pause: Int32 = 2
  /// Longest note in bytes; a longer one is cut.
  static let noteLength = 1000

  public let observesReadsAndWrites: Bool
  private let socket: MessageSocket
  private var waiting: [AuditRecord] = []
  /// When the first of them was added.
  private var firstTime: Int64 = 0

  /// - Parameter verbose: send every read and write as well.
  public init(_ socket: MessageSocket, verbose: Bool = false) {
    self.socket = socket
    observesReadsAndWrites = verbose
  }

  deinit { flush() }

  public func record(_ event: FileEvent) { add(AuditRecord(event)) }

  /// Sends that a rule with the action `log` allowed an operation.
  public func record(_ operation: FileOperation, _ paths: [[UInt8]], rule: String) {
    add(AuditRecord(allowed: operation, paths, rule: rule))
  }

  /// Sends a line for the daemon's log, after all events before it.
  public func log(_ line: String) {
    flush()
    // If the last character is cut, its replacement character must fit as well.
    send(.log(String(decoding: line.utf8.prefix(Self.noteLength), as: UTF8.self)))
  }

  public func pause(waitingFor input: Descriptor) {
    if waiting.isEmpty { return }
    if Clock.milliseconds - firstTime < Self.flushInterval, input.wait(for: POLLIN, milliseconds: Self.pause) { return }
    flush()
  }

  private func add(_ record: AuditRecord) {
    if waiting.isEmpty { firstTime = Clock.milliseconds }
    waiting.append(record)
    if waiting.count >= AuditBatch.countLimit { flush() }
  }

  private func flush() {
    while !waiting.isEmpty { send(.records(AuditBatch(takingFrom: &waiting))) }
  }

  private func send(_ message: TransferToSession) {
    // A session that is gone receives nothing.
    _ = try? socket.send(message.wireBytes, wait: true)
  }
}
