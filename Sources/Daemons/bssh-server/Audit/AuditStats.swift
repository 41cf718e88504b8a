import Audit
import Configuration
import JournalReader
import System

/// `audit stats`: the contents of the journal in numbers.
struct AuditStats {
  /// Limit for different names that are counted; an attacker can invent any number.
  static let nameLimit = 100_000
  /// The number of names that are shown.
  static let shown = 10

  /// The number of occurrences of each name.
  struct Tally {
    private(set) var counts: [String: UInt64] = [:]
    /// Occurrences of names beyond the limit.
    private(set) var others: UInt64 = 0

    mutating func add(_ name: String?) {
      guard let name else { return }
      if counts[name] != nil || counts.count < AuditStats.nameLimit {
        counts[name, default: 0] += 1
      } else {
        others += 1
      }
    }

    /// The most frequent ones.
    func top(_ limit: Int) -> [(name: String, count: UInt64)] {
      counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).map { ($0.key, $0.value) }
    }
  }

  private var count: UInt64 = 0
  private var first: Int64?
  private var last: Int64?
  private var types: [EventType: [EventResult: UInt64]] = [:]
  private var logins = Tally()
  private var refusedUsers = Tally()
  private var refusedAddresses = Tally()
  private var reasons = Tally()
  private var uploaded: UInt64 = 0
  private var downloaded: UInt64 = 0

  static func run(_ arguments: Arguments) throws(Failure) {
    let filter = try EventFilter(arguments, now: Clock.microsecondsSince1970)
    let path = try AuditCommand.path(arguments)
    let journal = try Journal(path)
    var stats = AuditStats()
    // The sequence numbers of the oldest and the newest event of each series.
    var numbers: [JournalSeries: ClosedRange<UInt64>] = [:]
    for (series, files) in zip(JournalSeries.allCases, journal.series) {
      var reader = SeriesReader(files)
      while let line = try reader.nextEvent() {
        let oldest = numbers[series]?.lowerBound ?? line.sequence
        numbers[series] = oldest...max(oldest, line.sequence)
        if filter.matches(line.event) { stats.add(line.event) }
      }
    }
    var output = EventOutput(arguments)
    let files = journal.series.flatMap(\.files)
    let bytes = files.reduce(0) { $0 + $1.size }
    try output.write("\(files.count) file\(files.count == 1 ? "" : "s"), \(bytes) bytes\n")
    try output.write(stats.text(output.text))
    try output.write(AuditStats.receivers(path, numbers))
    try output.flush()
  }

  /// How many events are pending for each receiver, by the cursors of exporters; empty if there are none, or none that
  /// can be read.
  ///
  /// - Parameter numbers: the oldest and the newest sequence number of each series that is not empty.
  private static func receivers(_ path: String, _ numbers: [JournalSeries: ClosedRange<UInt64>]) -> String {
    let (directory, name) = JournalDirectory.split(path)
    let (folder, base) = (directory + "/cursors", String(decoding: name, as: UTF8.self))
    guard let stream = (try? Descriptor.openDirectory(folder)).map({ DirectoryStream($0) }) else { return "" }
    var rows: [String: UInt64] = [:]
    while let entry = try? stream.next() {
      guard let file = try? stream.directory.openForReading(entry, links: false),
        let cursor = (try? file.read(count: Cursor.sizeLimit + 1, at: 0)).flatMap({ Cursor($0) }),
        let name = cursor.receiver,
        let series = JournalSeries.allCases.first(where: { series in
          entry.elementsEqual(Cursor.fileName(for: "\(series.path(of: base)) \(name)").utf8)
        })
      else { continue }
      rows[name, default: 0] += 0
      guard let numbers = numbers[series] else { continue }
      let known = max(cursor.accepted ?? 0, cursor.last?.sequence ?? 0)
      let has = max(known, numbers.lowerBound - min(numbers.lowerBound, 1))
      rows[name, default: 0] += numbers.upperBound - min(has, numbers.upperBound)
    }
    let lines = rows.sorted { $0.key < $1.key }.map { row($0.key, $0.value) + "\n" }
    return lines.isEmpty ? "" : "\nEvents that wait for receivers\n" + lines.joined()
  }

  mutating func add(_ event: AuditEvent) {
    count += 1
    first = min(first ?? event.time, event.time)
    last = max(last ?? event.time, event.time)
    types[event.record.type, default: [:]][event.record.result, default: 0] += 1
    switch event.record.type {
    case .sessionStart: logins.add(event.subject.user)
    case .authFailure:
      refusedUsers.add(event.subject.user)
      refusedAddresses.add(event.subject.clientAddress)
      reasons.add(event.record.reason?.code)
    case .connectionRefused, .commandBlocked, .transferDenied, .forwardDenied: reasons.add(event.record.reason?.code)
    case .fileUploaded: uploaded &+= event.record.bytes ?? 0
    case .fileDownloaded: downloaded &+= event.record.bytes ?? 0
    default: break
    }
  }

  func text(_ style: EventText) -> String {
    guard let first, let last else { return "no events\n" }
    var text = "\(count) events from \(style.time(first)) to \(style.time(last))\n\nEvents\n"
    for type in EventType.allCases {
      guard let results = types[type] else { continue }
      let all = results.values.reduce(0, +)
      let failures = EventResult.allCases.filter { $0 != .success }.compactMap { result in
        results[result].map { "\($0) \(result.rawValue)" }
      }
      text += row(type.rawValue, all) + (failures.isEmpty ? "" : "  (\(failures.joined(separator: ", ")))") + "\n"
    }
    for (title, tally) in [
      ("Logins", logins), ("Refused users", refusedUsers), ("Refused addresses", refusedAddresses),
      ("Reasons of refusals", reasons),
    ] where !tally.counts.isEmpty {
      text += "\n\(title)\n"
      for (name, count) in tally.top(Self.shown) { text += row(name, count) + "\n" }
      let more = tally.counts.count - Self.shown
      if more > 0 { text += "  and \(more)\(tally.others > 0 ? " or more" : "") others\n" }
    }
    if uploaded > 0 || downloaded > 0 {
      text += "\nBytes of files\n" + row("uploaded", uploaded) + "\n" + row("downloaded", downloaded) + "\n"
    }
    return text
  }

  private func row(_ name: String, _ count: UInt64) -> String { Self.row(name, count) }

  private static func row(_ name: String, _ count: UInt64) -> String {
    let name = EventText.visible(name)
    return "  " + name + String(repeating: " ", count: max(1, 40 - name.unicodeScalars.count)) + "\(count)"
  }
}
