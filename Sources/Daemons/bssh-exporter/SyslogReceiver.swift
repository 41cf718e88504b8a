import Audit
import Export
import IPC
import JournalReader
import System

/// Sends to the system log: to journald in its native protocol if it listens, otherwise in RFC 5424 to a socket.
///
/// The kernel reports how much a receiver has not read. An empty queue is proof that the receiver has read everything
/// only after a later message could be sent, because the queue of a dead receiver is empty too.
final class SyslogReceiver: Receiver {
  /// Number of events that a receiver may have read and not processed.
  static let allowance = 32
  /// Polling interval in milliseconds, doubling from the first to the last.
  static let firstLook: Int64 = 1
  static let lastLook: Int64 = 1000

  private let settings: SyslogSettings
  private let batchSize: Int
  private var socket: Descriptor?
  private var isJournal = false
  private var events: ArraySlice<JournalEvent> = []
  /// The encoded next event, if it could not be sent yet.
  private var message: [UInt8]?
  /// Sent events, oldest first; the first `readCount` were read.
  private var sent: [JournalEvent] = []
  private var readCount = 0
  private var lost: [Outcome] = []
  private var isFull = false
  private var lookAgain: (time: Int64, pause: Int64)?

  init(_ settings: SyslogSettings, batchSize: Int) {
    self.settings = settings
    self.batchSize = batchSize
  }

  var room: Int { events.isEmpty && readCount == sent.count ? batchSize : 0 }

  var waits: [CurlLoop.Wait] {
    guard isFull, let socket else { return [] }
    return [CurlLoop.Wait(descriptor: socket.rawValue, reads: false, writes: true)]
  }

  var deadline: Int64? { lookAgain?.time }

  func queue(_ events: [JournalEvent], now: Int64) {
    self.events = events[...]
    lookAgain = (now, Self.firstLook)
  }

  func reset() {
    socket = nil
    events = []
    message = nil
    sent = []
    readCount = 0
    isFull = false
    lookAgain = nil
    lost = []
  }

  func work(now: Int64) -> [Outcome] {
    do throws(SystemError) {
      if events.isEmpty && readCount == sent.count { return [] }
      let connection = try connection()
      var outcomes: [Outcome] = []
      isFull = false
      while let event = events.first, !isFull {
        switch try send(event, over: connection) {
        case .bytes:
          // The receiver is alive, so it has read the earlier messages rather than dropped them.
          outcomes += settle()
          sent.append(event)
          events = events.dropFirst()
          message = nil
        case .wouldBlock: isFull = true
        case .ended: return [.failed(reason: "no process receives messages at \(place)")]
        }
      }
      return outcomes + (try look(connection, now))
    } catch {
      return [.failed(reason: "\(error)")]
    }
  }

  private var place: String { isJournal ? settings.journalSocket ?? settings.socket : settings.socket }

  private func connection() throws(SystemError) -> Descriptor {
    if let socket { return socket }
    if let path = settings.journalSocket, let journal = try? Descriptor.datagram(to: path) {
      (socket, isJournal) = (journal, true)
      return journal
    }
    let log = try Descriptor.datagram(to: settings.socket)
    (socket, isJournal) = (log, false)
    return log
  }

  private func send(_ event: JournalEvent, over connection: Descriptor) throws(SystemError) -> IOOutcome {
    let line: JournalLine
    do throws(JournalLineError) {
      line = try JournalLine(json: event.line)
    } catch {
      lost.append(.lost(first: event.head, count: 1, reason: .unreadable))
      return .bytes(0)
    }
    let syslog = SyslogMessage(line, facility: settings.facility.number)
    let message = self.message ?? (isJournal ? syslog.journalEntry : syslog.rfc5424())
    self.message = message
    do throws(SystemError) {
      return try connection.sendDatagram(message)
    } catch {
      guard error.isTooLong else { throw error }
    }
    // journald accepts large entries in sealed memory; a syslog daemon would truncate the message anyway.
    if isJournal {
      return try connection.sendDatagram([], descriptors: [Descriptor.sealedMemory(name: "entry", message)])
    }
    self.message = syslog.rfc5424(isShort: true)
    return try connection.sendDatagram(syslog.rfc5424(isShort: true))
  }

  /// Settles everything that was read, except the events that the receiver may not have processed yet.
  private func settle() -> [Outcome] {
    let count = min(readCount, sent.count) - Self.allowance
    guard count > 0 else { return [] }
    let last = sent[count - 1]
    sent.removeFirst(count)
    readCount -= count
    return [.settled(last.head, last.place)]
  }

  private func look(_ connection: Descriptor, _ now: Int64) throws(SystemError) -> [Outcome] {
    var outcomes = lost
    lost = []
    if events.isEmpty, try connection.outstandingBytes() == 0 {
      lookAgain = nil
      if let last = sent.last, readCount < sent.count { outcomes.append(.accepted(last.head)) }
      readCount = sent.count
    } else {
      let pause = lookAgain.map { $0.time <= now ? min($0.pause * 2, Self.lastLook) : $0.pause } ?? Self.firstLook
      lookAgain = (now + pause, pause)
    }
    return outcomes
  }

  func finish(now: Int64) -> (outcomes: [Outcome], isOver: Bool) {
    if events.isEmpty && readCount == sent.count { return ([], true) }
    let outcomes = work(now: now)
    return (outcomes, events.isEmpty && readCount == sent.count || socket == nil)
  }
}
