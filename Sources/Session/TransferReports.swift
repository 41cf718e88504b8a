import Audit
import IPC
import System
import Wire

/// What file transfers tell about themselves: for each a socket, by its token in the event loop.
struct TransferReports {
  /// Messages of one transfer that are taken before others have their turn.
  static let messagesAtOnce = 64
  /// Milliseconds in which a transfer that has just told something is left alone: a client that moves thousands of
  /// files waits for each, and would wait for us to read about it, too.
  static let rest: Int64 = 50

  /// What came of a transfer.
  struct Told: Equatable {
    /// With the channel and the protocol.
    var facts: [Fact] = []
    /// Lines for the log.
    var notes: [String] = []
    /// There can be no more: the transfer ended, or sent what it may not.
    var isOver = false
  }

  private struct Report {
    let socket: MessageSocket
    let channel: UInt32
    let eventProtocol: EventProtocol?
  }

  private var reports: [UInt64: Report] = [:]
  /// Until when transfers are left alone, in milliseconds.
  private var rests: [UInt64: Int64] = [:]

  /// Begins to listen to a transfer.
  mutating func add(_ socket: MessageSocket, of channel: UInt32, _ eventProtocol: EventProtocol?, token: UInt64) {
    reports[token] = Report(socket: socket, channel: channel, eventProtocol: eventProtocol)
  }

  /// True when the token is one of these.
  func has(_ token: UInt64) -> Bool { reports[token] != nil }

  /// All that there are.
  var tokens: [UInt64] { reports.keys.sorted() }

  /// Stops listening; returns what the event loop is to forget.
  mutating func remove(_ token: UInt64) -> Descriptor? {
    rests[token] = nil
    return reports.removeValue(forKey: token)?.socket.descriptor
  }

  /// Leaves a transfer alone for a while; returns what is not to be read meanwhile.
  mutating func rest(_ token: UInt64, at now: Int64) -> Descriptor? {
    guard let report = reports[token] else { return nil }
    rests[token] = now + TransferReports.rest
    return report.socket.descriptor
  }

  /// The end of the first rest; nil when there is none.
  var nextEnd: Int64? { rests.values.min() }

  /// Transfers that have rested; they can be read again.
  mutating func rested(at now: Int64) -> [(token: UInt64, descriptor: Descriptor)] {
    let over = rests.filter { $0.value <= now }.keys
    for token in over { rests[token] = nil }
    return over.compactMap { token in reports[token].map { (token, $0.socket.descriptor) } }
  }

  /// Takes what has come, at most `limit` messages.
  func take(_ token: UInt64, atMost limit: Int = messagesAtOnce) -> Told {
    var told = Told()
    guard let report = reports[token] else { return told }
    for _ in 0..<limit {
      switch try? report.socket.receive() {
      case .message(let bytes, let descriptors):
        guard descriptors.isEmpty, let message = try? TransferToSession(wireBytes: bytes[...]) else {
          told.notes.append("channel \(report.channel): the transfer sent a message that cannot be read")
          told.isOver = true
          return told
        }
        switch message {
        case .facts(let batch):
          guard batch.facts.allSatisfy(\.type.isOfTransfer) else {
            told.notes.append("channel \(report.channel): the transfer told of what is not a transfer's")
            told.isOver = true
            return told
          }
          for var fact in batch.facts {
            fact.channel = report.channel
            fact.protocol = report.eventProtocol
            told.facts.append(fact)
          }
        case .note(let text): told.notes.append("channel \(report.channel): \(text)")
        }
      case .wouldBlock: return told
      case .closed, nil:
        told.isOver = true
        return told
      }
    }
    return told
  }
}
