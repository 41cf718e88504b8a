import Audit

/// Limits what logins write to the journal, so that no login pushes out the history of others or hides its own events.
///
/// - Listings and changes of attributes above ``listings`` of a login per ``interval`` are counted and reported together.
///   Every other event is reported by itself.
/// - Events of the main series have a budget per user, for all logins together: ``Limits``. When half of it is used up,
///   denials of files and forwards go to the series of files, and the main series has their count. When all of it is used up, no
///   messages of the user's sessions are read until some budget is there again, after a tenth of a day at most.
///
/// Decides only. Times are milliseconds of the monotonic clock, and microseconds since 1970 in reports.
struct EventBudgets: Sendable {
  /// Listings and changes of attributes of a login that are reported one by one, per ``interval``.
  static let listings = 1000
  /// The interval of ``listings``, in milliseconds.
  static let interval: Int64 = 60_000

  /// The budget of a user, in bytes of lines.
  struct Limits: Equatable, Sendable {
    /// A tenth of what the main series of the journal keeps; at least 64 KiB.
    let burst: Int64
    /// Bytes per second: the main series would be filled in a day; at least 2 KiB.
    let rate: Int64

    /// - Parameter kept: bytes that the main series keeps, rotated files included.
    init(kept: UInt64) {
      let kept = Int64(clamping: kept)
      burst = max(kept / 10, 64 << 10)
      rate = max(kept / 86_400, 2 << 10)
    }
  }

  /// Counted events of a login.
  struct Counted: Equatable, Sendable {
    var subject: Subject
    var connection: UInt64?
    var listed: UInt64 = 0
    var changed: UInt64 = 0
    var denied: UInt64 = 0
    var forwardsDenied: UInt64 = 0
    /// When the first and the last of them was reported.
    var first: Int64 = 0
    var last: Int64 = 0
  }

  private struct Window {
    var counted: Counted
    var end: Int64
    var told = 0

    var isEmpty: Bool { counted.first == 0 }
  }

  /// The number of bytes of the budget that a user had used up at a time.
  private struct Account {
    var used: Int64 = 0
    var time: Int64
  }

  private var limits: Limits
  private var windows: [EventID: Window] = [:]
  private var accounts: [String: Account] = [:]
  /// The earliest end of an interval; it may be earlier than that.
  private(set) var nextEnd: Int64?

  init(_ limits: Limits) { self.limits = limits }

  /// Applies new limits.
  mutating func apply(_ limits: Limits) {
    self.limits = limits
    // Otherwise the use of a larger budget would cause a long wait at the rate of a smaller one.
    for (user, account) in accounts { accounts[user]?.used = min(account.used, 2 * limits.burst) }
  }

  // MARK: Counting

  /// Counts a listing or a change of attributes; false: it is not reported individually.
  mutating func tells(
    _ type: EventType, of subject: Subject, _ connection: UInt64?, at now: Int64, time: Int64
  ) -> Bool {
    guard let session = subject.sessionID else { return true }
    var window = window(session, subject, connection, now)
    defer { windows[session] = window }
    window.told += 1
    guard window.told > Self.listings else { return true }
    if type == .attributesChanged { window.counted.changed += 1 } else { window.counted.listed += 1 }
    note(&window, time)
    return false
  }

  /// Counts a denial of a file or a forward with a line of `bytes`; returns the series to which it is written.
  mutating func denial(
    _ type: EventType, of subject: Subject, _ connection: UInt64?, bytes: Int, at now: Int64, time: Int64
  ) -> JournalSeries {
    guard let session = subject.sessionID, let user = subject.user else { return .main }
    if used(user, now) + Int64(bytes) <= limits.burst / 2 {
      _ = spend(bytes, user, at: now)
      return .main
    }
    var window = window(session, subject, connection, now)
    if type == .forwardDenied { window.counted.forwardsDenied += 1 } else { window.counted.denied += 1 }
    note(&window, time)
    windows[session] = window
    return .files
  }

  private func window(_ session: EventID, _ subject: Subject, _ connection: UInt64?, _ now: Int64) -> Window {
    if let window = windows[session], window.end > now || !window.isEmpty { return window }
    return Window(counted: Counted(subject: subject, connection: connection), end: now + Self.interval)
  }

  private mutating func note(_ window: inout Window, _ time: Int64) {
    if window.isEmpty { window.counted.first = max(time, 1) }
    window.counted.last = max(time, window.counted.first)
    nextEnd = min(nextEnd ?? window.end, window.end)
  }

  /// Ends the intervals that are over, and returns the counts to report.
  mutating func ended(at now: Int64) -> [Counted] {
    if let nextEnd, nextEnd > now { return [] }
    var told: [Counted] = []
    for (session, window) in windows where window.end <= now {
      windows[session] = nil
      if !window.isEmpty { told.append(window.counted) }
    }
    nextEnd = windows.values.filter { !$0.isEmpty }.map(\.end).min()
    return told
  }

  /// Handles the end of a login; returns its counts that were not reported.
  mutating func end(_ session: EventID, _ user: String?, at now: Int64) -> Counted? {
    if let user, used(user, now) == 0 { accounts[user] = nil }
    // Removes users whose logins ended before their budget was full again.
    if accounts.count > 1024 { for (name, _) in accounts where used(name, now) == 0 { accounts[name] = nil } }
    guard let window = windows.removeValue(forKey: session), !window.isEmpty else { return nil }
    return window.counted
  }

  /// Returns all counts, because the daemon ends.
  mutating func remainder() -> [Counted] {
    defer {
      windows = [:]
      nextEnd = nil
    }
    return windows.values.filter { !$0.isEmpty }.map(\.counted)
  }

  // MARK: The budget of a user

  /// Charges an event in the main series to a user; returns the milliseconds that the user's logins have to wait.
  mutating func spend(_ bytes: Int, _ user: String, at now: Int64) -> Int64 {
    // Limits the wait of a user who has used up much more than the budget.
    let used = min(used(user, now) + Int64(bytes), 2 * limits.burst)
    accounts[user] = Account(used: used, time: now)
    return wait(for: user, at: now)
  }

  /// The announcement on the terminals of a login that has to wait `wait` milliseconds.
  static func announcement(_ wait: Int64) -> String {
    "bssh: you make more events than the journal keeps; further requests wait, up to \((wait + 999) / 1000) seconds"
  }

  /// The milliseconds that logins of a user have to wait; 0: none.
  func wait(for user: String, at now: Int64) -> Int64 {
    let excess = used(user, now) - limits.burst
    // After the wait the budget has room for a second, so that the login does not wait after each event.
    return excess > 0 ? (excess / limits.rate + 2) * 1000 : 0
  }

  private func used(_ user: String, _ now: Int64) -> Int64 {
    guard let account = accounts[user] else { return 0 }
    let (regained, isEnough) = max(now - account.time, 0).multipliedReportingOverflow(by: limits.rate)
    return isEnough ? 0 : max(account.used - regained / 1000, 0)
  }
}

extension EventBudgets.Counted {
  /// The event that reports the count.
  var record: AuditRecord {
    var record = AuditRecord(.eventsCounted)
    let counts = [
      (EventType.directoryListed.rawValue, listed), (EventType.attributesChanged.rawValue, changed),
      ("\(EventType.transferDenied.rawValue) with the events of files", denied),
      ("\(EventType.forwardDenied.rawValue) with the events of files", forwardsDenied),
    ]
    let text = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
    record.details = "\(text), from \(Timestamp.text(first)) to \(Timestamp.text(last))"
    record.milliseconds = UInt64((last - first) / 1000)
    record.reason = Reason(denied + forwardsDenied > 0 ? CountReason.manyDenials : .manyListings)
    return record
  }
}

extension AuditRecord {
  /// The approximate size of the event's line in bytes, including escapes.
  var lineSize: Int {
    let texts = [path, destination, command].compactMap(\.self)
    let others = [details, signal, rule, reason?.code, target, address, originator].compactMap(\.self)
    return 700 + texts.reduce(0) { $0 + Self.size($1) } + others.reduce(0) { $0 + Self.size($1.utf8) }
  }

  private static func size(_ text: some Sequence<UInt8>) -> Int {
    var size = 0
    for byte in text {
      switch byte {
      // In JSON, a control character has six bytes, and invalid UTF-8 becomes U+FFFD with Base64 in addition.
      case 0..<0x20, 0x7f: size += 6
      case 0x22, 0x5c: size += 2
      case 0x80...: size += 5
      default: size += 1
      }
    }
    return size
  }
}
