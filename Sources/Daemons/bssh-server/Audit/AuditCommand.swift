import Audit
import Configuration
import Glibc
import System

/// `audit`: reads the journal.
enum AuditCommand {
  /// The path of the journal: from `--file`, or else from the configuration.
  static func path(_ arguments: Arguments) throws(Failure) -> String {
    if let file = arguments.value("file") { return file }
    do throws(Rejected) {
      return try ConfigurationFile(arguments).load(arguments, on: HostInspector()).settings.audit.journalPath
    } catch {
      var failure = Failure(.configuration)
      failure.lines =
        error.problems.map(\.description) + ["'--file FILE' reads a journal regardless of the configuration."]
      throw failure
    }
  }

  /// `audit grep`: the matching events.
  static func grep(_ arguments: Arguments) throws(Failure) {
    let filter = try EventFilter(arguments, now: Clock.microsecondsSince1970)
    var reader = MergedReader(try Journal(try path(arguments)))
    var output = EventOutput(arguments)
    var count = 0
    while let line = try reader.nextEvent() {
      guard filter.matches(line.event) else { continue }
      count += 1
      try output.show(line)
    }
    try output.flush()
    // The exit status of grep(1).
    if count == 0 { throw Failure(.refused) }
  }

  /// `audit tail`: the last events, and with `-f` new ones.
  static func tail(_ arguments: Arguments) throws(Failure) {
    let filter = try EventFilter(arguments, now: Clock.microsecondsSince1970)
    let count = try number("lines", arguments, 0...1_000_000) ?? 10
    let path = try path(arguments)
    let journal = try Journal(path)
    var output = EventOutput(arguments)
    var lines: [[JournalLine]] = []
    for files in journal.series { lines.append(try last(count, of: files, filter)) }
    for line in try inOrder(lines).suffix(count) { try output.show(line) }
    try output.flush()
    guard arguments.has("follow") else { return }
    var tails = [
      try SeriesTail(.main, of: path, after: journal.main), try SeriesTail(.files, of: path, after: journal.files),
    ]
    while true {
      lines = []
      for index in tails.indices { lines.append(try tails[index].more()) }
      for line in try inOrder(lines) where filter.matches(line.event) { try output.show(line) }
      try output.flush()
      // The journal is written about once a second at most.
      usleep(200_000)
    }
  }

  private static func inOrder(_ lines: [[JournalLine]]) throws(Failure) -> [JournalLine] {
    var reader = MergedReader(lines)
    var all: [JournalLine] = []
    while let line = try reader.nextEvent() { all.append(line) }
    return all
  }

  private static func last(_ count: Int, of files: JournalFiles, _ filter: EventFilter) throws(Failure) -> [JournalLine]
  {
    guard count > 0 else { return [] }
    // Usually the end of the last file is enough.
    if filter.isEmpty, let file = files.files.last, !file.name.isCompressed {
      var reader = SeriesReader(endOf: file, bytes: count * 1024)
      let lines = try last(count, of: &reader, filter)
      if lines.count == count || (file.size <= count * 1024 && files.files.count == 1) { return lines }
    }
    var reader = SeriesReader(files)
    return try last(count, of: &reader, filter)
  }

  private static func last(
    _ count: Int, of reader: inout SeriesReader, _ filter: EventFilter
  ) throws(Failure) -> [JournalLine] {
    var lines: [JournalLine] = []
    var next = 0
    while let line = try reader.nextEvent() {
      guard filter.matches(line.event) else { continue }
      if lines.count < count {
        lines.append(line)
      } else {
        lines[next] = line
        next = (next + 1) % count
      }
    }
    return Array(lines[next...] + lines[..<next])
  }

  /// The value of an option that is an integer.
  static func number(_ option: String, _ arguments: Arguments, _ range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let text = arguments.value(option) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw Arguments.usage(
        "--\(option) \(text): expected a whole number from \(range.lowerBound) to \(range.upperBound)",
        for: arguments.command)
    }
    return number
  }
}

/// Standard output for many lines: written in blocks.
struct EventOutput {
  let text: EventText
  private var waiting = ""

  init(_ arguments: Arguments) { text = EventText(arguments, isTerminal: isatty(STDOUT_FILENO) == 1) }

  mutating func show(_ line: JournalLine, isStory: Bool = false) throws(Failure) {
    try write(text.line(line, isStory: isStory))
  }

  mutating func write(_ text: String) throws(Failure) {
    waiting += text
    if waiting.utf8.count >= 64 << 10 { try flush() }
  }

  mutating func flush() throws(Failure) {
    if waiting.isEmpty { return }
    defer { waiting = "" }
    try Output.write(waiting)
  }
}
