import Audit
import IPC
import System
import Wire

/// What a login tells the supervisor, in order: sent when it listens, and kept until it does. Nothing is dropped while
/// there is a supervisor.
///
/// Bounded by its owner, who begins nothing new while it ``isBehind``.
struct SupervisorOutbox {
  /// Bytes of a note at most; what is longer is cut.
  private static let noteLength = 1000

  private let socket: MessageSocket
  private var facts: [Fact] = []
  /// Messages that were told before `facts`.
  private var messages: [[UInt8]] = []
  /// The supervisor has ended, and nobody is told anything any more.
  private(set) var isGone = false

  /// An empty outbox of this socket.
  init(_ socket: MessageSocket) { self.socket = socket }

  /// True when the supervisor did not take everything at once: until it has, nothing new should be begun.
  private(set) var isBehind = false

  /// Tells of an event, with the next ``flush()``.
  mutating func add(_ fact: Fact) { if !isGone { facts.append(fact) } }

  /// Tells a line for the log, with the next ``flush()``.
  mutating func note(_ text: String) {
    if isGone { return }
    pack()
    // The last character may be cut, and become U+FFFD.
    let short = String(decoding: text.utf8.prefix(Self.noteLength), as: UTF8.self)
    messages.append(SessionToSupervisor.note(short).wireBytes)
  }

  /// Tells of a terminal, with the next ``flush()``.
  mutating func add(_ use: TerminalUse) {
    if isGone { return }
    pack()
    messages.append(SessionToSupervisor.terminal(use).wireBytes)
  }

  /// Asks, with the next ``flush()``, whether a program may start; with what is told of it.
  mutating func add(start number: UInt64, _ fact: Fact) {
    if isGone { return }
    pack()
    messages.append(SessionToSupervisor.starts(number: number, fact).wireBytes)
  }

  /// Sends what the supervisor takes now.
  mutating func flush() { send(wait: false) }

  /// Sends everything, however long the supervisor takes.
  mutating func finish() { send(wait: true) }

  /// The supervisor has ended: there is nobody to tell.
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
    // What is left of the last message goes first.
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
