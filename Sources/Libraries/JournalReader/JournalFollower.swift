import Audit
import System
import Wire

/// An event of the journal as encoded in its line.
public struct JournalEvent {
  /// The number and ID.
  public let head: LineHead
  /// The line without its newline.
  public let line: ArraySlice<UInt8>
  /// The position of the line; nil in a compressed file.
  public let place: Cursor.Place?
}

/// Reads the events of a journal series in order, across rotated files, from the position of a cursor.
///
/// Files may meanwhile be renamed, compressed, removed, repaired, or replaced by another journal. Faults are reported
/// as ``Finding``.
public final class JournalFollower {
  /// A fault of the journal.
  public enum Finding: Equatable, Sendable {
    /// Events that are no longer in the journal, or cannot be read.
    case missing(first: UInt64, count: UInt64)
    /// The last event that was read is not in the journal. Reading continues after this event; nil: from the oldest
    /// one.
    case wentBack(to: UInt64?)
    /// A file cannot be read.
    case unreadable(JournalFileName, ReadError)
  }

  /// Number of bytes of lines that are read at a time.
  static let chunkSize = 128 << 10

  /// The directory of the journal.
  public let directory: JournalDirectory
  /// The series that is read.
  public let series: JournalSeries
  /// Called with each line that is not a journal line, and its file.
  public var passesOver: (JournalFile, ArraySlice<UInt8>) -> Void = { _, _ in }
  private var source: Source?
  /// Events that have been read and not returned yet.
  private var pending = FIFO<JournalEvent>()
  /// The last event that was read.
  private var last: LineHead?
  /// The position of the last event that was read, and earlier marks to fall back to.
  private var cursor = Cursor()
  /// True if the last event was found in the journal, which is therefore the same journal.
  private var isSameJournal = true
  /// The file that contained the last event and has been read to its end. It is kept open so that no new file gets its
  /// inode number.
  private var finished: JournalFile?
  private var findings: [Finding] = []

  /// Starts with the oldest event.
  ///
  /// - Parameter directory: the directory with the files of this series.
  public init(_ directory: JournalDirectory, _ series: JournalSeries = .main) {
    (self.directory, self.series) = (directory, series)
  }

  /// Continues after the event of the cursor.
  public func resume(at cursor: Cursor) {
    self.cursor = cursor
    restart()
    pending = FIFO()
  }

  private func restart() {
    last = cursor.last
    source = nil
    finished = nil
    isSameJournal = last == nil
  }

  /// Returns and clears the findings.
  public func takeFindings() -> [Finding] {
    defer { findings = [] }
    return findings
  }

  /// Returns the next events: at most `count`, with about `bytes` bytes in total. Empty if there are none; then wait
  /// until the directory changes.
  ///
  /// - Throws: `ReadError` if the directory cannot be read, or an existing file cannot be opened.
  public func next(count: Int, bytes: Int) throws(ReadError) -> [JournalEvent] {
    while pending.isEmpty { if try !readMore() { return [] } }
    var total = 0
    let events = pending.prefix(count).prefix { event in
      defer { total += event.line.count }
      return total == 0 || total < bytes
    }
    defer { pending.removeFirst(events.count) }
    return Array(events)
  }

  /// The number of the last event in the journal; nil if there is none.
  public func lastNumber() -> UInt64? {
    guard let last = try? directory.open(.written).lastEvent(of: series) else { return cursor.last?.sequence }
    return last.head.sequence
  }

  // MARK: Reading

  /// A file that is being read from start to end.
  private final class Source {
    let file: JournalFile
    /// True once another file has taken its place, so that it will not grow any more.
    var isComplete = false
    /// The first number of the next file, which is above those of this file; nil: unknown.
    let end: UInt64?
    private var lines: LineReader

    init(_ file: JournalFile, from offset: UInt64 = 0, end: UInt64? = nil) {
      self.file = file
      self.end = end
      lines = file.lines(from: offset)
    }

    /// The next line; nil at the current end of the file.
    func next() throws(ReadError) -> (bytes: ArraySlice<UInt8>, place: Cursor.Place?)? {
      while true {
        switch try lines.next() {
        case .whole(let bytes): return (bytes, file.place(lines.offset))
        case .tooLong: continue
        case .rest, nil:
          // An incomplete line may be cut off and rewritten, so nothing of it is kept.
          if !file.name.isCompressed { lines = file.lines(from: lines.offset) }
          return nil
        }
      }
    }

    /// True if the file is now shorter than the part that was read.
    var isCut: Bool {
      get throws(ReadError) { UInt64(clamping: try file.currentSize()) < lines.offset }
    }
  }

  /// Reads more lines; false if there is nothing to read now.
  private func readMore() throws(ReadError) -> Bool {
    if source == nil { source = try openNext() }
    guard let source else { return false }
    do throws(ReadError) {
      if try readLines(of: source) { return true }
    } catch {
      if case .gzip = error {
        findings.append(.unreadable(source.file.name, error))
      } else if error != .truncated {
        throw error
      }
    }
    return try reachedEnd(of: source)
  }

  /// Reads lines of a file; false if it has no more.
  private func readLines(of source: Source) throws(ReadError) -> Bool {
    var (count, isNew) = (0, false)
    var place: Cursor.Place?
    defer { if let last, isNew { cursor.advance(to: last, at: place) } }
    while count < Self.chunkSize {
      guard let line = try source.next() else { return count > 0 }
      count += line.bytes.count + 1
      // A number that belongs into a later file is damage; it would hide all events below it.
      guard let head = LineHead(line.bytes, of: series), source.end.map({ head.sequence < $0 }) ?? true else {
        passesOver(source.file, line.bytes)
        continue
      }
      if let last, head.sequence <= last.sequence {
        if isSameJournal || head.sequence < last.sequence { continue }
        if head != last {
          goBack()
          return true
        }
        isSameJournal = true
        continue
      }
      if let known = [last?.sequence, cursor.accounted].compactMap({ $0 }).max(), head.sequence > known,
        head.sequence - known > 1
      {
        findings.append(.missing(first: known + 1, count: head.sequence - known - 1))
      }
      isSameJournal = true
      last = head
      (isNew, place) = (true, line.place)
      pending.append(JournalEvent(head: head, line: line.bytes, place: line.place))
    }
    return true
  }

  /// The last event is not in the journal; tries the mark before it.
  private func goBack() {
    cursor.goBack(dropping: 1)
    findings.append(.wentBack(to: cursor.last?.sequence))
    restart()
  }

  /// Handles the end of a file. Returns true if there may be more in another file.
  private func reachedEnd(of source: Source) throws(ReadError) -> Bool {
    if source.file.name == .written, !source.isComplete {
      guard try isStillWritten(source.file) else {
        // It may have grown between the last read and the renaming.
        source.isComplete = true
        return true
      }
      // The journal ends before the last event that was read.
      if !isSameJournal {
        goBack()
        return true
      }
      guard try source.isCut else { return false }
      restart()
      return true
    }
    finished = source.file
    self.source = nil
    return true
  }

  private func isStillWritten(_ file: JournalFile) throws(ReadError) -> Bool {
    do throws(ReadError) { return try directory.open(.written).isSame(as: file) } catch {
      if error.isMissingFile { return false }
      throw error
    }
  }

  // MARK: Finding the file

  /// Opens the file with the next event; nil if there is none yet.
  private func openNext() throws(ReadError) -> Source? {
    if finished == nil, let place = cursor.place, let source = try source(at: place) { return source }
    let found = try directory.atOneMoment { (names) throws(ReadError) in try openFiles(names) }
    let files = found.map { JournalPlan.File($0.file.name, first: $0.first) }
    var step = JournalPlan.next(after: last?.sequence, isFinished: finished != nil, in: files)
    if step == .wait, let finished, let last, let current = found.first(where: { $0.file.name == .written }),
      let first = current.first, first <= last.sequence, !current.file.isSame(as: finished)
    {
      // Another journal has replaced the one that was read.
      isSameJournal = false
      step = JournalPlan.next(after: last.sequence, isFinished: false, in: files)
    }
    guard case .read(let index) = step else { return nil }
    finished = nil
    // The younger file begins above the older one, or another journal has begun.
    let end = found[..<index].last { $0.first != nil }?.first.flatMap { next in
      found[index].first.flatMap { $0 < next ? next : nil }
    }
    return Source(found[index].file, end: end)
  }

  /// The file with the event of the cursor, positioned after it; nil if the event is not there any more.
  private func source(at place: Cursor.Place) throws(ReadError) -> Source? {
    for name in try ReadError.wrapping({ () throws(SystemError) in try directory.names() }) where !name.isCompressed {
      guard let file = try? directory.open(name), file.has(place) else { continue }
      guard let line = try Source(file, from: place.offset).next(), LineHead(line.bytes, of: series) == last else {
        break
      }
      return Source(file, from: place.offset)
    }
    cursor.forgetPlace()
    return nil
  }

  /// Opens the files, youngest first, with the number of their first event, back to the first file that begins at or
  /// before the last event that was read.
  private func openFiles(_ names: [JournalFileName]) throws(ReadError) -> [(file: JournalFile, first: UInt64?)] {
    var files: [(file: JournalFile, first: UInt64?)] = []
    for name in names {
      do throws(ReadError) {
        let file = try directory.open(name)
        let first = try file.firstNumber()
        files.append((file, first))
        if let first, let last, first <= last.sequence { break }
      } catch {
        if case .gzip = error { findings.append(.unreadable(name, error)) } else if !error.isMissingFile { throw error }
      }
    }
    return files
  }
}
