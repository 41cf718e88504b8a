import Audit
import IPC
import System
import Wire

/// Reports of a login to the supervisor, in order: sent when the supervisor reads, and queued until then. Nothing is
/// dropped while there is a supervisor.
///
/// Its owner keeps it short by beginning nothing new while it ``isBehind``.
struct SupervisorReports {
  /// Limit of a log line in bytes; longer ones are truncated.
  private static let noteLength = 1000
  /// Limit of queued bytes. Reports of what has begun already wait for the supervisor when it is reached.
  private static let limit = 16 << 20

  /// Events that follow the queued messages.
  private var records: [AuditRecord] = []
  private var queue: MessageQueue
  /// The supervisor is gone, and nothing is sent any more.
  private(set) var isGone = false
  /// True when the supervisor has not accepted everything yet: nothing new should begin.
  private(set) var isBehind = false

  /// An empty queue for this socket.
  init(_ socket: MessageSocket) { queue = MessageQueue(socket, bound: .bytes(Self.limit)) }

  /// Queues an audit record for the next ``flush()``.
  mutating func add(_ record: AuditRecord) { if !isGone { records.append(record) } }

  /// Queues a log line for the next ``flush()``.
  mutating func log(_ text: String) {
    // Truncation may cut a character, which becomes U+FFFD.
    add(.log(String(decoding: text.utf8.prefix(Self.noteLength), as: UTF8.self)))
  }

  /// Queues a change of a terminal's use for the next ``flush()``.
  mutating func add(_ use: TerminalUse) { add(.terminal(use)) }

  /// Queues the question whether a program may start, with the record of its start, for the next ``flush()``.
  mutating func add(start number: UInt64, _ record: AuditRecord) { add(.starts(number: number, record)) }

  /// Sends as much as the supervisor accepts now.
  mutating func flush() {
    packFacts()
    send(wait: false)
  }

  /// Sends everything, however long the supervisor takes.
  mutating func finish() {
    packFacts()
    send(wait: true)
  }

  /// Drops everything, because the supervisor is gone.
  mutating func giveUp() {
    isGone = true
    isBehind = false
    records = []
    queue.removeAll()
  }

  private mutating func add(_ message: SessionToSupervisor) {
    if isGone { return }
    packFacts()
    append(message)
  }

  private mutating func packFacts() {
    while !records.isEmpty { append(.records(AuditBatch(takingFrom: &records))) }
  }

  private mutating func append(_ message: SessionToSupervisor) {
    let bytes = SecretBytes(encoding: message)
    if queue.append(bytes) { return }
    send(wait: true)
    if !isGone { _ = queue.append(bytes) }
  }

  private mutating func send(wait: Bool) {
    if case .failed = queue.flush(wait: wait) { return giveUp() }
    isBehind = !queue.isEmpty
  }
}
