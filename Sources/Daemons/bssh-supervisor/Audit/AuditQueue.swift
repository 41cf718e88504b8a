import IPC
import Wire

/// The queue of events for the journal, and the state of `bssh-journal`. Decides only: the caller starts the process,
/// sends messages and sets timers.
///
/// An event remains in the queue until the journal has confirmed that it is written. Events that were sent to a journal
/// process that died are sent again to the next one, which checks whether they are written already. At most one batch is
/// being written at a time.
///
/// While the journal works, however slowly, a full queue pauses the sources of events (backpressure). Events that are
/// already on their way are still accepted, up to 16 times the number of events, or four times the bytes, at which
/// sources are paused; further ones are counted as lost. While the journal fails, sources are not paused, and events that
/// do not fit into the queue are counted as lost.
struct AuditQueue: Sendable {
  /// What the caller must do, in this order.
  enum Action: Equatable, Sendable {
    /// Start a journal process, and call `started` or `startFailed`.
    case start
    /// Call `restartTime` after this time.
    case restartAfter(milliseconds: Int64)
    /// Call `retryTime` after this time.
    case retryAfter(milliseconds: Int64)
    case send(JournalBatch)
    /// Let the journal process end. Its further messages and its end must not be passed to this queue.
    case stop
    /// Call `hung` unless the journal replies within ``AuditQueue/timeout``.
    case watch
    case stopWatching
    /// Pause the sources of events.
    case applyBackpressure
    /// Resume the sources of events.
    case releaseBackpressure
    /// Events cannot be written.
    case failing(reason: String)
    /// Events are written again; `lost`: how many were lost.
    case recovered(lost: UInt64)
  }

  /// The limits of the queue.
  struct Limits: Equatable, Sendable {
    /// Number of events at which sources are paused.
    var events: Int
    /// Maximum number of events in a batch.
    var batch: Int

    /// Number of bytes at which sources are paused; events are usually smaller.
    var bytes: Int { events * 4096 }
  }

  /// Time limit for writing a batch, in milliseconds.
  static let timeout: Int64 = 30_000
  /// Milliseconds between two attempts to write a batch.
  static let retryTime: Int64 = 1000
  /// Number of journal processes that may end in a row without writing anything, before the journal counts as failing.
  static let endLimit = 3

  private enum Journal: Equatable {
    /// No journal is configured.
    case off
    /// No process is running; a start is planned.
    case planned
    case idle
    /// The process is writing the first `count` events.
    case writing(batch: UInt64, count: Int)
    /// The process could not write; another attempt is planned.
    case refusing
  }

  /// What happens to the journal process after its batch is written.
  private enum Wish: Equatable {
    case stay, replace, close
  }

  private var limits: Limits
  private var journal: Journal = .off
  private var wish = Wish.stay
  private var events = EventFIFO()
  /// The number of events at the front that may be in the file without a confirmation.
  private var doubtful = 0
  private var nextBatch: UInt64 = 1
  /// The number of events that have been added so far, which is the position of the last one.
  private(set) var position: UInt64 = 0
  private var backoff = Backoff()
  /// Number of journal processes that ended in a row without writing a batch.
  private var ends = 0
  private var lost: UInt64 = 0
  /// True while the sources of events are paused.
  private(set) var hasBackpressure = false
  /// True while events cannot be written.
  private(set) var isFailing = false

  init(_ limits: Limits) { self.limits = limits }

  /// Number of events in the queue, including those being written.
  var count: Int { events.count }

  /// True if nothing has to wait for the event at a position: it is in the journal, there is no journal, or events cannot
  /// be written at the moment.
  func isSettled(_ position: UInt64) -> Bool { isFailing || position + UInt64(events.count) <= self.position }

  /// Starts a journal process, or replaces the current one.
  mutating func replace() -> [Action] {
    wish = .stay
    switch journal {
    case .off:
      journal = .planned
      return [.start]
    case .planned: return []
    case .idle, .refusing:
      journal = .planned
      return [.stop, .start]
    case .writing:
      wish = .replace
      return []
    }
  }

  /// Ends the journal after the events in the queue are written.
  mutating func close() -> [Action] {
    switch journal {
    case .off: return []
    case .planned, .idle, .refusing: return turnOff()
    case .writing:
      wish = .close
      return []
    }
  }

  private mutating func turnOff() -> [Action] {
    let actions: [Action] = journal == .planned ? [] : [.stop]
    journal = .off
    wish = .stay
    events = EventFIFO()
    doubtful = 0
    lost = 0
    isFailing = false
    return actions + balance()
  }

  /// Applies new limits.
  mutating func apply(_ limits: Limits) -> [Action] {
    self.limits = limits
    return balance()
  }

  /// Adds an encoded event.
  mutating func add(_ event: [UInt8]) -> [Action] {
    // Paused sources may still have sent some events; the number of these is limited.
    let isFull = events.count >= limits.events || events.bytes >= limits.bytes
    let isOverflowing = events.count >= 16 * limits.events || events.bytes >= 4 * limits.bytes
    guard !(isFull && isFailing), !isOverflowing else {
      lost += 1
      return []
    }
    events.append(event)
    position += 1
    return balance() + send()
  }

  /// Handles that the journal process of `start` is running.
  mutating func started() -> [Action] {
    journal = .idle
    return send()
  }

  /// Handles that the journal process of `start` could not be started.
  mutating func startFailed(_ reason: String) -> [Action] {
    journal = .planned
    return fail(reason) + [.restartAfter(milliseconds: backoff.fail())]
  }

  /// Handles the end of `restartAfter`.
  mutating func restartTime() -> [Action] { journal == .planned ? [.start] : [] }

  /// Handles the end of `retryAfter`.
  mutating func retryTime() -> [Action] {
    guard journal == .refusing else { return [] }
    journal = .idle
    return send()
  }

  /// Handles that a batch is in the file; nil: this batch was not being written, so the process misbehaves.
  mutating func written(_ batch: UInt64) -> [Action]? {
    guard case .writing(batch, let count) = journal else { return nil }
    events.removeFirst(count)
    doubtful = max(doubtful - count, 0)
    journal = .idle
    backoff.succeed()
    ends = 0
    var actions: [Action] = [.stopWatching]
    if isFailing || lost > 0 {
      isFailing = false
      actions.append(.recovered(lost: lost))
      lost = 0
    }
    actions += balance()
    switch wish {
    case .replace: return actions + replace()
    case .close where events.count == 0: return actions + turnOff()
    case .close, .stay: return actions + send()
    }
  }

  /// Handles that a batch could not be written; 0: the file cannot be opened; nil: the process misbehaves.
  mutating func failed(_ batch: UInt64, _ reason: String) -> [Action]? {
    switch journal {
    case .writing(batch, let count):
      doubtful = max(doubtful, count)
      journal = .refusing
      switch wish {
      case .stay: return [.stopWatching] + fail(reason) + [.retryAfter(milliseconds: Self.retryTime)]
      case .replace: return [.stopWatching] + replace()
      case .close: return [.stopWatching] + turnOff()
      }
    case .off, .planned, .idle, .refusing, .writing: return batch == 0 ? fail(reason) : nil
    }
  }

  /// Handles that the journal has not replied within ``timeout``. It may still reply.
  mutating func hung() -> [Action] {
    guard case .writing = journal else { return [] }
    return fail("the journal has not answered for \(Self.timeout / 1000) s")
  }

  /// Handles the end of the journal process.
  mutating func ended(_ why: String) -> [Action] {
    if case .writing(_, let count) = journal { doubtful = max(doubtful, count) }
    journal = .planned
    if wish == .close { return [.stopWatching] + turnOff() }
    wish = .stay
    ends += 1
    let actions = ends >= Self.endLimit ? fail(why) : []
    return [.stopWatching] + actions + [.restartAfter(milliseconds: backoff.fail())]
  }

  private mutating func fail(_ reason: String) -> [Action] {
    guard !isFailing else { return [] }
    isFailing = true
    return [.failing(reason: reason)] + balance()
  }

  /// Pauses or resumes the sources of events.
  private mutating func balance() -> [Action] {
    let isFull = events.count >= limits.events || events.bytes >= limits.bytes
    let hasRoom = events.count <= limits.events / 2 && events.bytes <= limits.bytes / 2
    if !hasBackpressure, isFull, !isFailing {
      hasBackpressure = true
      return [.applyBackpressure]
    }
    guard hasBackpressure, hasRoom || isFailing else { return [] }
    hasBackpressure = false
    return [.releaseBackpressure]
  }

  private mutating func send() -> [Action] {
    guard journal == .idle, events.count > 0 else { return [] }
    let batch = JournalBatch(
      number: nextBatch, isRepeated: doubtful > 0, events: events.first(limits.batch, size: JournalBatch.sizeLimit))
    nextBatch += 1
    journal = .writing(batch: batch.number, count: batch.events.count)
    return [.send(batch), .watch]
  }
}

/// Encoded events in the order in which they were added.
struct EventFIFO: Sendable {
  private var events = FIFO<[UInt8]>()
  /// Number of bytes of all events.
  private(set) var bytes = 0

  var count: Int { events.count }

  mutating func append(_ event: [UInt8]) {
    events.append(event)
    bytes += event.count
  }

  /// The first events, at most `count` and at most `size` bytes including their lengths, but at least one.
  func first(_ count: Int, size: Int) -> [[UInt8]] {
    var (rest, isFirst) = (size, true)
    let fitting = events.prefix(max(count, 0)).prefix { event in
      defer { isFirst = false }
      rest -= event.count + 4
      return rest >= 0 || isFirst
    }
    return Array(fitting)
  }

  mutating func removeFirst(_ count: Int) {
    for event in events.prefix(count) { bytes -= event.count }
    events.removeFirst(count)
  }
}
