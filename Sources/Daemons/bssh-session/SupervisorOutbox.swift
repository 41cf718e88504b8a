import Audit
import IPC
import System
import Wire

/// Messages from a login to the supervisor, in order: sent when the supervisor reads, and queued until then. Nothing is
/// dropped while there is a supervisor.
///
/// Its owner keeps it bounded by beginning nothing new while it ``isBehind``.
struct SupervisorOutbox {
  /// Limit of a log line in bytes; longer ones are truncated.
  private static let noteLength = 1000

  private let socket: MessageSocket
  private var facts: [Fact] = []
  /// Messages that precede `facts`.
  private var messages: [[UInt8]] = []
  /// The supervisor is gone, and nothing is sent any more.
  private(set) var isGone = false

  /// An empty queue for this socket.
  init(_ socket: MessageSocket) { self.socket = socket }

  /// True when the supervisor has not accepted everything yet: nothing new should begin.
  private(set) var isBehind = false

  /// Queues an audit record for the next ``flush()``.
  mutating func add(_ fact: Fact) { if !isGone { facts.append(fact) } }

  /// Queues a log line for the next ``flush()``.
  mutating func note(_ text: String) {
    if isGone { return }
    pack()
    // Truncation may cut a character, which becomes U+FFFD.
    let short = String(decoding: text.utf8.prefix(Self.noteLength), as: UTF8.self)
    messages.append(SessionToSupervisor.note(short).wireBytes)
  }

  /// Queues a change of a terminal's use for the next ``flush()``.
  mutating func add(_ use: TerminalUse) {
    if isGone { return }
    pack()
    messages.append(SessionToSupervisor.terminal(use).wireBytes)
  }

  /// Queues the question whether a program may start, with the record of its start, for the next ``flush()``.
  mutating func add(start number: UInt64, _ fact: Fact) {
    if isGone { return }
    pack()
    messages.append(SessionToSupervisor.starts(number: number, fact).wireBytes)
  }

  /// Sends as much as the supervisor accepts now.
  mutating func flush() { send(wait: false) }

  /// Sends everything, however long the supervisor takes.
  mutating func finish() { send(wait: true) }

  /// Drops everything, because the supervisor is gone.
  mutating func giveUp() {
    isGone = true
    isBehind = false
    facts = []
    messages = []
  }

  private mutating func pack() {
    while !facts.isEmpty { messages.append(SessionToSupervisor.facts(FactBatch(takingFrom: &facts)).wireBytes) }
  }

  private mutating func send(wait: Bool) {
    pack()
    var sent = 0
    // The rest of the last message goes first.
    if (try? socket.flush(wait: wait)) ?? .ended == .ended { return giveUp() }
    sending: for message in messages {
      switch try? socket.send(message, wait: wait) {
      case .bytes: sent += 1
      case .wouldBlock: break sending
      case .ended, nil: return giveUp()
      }
    }
    messages.removeFirst(sent)
    isBehind = !messages.isEmpty || socket.hasRest
  }
}
