import Audit
import Export
import Glibc
import IPC
import JournalReader
import System

/// The main loop of an exporter: reads events from the journal, passes them to the receiver, and stores its position.
///
/// Each series of the journal is sent in order. A batch has events of one series. The main series takes precedence, so
/// that many file events do not delay events that may raise alarms.
final class ExportLoop {
  /// Maximum size of a batch in bytes, unless it is a single longer line.
  static let batchBytes = 512 << 10
  /// Milliseconds: the minimum interval between saves of the cursor, between progress reports while there are problems,
  /// and between repeated log messages about a problem; and the maximum duration of the shutdown.
  static let saveInterval: Int64 = 1000
  static let reportInterval: Int64 = 5000
  static let problemInterval: Int64 = 60_000
  static let finishTime: Int64 = 1500

  /// One series of the journal and the position in it.
  struct Source {
    let follower: JournalFollower
    /// Becomes ready when the journal's directory changes.
    let watch: DirectoryWatch
    let file: CursorFile
    var cursor = Cursor()
    var isUnsaved = false
    var accepted: LineHead?

    init(_ follower: JournalFollower, _ watch: DirectoryWatch, _ file: CursorFile) {
      (self.follower, self.watch, self.file) = (follower, watch, file)
    }
  }

  /// Indexed by ``JournalSeries/rawValue``.
  private var sources: [Source]
  private let receiver: any Receiver
  private let link: SupervisorLink
  private let loop: CurlLoop
  private let signals: SignalSource

  private var savedTime: Int64 = 0
  private var isSavingBroken = false
  /// True during shutdown. The supervisor may no longer be listening, so events whose loss must be reported are not
  /// settled.
  private var isFinishing = false
  /// Batches that the receiver has not accepted, and batches that are not settled.
  private var underWay = BatchOrder()
  private var unsettled = BatchOrder()
  /// The time of the oldest event that waits to be sent again.
  private var oldest: Int64?
  private var delay = RetryDelay()
  private var retryTime: Int64?
  private var failing: (since: Int64, reason: String, logged: Int64)?
  private var lag = LagMonitor()
  private var reportTime: Int64 = 0
  private var reportedAccepted: [LineHead?] = []
  private var generator = SystemRandomNumberGenerator()

  init(
    _ sources: [Source], receiver: any Receiver, link: SupervisorLink, loop: CurlLoop, signals: SignalSource
  ) throws {
    self.sources = sources
    self.receiver = receiver
    self.link = link
    self.loop = loop
    self.signals = signals
  }

  /// Runs until the supervisor closes the connection or SIGTERM arrives.
  func run() throws {
    for index in sources.indices {
      let kept = try sources[index].file.read()
      if kept.isDamaged {
        link.log("its cursor cannot be read: everything in the journal is sent again", isProblem: true)
      }
      sources[index].cursor = kept.cursor ?? Cursor()
      sources[index].accepted = kept.cursor?.last
      sources[index].follower.resume(at: sources[index].cursor)
    }
    while true {
      let isCaughtUp = try ship()
      report(isCaughtUp: isCaughtUp)
      if isUnsaved, Clock.milliseconds >= savedTime + Self.saveInterval { save() }
      wait(isCaughtUp: isCaughtUp)
      loop.work()
      if signals.next() != nil || link.descriptor.wait(for: POLLIN, milliseconds: 0) { return finish() }
    }
  }

  // MARK: Sending

  /// Does everything that is possible without waiting. Returns true if all events in the journal have been sent.
  private func ship() throws -> Bool {
    let now = Clock.milliseconds
    if let time = retryTime {
      if now < time { return false }
      retryTime = nil
    }
    handle(receiver.work(now: now))
    while retryTime == nil {
      let room = receiver.room
      if room == 0 { return false }
      guard let (index, events) = try nextEvents(room) else { return true }
      guard let first = events.first, let last = events.last else { return underWay.isEmpty }
      if sources[index].cursor.last == nil, sources[index].cursor.accounted == nil {
        // A new exporter: earlier events are not a loss, but any missing from here on are.
        sources[index].cursor.accounted = first.head.sequence - min(first.head.sequence, 1)
        sources[index].isUnsaved = true
      }
      underWay.sent(BatchOrder.Mark(last.head, at: last.place, time: LineHead.time(of: first.line)))
      unsettled.sent(BatchOrder.Mark(last.head, at: last.place))
      receiver.queue(events, now: now)
      handle(receiver.work(now: now))
    }
    return false
  }

  /// The next events of the first series that has any, and its index; nil if missing events could not be reported.
  private func nextEvents(_ room: Int) throws -> (index: Int, events: [JournalEvent])? {
    for index in sources.indices {
      let follower = sources[index].follower
      try sources[index].watch.drain()
      let events = try follower.next(count: room, bytes: Self.batchBytes)
      guard reportFindings(of: index) else { return nil }
      if !events.isEmpty { return (index, events) }
    }
    return (0, [])
  }

  private func settle(_ head: LineHead, at place: Cursor.Place?) {
    for mark in unsettled.done(head, at: place) {
      let index = Int(mark.head.series.rawValue)
      sources[index].cursor.advance(to: mark.head, at: mark.place)
      sources[index].isUnsaved = true
    }
  }

  private func handle(_ outcomes: [Outcome]) {
    for outcome in outcomes {
      switch outcome {
      case .accepted(let head): accept(head)
      case .settled(let head, let place): settle(head, at: place)
      case .failed(let reason, let wanted, let isLasting):
        let pause = delay.fail(wanted: wanted, isLasting: isLasting, using: &generator)
        retryTime = Clock.milliseconds + pause
        startAgain()
        failed(reason)
        return
      case .again:
        startAgain()
        return
      case .lost(let first, let count, let reason):
        guard !isFinishing, link.lost(first: first, count: count, reason: reason) else { return }
        link.log("\(count) events from \(name(first)) on will not arrive: \(reason.rawValue)", isProblem: true)
      case .log(let text): link.log(text, isProblem: false)
      }
    }
  }

  private func accept(_ head: LineHead) {
    for mark in underWay.done(head, at: nil) {
      let index = Int(mark.head.series.rawValue)
      sources[index].accepted = mark.head
      sources[index].cursor.accepted = mark.head.sequence
      sources[index].isUnsaved = true
    }
    oldest = nil
    delay.succeed()
    if let failing {
      let seconds = (Clock.milliseconds - failing.since) / 1000
      link.log("delivers again, after \(seconds) s", isProblem: false)
      self.failing = nil
    }
  }

  /// Unsettled events are read and sent again.
  private func startAgain() {
    oldest = oldest ?? underWay.oldest
    underWay = BatchOrder()
    unsettled = BatchOrder()
    receiver.reset()
    for source in sources { source.follower.resume(at: source.cursor) }
  }

  private func failed(_ reason: String) {
    let now = Clock.milliseconds
    let isNew = failing.map { $0.reason != reason && now >= $0.logged + Self.reportInterval } ?? true
    guard isNew || now >= (failing?.logged ?? 0) + Self.problemInterval else { return }
    link.log("\(reason); \(waiting) events wait, and are sent again", isProblem: true)
    failing = (failing?.since ?? now, reason, now)
    reportProgress(now)
  }

  /// Reports findings about the journal. Returns false if missing events could not be reported; events after them must
  /// then wait.
  private func reportFindings(of index: Int) -> Bool {
    for finding in sources[index].follower.takeFindings() {
      switch finding {
      case .missing(let first, let count):
        let head = LineHead(sequence: first, id: EventID(high: 0, low: 0), series: sources[index].follower.series)
        guard !isFinishing, link.lost(first: head, count: count, reason: .noLongerInJournal) else { return false }
        link.log(
          "\(count) events from \(name(head)) on are no longer in the journal and were not delivered", isProblem: true)
        sources[index].cursor.accounted = first + count - 1
        sources[index].isUnsaved = true
      case .wentBack(let number):
        sources[index].cursor.accounted = nil
        let head = LineHead(
          sequence: number ?? 0, id: EventID(high: 0, low: 0), series: sources[index].follower.series)
        link.log(
          "the journal has not the events that were delivered last: goes on after \(name(head))", isProblem: true)
      case .unreadable(let file, let error):
        let name = String(decoding: file.bytes(of: sources[index].follower.directory.base), as: UTF8.self)
        link.log("a file of the journal cannot be read: \(name): \(error)", isProblem: true)
      }
    }
    return true
  }

  // MARK: Progress

  /// Names an event in a log message.
  private func name(_ head: LineHead) -> String {
    "number \(head.sequence)\(head.series == .files ? " of those of files" : "")"
  }

  /// Number of events in the journal that the receiver has not accepted.
  private var waiting: UInt64 {
    sources.reduce(0) { sum, source in
      let last = source.follower.lastNumber() ?? 0
      return sum + last - min(last, source.accepted?.sequence ?? 0)
    }
  }

  private var oldestWaiting: Int64? { oldest ?? underWay.oldest }

  private func report(isCaughtUp: Bool) {
    let now = Clock.milliseconds
    let change = lag.update(oldest: isCaughtUp ? nil : oldestWaiting, now: Clock.secondsSince1970 * 1000)
    switch change {
    case .fellBehind(let milliseconds):
      link.log("is behind: \(waiting) events wait, the oldest for \(milliseconds / 1000) s", isProblem: true)
    case .caughtUp: link.log("has caught up", isProblem: false)
    case nil: break
    }
    if change != nil || (now >= reportTime && hasNews(isCaughtUp: isCaughtUp)) { reportProgress(now) }
  }

  /// True if the supervisor does not have the current progress.
  private func hasNews(isCaughtUp: Bool) -> Bool {
    lag.isBehind || failing != nil || (isCaughtUp && sources.map(\.accepted) != reportedAccepted)
  }

  private func reportProgress(_ now: Int64) {
    reportTime = now + (lag.isBehind || failing != nil ? Self.reportInterval : Self.saveInterval)
    reportedAccepted = sources.map(\.accepted)
    link.progress(
      ExporterProgress(shipped: sources.first?.accepted?.sequence, waiting: waiting, isBehind: lag.isBehind))
  }

  // MARK: Waiting

  private func wait(isCaughtUp: Bool) {
    let now = Clock.milliseconds
    var waits = [
      CurlLoop.Wait(descriptor: link.descriptor.rawValue), CurlLoop.Wait(descriptor: signals.descriptor.rawValue),
    ]
    var deadlines: [Int64] = []
    if let retryTime {
      deadlines.append(retryTime)
    } else {
      waits += receiver.waits
      if let deadline = receiver.deadline { deadlines.append(deadline) }
      // While the receiver is busy, new events do not matter.
      if receiver.room > 0 {
        waits += sources.map { CurlLoop.Wait(descriptor: $0.watch.descriptor.rawValue) }
      }
    }
    if isUnsaved { deadlines.append(savedTime + Self.saveInterval) }
    if hasNews(isCaughtUp: isCaughtUp) { deadlines.append(reportTime) }
    if let late = lag.deadline(oldest: isCaughtUp ? nil : oldestWaiting) {
      deadlines.append(now + max(late - Clock.secondsSince1970 * 1000, 0))
    }
    loop.wait(waits, milliseconds: min(deadlines.map { max($0 - now, 0) }.min() ?? 3_600_000, 3_600_000))
  }

  // MARK: Saving and shutdown

  private var isUnsaved: Bool { sources.contains(where: \.isUnsaved) }

  private func save() {
    savedTime = Clock.milliseconds
    do throws(SystemError) {
      for index in sources.indices where sources[index].isUnsaved {
        try sources[index].file.write(sources[index].cursor)
        sources[index].isUnsaved = false
      }
      isSavingBroken = false
    } catch {
      // The exporter continues; after a restart, more events than necessary are sent again.
      if !isSavingBroken { link.log("its cursor cannot be kept: \(error)", isProblem: true) }
      isSavingBroken = true
    }
  }

  private func finish() {
    isFinishing = true
    let end = Clock.milliseconds + Self.finishTime
    // Events already in the journal are still sent, unless there is a problem.
    while failing == nil, retryTime == nil, Clock.milliseconds < end, (try? ship()) == false {
      loop.wait(receiver.waits, milliseconds: 20)
      loop.work()
    }
    while true {
      let now = Clock.milliseconds
      let (outcomes, isOver) = receiver.finish(now: now)
      settling: for outcome in outcomes {
        switch outcome {
        case .settled(let head, let place): settle(head, at: place)
        case .lost: break settling
        case .accepted, .failed, .again, .log: continue
        }
      }
      if isOver || now >= end { break }
      loop.wait(receiver.waits, milliseconds: min(end - now, 50))
      loop.work()
    }
    if isUnsaved { save() }
  }
}
