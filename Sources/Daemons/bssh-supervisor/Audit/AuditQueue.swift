import IPC
import Wire

/// The events on their way to the journal, and what `bssh-journal` is doing. Decides only: the supervisor starts the
/// process, sends and waits.
///
/// An event stays here until the journal says that it is written; what a journal that died had got is sent again to the
/// next, which looks whether it is there already. There is one batch under way at a time: what comes meanwhile is the
/// next one.
///
/// While the journal works, however slowly, a queue that is full holds those who make events. What is on its way then is
/// still taken, up to 16 times as many events as hold them, or four times the bytes; what comes beyond that is counted as
/// lost. When the journal fails, they go on, and what does not fit into the queue is counted as lost.
struct AuditQueue: Sendable {
  /// What to do now, in this order.
  enum Action: Equatable, Sendable {
    /// Start a journal, and say `started` or `startFailed`.
    case start
    /// Say `restartTime` after so many milliseconds.
    case restartAfter(milliseconds: Int64)
    /// Say `retryTime` after so many milliseconds.
    case retryAfter(milliseconds: Int64)
    case send(JournalBatch)
    /// Let the journal end. What it says from now on, and its end, are not told here.
    case stop
    /// Say `hung` unless the journal answers within ``AuditQueue/patience``.
    case watch
    case stopWatching
    /// Let those wait who make events.
    case hold
    /// Let them go on.
    case release
    /// From now on events cannot be written.
    case failing(reason: String)
    /// Events are written again; so many were lost.
    case recovered(lost: UInt64)
  }

  /// How many events there may be, and how large.
  struct Limits: Equatable, Sendable {
    /// Events from which on those are held who make them.
    var events: Int
    /// Events of one batch.
    var batch: Int

    /// Bytes from which on they are held: more than events have, as a rule.
    var bytes: Int { events * 4096 }
  }

  /// Milliseconds that a journal may take to write a batch.
  static let patience: Int64 = 30_000
  /// Milliseconds between two tries to write what could not be written.
  static let retryTime: Int64 = 1000
  /// How often a journal may end before it has written anything, until it counts as failing.
  static let endLimit = 3

  private enum Journal: Equatable {
    /// There is to be none.
    case off
    /// None runs; a start is planned.
    case planned
    case idle
    /// It has the first `count` events.
    case writing(batch: UInt64, count: Int)
    /// It could not write; another try is planned.
    case refusing
  }

  /// What becomes of the journal once its batch is written.
  private enum Wish: Equatable {
    case stay, replace, close
  }

  private var limits: Limits
  private var journal: Journal = .off
  private var wish = Wish.stay
  private var events = EventFIFO()
  /// Of the first events, those that may be in the file though nobody said so.
  private var doubtful = 0
  private var nextBatch: UInt64 = 1
  /// Events that have been put into the queue so far: the position of the last one.
  private(set) var position: UInt64 = 0
  private var backoff = Backoff()
  /// Ends of journals in a row without a batch that was written.
  private var ends = 0
  private var lost: UInt64 = 0
  /// True while those are held who make events.
  private(set) var isHolding = false
  /// True while events cannot be written.
  private(set) var isFailing = false

  init(_ limits: Limits) { self.limits = limits }

  /// Events that wait, or are under way.
  var count: Int { events.count }

  /// True when nobody has to wait for the event at a position any longer: it is in the journal, or there is no journal,
  /// or events cannot be written now.
  func isSettled(_ position: UInt64) -> Bool { isFailing || position + UInt64(events.count) <= self.position }

  /// There is to be a journal: the first one, or another one than before.
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

  /// There is to be none any more; what waits is written before.
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

  /// The configuration has changed.
  mutating func apply(_ limits: Limits) -> [Action] {
    self.limits = limits
    return balance()
  }

  /// Takes an event: its bytes on the wire.
  mutating func add(_ event: [UInt8]) -> [Action] {
    // Held as they are, some still tell what they told before; but never without end.
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

  /// The journal that `start` asked for runs.
  mutating func started() -> [Action] {
    journal = .idle
    return send()
  }

  /// It could not be started.
  mutating func startFailed(_ reason: String) -> [Action] {
    journal = .planned
    return fail(reason) + [.restartAfter(milliseconds: backoff.fail())]
  }

  /// The time of `restartAfter` has come.
  mutating func restartTime() -> [Action] { journal == .planned ? [.start] : [] }

  /// The time of `retryAfter` has come.
  mutating func retryTime() -> [Action] {
    guard journal == .refusing else { return [] }
    journal = .idle
    return send()
  }

  /// A batch is in the file. False for one that was not under way: it is no journal that says so.
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

  /// A batch could not be written; 0: the file cannot be opened.
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

  /// The journal has had ``patience`` milliseconds. It may still answer.
  mutating func hung() -> [Action] {
    guard case .writing = journal else { return [] }
    return fail("the journal has not answered for \(Self.patience / 1000) s")
  }

  /// The journal has ended.
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

  /// Holds those who make events, or lets them go on.
  private mutating func balance() -> [Action] {
    let isFull = events.count >= limits.events || events.bytes >= limits.bytes
    let hasRoom = events.count <= limits.events / 2 && events.bytes <= limits.bytes / 2
    if !isHolding, isFull, !isFailing {
      isHolding = true
      return [.hold]
    }
    guard isHolding, hasRoom || isFailing else { return [] }
    isHolding = false
    return [.release]
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

/// Events in the order in which they came.
struct EventFIFO: Sendable {
  private var events = FIFO<[UInt8]>()
  /// Bytes of all that are in it.
  private(set) var bytes = 0

  var count: Int { events.count }

  mutating func append(_ event: [UInt8]) {
    events.append(event)
    bytes += event.count
  }

  /// The first of them, at most `count` and at most `size` bytes with their lengths; at least one.
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
