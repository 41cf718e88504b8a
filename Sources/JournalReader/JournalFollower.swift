import Audit
import System

/// An event of the journal, as its line has it.
public struct JournalEvent {
  public let head: LineHead
  /// The line without its end.
  public let line: ArraySlice<UInt8>
  public let place: Cursor.Place?
}

/// Reads the events of a series of a journal in order, across its older files, from where a cursor says on.
///
/// Survives what happens to files meanwhile: they are renamed, compressed and removed, a torn line is cut off, the whole
/// journal is another one. What it finds to be wrong, it reports as ``Finding``.
public final class JournalFollower {
  /// What is wrong with the journal.
  public enum Finding: Equatable, Sendable {
    /// Events that are no longer there, or cannot be read.
    case missing(first: UInt64, count: UInt64)
    /// It does not have the event up to which it was read: events are read again, from after this one on.
    case wentBack(to: UInt64?)
    /// A file that cannot be read.
    case unreadable(JournalFileName, ReadError)
  }

  /// Bytes of lines that are read at a time.
  static let chunkSize = 128 << 10

  public let directory: JournalDirectory
  public let series: JournalSeries
  /// Called with each line that is none of a journal, and the file that has it.
  public var passesOver: (JournalFile, ArraySlice<UInt8>) -> Void = { _, _ in }
  private var source: Source?
  /// Events that were read and not asked for yet.
  private var pending: [JournalEvent] = []
  private var pendingStart = 0
  /// The last event that was read.
  private var last: LineHead?
  /// It, as of the last lines that were read, and what to fall back to.
  private var cursor = Cursor()
  /// The last event was seen in the journal: it is the same journal.
  private var isSameJournal = true
  /// The file with the last event is read to its end; it was this one. Kept open, so that no new file has its number.
  private var finished: JournalFile?
  private var findings: [Finding] = []

  /// Begins with the oldest event.
  ///
  /// - Parameter directory: that of this series.
  public init(_ directory: JournalDirectory, _ series: JournalSeries = .main) {
    (self.directory, self.series) = (directory, series)
  }

  /// Goes on after the cursor's event.
  public func resume(at cursor: Cursor) {
    self.cursor = cursor
    restart()
    pending = []
    pendingStart = 0
  }

  private func restart() {
    last = cursor.last
    source = nil
    finished = nil
    isSameJournal = last == nil
  }

  /// What was found to be wrong since the last call.
  public func takeFindings() -> [Finding] {
    defer { findings = [] }
    return findings
  }

  /// The next events, at most so many with about so many bytes; none when there are none: wait until the directory
  /// changes.
  ///
  /// - Throws: when the directory cannot be read, or a file of it that is there cannot be opened.
  public func next(count: Int, bytes: Int) throws(ReadError) -> [JournalEvent] {
    while pendingStart == pending.count { if try !readMore() { return [] } }
    var end = pendingStart
    var total = 0
    while end < pending.count, end - pendingStart < count, end == pendingStart || total < bytes {
      total += pending[end].line.count
      end += 1
    }
    defer {
      pendingStart = end
      if pendingStart == pending.count {
        pending.removeAll(keepingCapacity: true)
        pendingStart = 0
      }
    }
    return Array(pending[pendingStart..<end])
  }

  /// The number of the last event of the journal; nil: there is none.
  public func lastNumber() -> UInt64? {
    guard let last = try? directory.open(.written).lastEvent(of: series) else { return cursor.last?.sequence }
    return last.head.sequence
  }

  // MARK: Reading

  /// A file that is being read, from front to back.
  private final class Source {
    let file: JournalFile
    /// True once it was seen that the journal goes on in another file: what is there now is all that it will have.
    var isComplete = false
    private var lines: LineReader

    init(_ file: JournalFile, from offset: UInt64 = 0) {
      self.file = file
      lines = file.lines(from: offset)
    }

    /// The next line; nil at the end of the file as it is now.
    func next() throws(ReadError) -> (bytes: ArraySlice<UInt8>, place: Cursor.Place?)? {
      while true {
        switch try lines.next() {
        case .whole(let bytes): return (bytes, file.place(lines.offset))
        case .tooLong: continue
        case .rest, nil:
          // What a crash left of a line may be cut off and written anew, so nothing of it is kept.
          if !file.name.isCompressed { lines = file.lines(from: lines.offset) }
          return nil
        }
      }
    }

    /// True when the file has become shorter than what was read of it.
    var isCut: Bool {
      get throws(ReadError) { UInt64(clamping: try file.currentSize()) < lines.offset }
    }
  }

  /// Reads on; false when there is nothing to read now.
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

  /// Reads lines of a file; false when it has no more.
  private func readLines(of source: Source) throws(ReadError) -> Bool {
    var (count, isNew) = (0, false)
    var place: Cursor.Place?
    defer { if let last, isNew { cursor.advance(to: last, at: place) } }
    while count < Self.chunkSize {
      guard let line = try source.next() else { return count > 0 }
      count += line.bytes.count + 1
      guard let head = LineHead(line.bytes, of: series) else {
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

  /// The journal does not have the last event: perhaps the mark before.
  private func goBack() {
    cursor.goBack(dropping: 1)
    findings.append(.wentBack(to: cursor.last?.sequence))
    restart()
  }

  /// A file has no more to read. True when there may be more elsewhere.
  private func reachedEnd(of source: Source) throws(ReadError) -> Bool {
    if source.file.name == .written, !source.isComplete {
      guard try isStillWritten(source.file) else {
        // It may have got more until it was renamed, after it was read.
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

  /// Opens the file that has the next event; nil when there is none yet.
  private func openNext() throws(ReadError) -> Source? {
    if finished == nil, let place = cursor.place, let source = try source(at: place) { return source }
    let found = try directory.atOneMoment { (names) throws(ReadError) in try openFiles(names) }
    let files = found.map { JournalPlan.File($0.file.name, first: $0.first) }
    var step = JournalPlan.next(after: last?.sequence, isFinished: finished != nil, in: files)
    if step == .wait, let finished, let last, let current = found.first(where: { $0.file.name == .written }),
      let first = current.first, first <= last.sequence, !current.file.isSame(as: finished)
    {
      // Another journal has taken the place of the one that was read.
      isSameJournal = false
      step = JournalPlan.next(after: last.sequence, isFinished: false, in: files)
    }
    guard case .read(let index) = step else { return nil }
    finished = nil
    return Source(found[index].file)
  }

  /// The file where a cursor's event is, opened there; nil when it is not there any more.
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

  /// The files with the number of the first event of each, from the youngest on, as far back as is needed: the first that
  /// begins before the last event that was read.
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
