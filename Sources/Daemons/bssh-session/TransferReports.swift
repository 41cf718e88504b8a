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
  static let pauseTime: Int64 = 50

  /// Reports of a transfer.
  struct DrainResult: Equatable {
    /// Audit records, with channel and protocol.
    var records: [AuditRecord] = []
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
  private var pauses: [UInt64: Int64] = [:]

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
    pauses[token] = nil
    return reports.removeValue(forKey: token)?.socket.descriptor
  }

  /// Stops reading a transfer's reports for a while; returns the descriptor that is not to be watched meanwhile.
  mutating func pause(_ token: UInt64, at now: Int64) -> Descriptor? {
    guard let report = reports[token] else { return nil }
    pauses[token] = now + TransferReports.pauseTime
    return report.socket.descriptor
  }

  /// When the first pause ends; nil: there is none.
  var nextEnd: Int64? { pauses.values.min() }

  /// Transfers whose pause is over, to be watched again.
  mutating func resumable(at now: Int64) -> [(token: UInt64, descriptor: Descriptor)] {
    let over = pauses.filter { $0.value <= now }.keys
    for token in over { pauses[token] = nil }
    return over.compactMap { token in reports[token].map { (token, $0.socket.descriptor) } }
  }

  /// Reads the reports that have arrived, at most `limit` messages.
  func drain(_ token: UInt64, atMost limit: Int = messagesAtOnce) -> DrainResult {
    var result = DrainResult()
    guard let report = reports[token] else { return result }
    for _ in 0..<limit {
      let received: MessageSocket.Received
      do throws(SystemError) { received = try report.socket.receive() } catch {
        result.notes.append("channel \(report.channel): the transfer: \(error)")
        received = .closed
      }
      switch received {
      case .message(let bytes, let descriptors):
        guard descriptors.isEmpty, let message = try? TransferToSession(wireBytes: bytes[...]) else {
          result.notes.append("channel \(report.channel): the transfer sent a message that cannot be read")
          result.isOver = true
          return result
        }
        switch message {
        case .records(let batch):
          guard batch.records.allSatisfy(\.type.isOfTransfer) else {
            result.notes.append("channel \(report.channel): the transfer told of what is not a transfer's")
            result.isOver = true
            return result
          }
          for var record in batch.records {
            record.channel = report.channel
            record.protocol = report.eventProtocol
            result.records.append(record)
          }
        case .log(let text): result.notes.append("channel \(report.channel): \(text)")
        }
      case .wouldBlock: return result
      case .closed:
        result.isOver = true
        return result
      }
    }
    return result
  }
}
