import Audit
import IPC
import System
import Wire

/// The reports of file transfers: one socket for each, by its token in the event loop.
struct TransferReports {
  /// Messages of one transfer that are read before others have their turn.
  static let messagesAtOnce = 64
  /// How long reports are not read after some were, in milliseconds. A client that moves thousands of files waits for
  /// each of them, and should not wait for this process as well.
  static let rest: Int64 = 50

  /// Reports of a transfer.
  struct Told: Equatable {
    /// Audit records, with channel and protocol.
    var facts: [Fact] = []
    /// Lines for the log.
    var notes: [String] = []
    /// There will be no more: the transfer has ended, or sent an invalid message.
    var isOver = false
  }

  private struct Report {
    let socket: MessageSocket
    let channel: UInt32
    let eventProtocol: EventProtocol?
  }

  private var reports: [UInt64: Report] = [:]
  /// Until when transfers' reports are not read, in milliseconds.
  private var rests: [UInt64: Int64] = [:]

  /// Adds a transfer whose reports are to be read.
  mutating func add(_ socket: MessageSocket, of channel: UInt32, _ eventProtocol: EventProtocol?, token: UInt64) {
    reports[token] = Report(socket: socket, channel: channel, eventProtocol: eventProtocol)
  }

  /// True when the token belongs to a transfer.
  func has(_ token: UInt64) -> Bool { reports[token] != nil }

  /// The tokens of all transfers.
  var tokens: [UInt64] { reports.keys.sorted() }

  /// Removes a transfer; returns the descriptor to remove from the event loop.
  mutating func remove(_ token: UInt64) -> Descriptor? {
    rests[token] = nil
    return reports.removeValue(forKey: token)?.socket.descriptor
  }

  /// Stops reading a transfer's reports for a while; returns the descriptor that is not to be watched meanwhile.
  mutating func rest(_ token: UInt64, at now: Int64) -> Descriptor? {
    guard let report = reports[token] else { return nil }
    rests[token] = now + TransferReports.rest
    return report.socket.descriptor
  }

  /// When the first pause ends; nil: there is none.
  var nextEnd: Int64? { rests.values.min() }

  /// Transfers whose pause is over, to be watched again.
  mutating func rested(at now: Int64) -> [(token: UInt64, descriptor: Descriptor)] {
    let over = rests.filter { $0.value <= now }.keys
    for token in over { rests[token] = nil }
    return over.compactMap { token in reports[token].map { (token, $0.socket.descriptor) } }
  }

  /// Reads the reports that have arrived, at most `limit` messages.
  func take(_ token: UInt64, atMost limit: Int = messagesAtOnce) -> Told {
    var told = Told()
    guard let report = reports[token] else { return told }
    for _ in 0..<limit {
      let received: MessageSocket.Received
      do throws(SystemError) { received = try report.socket.receive() } catch {
        told.notes.append("channel \(report.channel): the transfer: \(error)")
        received = .closed
      }
      switch received {
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
      case .closed:
        told.isOver = true
        return told
      }
    }
    return told
  }
}
