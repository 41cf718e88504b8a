import Audit
import Glibc
import System

/// The files of a journal, of both of its series.
struct Journal {
  /// The main series.
  let path: String
  let main: JournalFiles
  /// nil: there is none, as in a journal of a version that had one series.
  let files: JournalFiles?

  /// Opens the journal with this path; ``JournalFiles/init(_:isSettled:)``.
  init(_ path: String, isSettled: Bool = false) throws(Failure) {
    self.path = path
    guard let main = try JournalFiles(path, isSettled: isSettled) else {
      throw Failure(.noInput, "bssh-server: \(path): \(SystemError.message(ENOENT))")
    }
    self.main = main
    files = try JournalFiles(JournalSeries.files.path(of: path), isSettled: isSettled)
  }

  /// The series that exist.
  var series: [JournalFiles] { [main] + (files.map { [$0] } ?? []) }
}

/// Reads the events of all series of a journal by time; at equal times the main series comes first. Events of a series
/// stay in their order, even if the clock was changed.
struct MergedReader {
  private var readers: [SeriesReader] = []
  private var lines: [ArraySlice<JournalLine>] = []
  /// The next event of each series.
  private var next: [JournalLine?] = []

  /// All events of a journal.
  init(_ journal: Journal) { readers = journal.series.map { SeriesReader($0) } }

  /// Events that were read, separately for each series.
  init(_ lines: [[JournalLine]]) { self.lines = lines.map { $0[...] } }

  /// The next event; nil at the end.
  mutating func nextEvent() throws(Failure) -> JournalLine? {
    while next.count < max(readers.count, lines.count) {
      let event = try read(next.count)
      next.append(event)
    }
    var first: Int?
    for index in next.indices {
      guard let time = next[index]?.event.time else { continue }
      if let first, let earlier = next[first]?.event.time, earlier <= time { continue }
      first = index
    }
    guard let first, let event = next[first] else { return nil }
    let following = try read(first)
    next[first] = following
    return event
  }

  private mutating func read(_ index: Int) throws(Failure) -> JournalLine? {
    if readers.isEmpty { return lines[index].popFirst() }
    return try readers[index].nextEvent()
  }
}
