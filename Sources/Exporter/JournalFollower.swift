import Audit
import Export
import Glibc
import Gzip
import System

/// An event of the journal, as its line has it.
struct JournalEvent {
  let head: LineHead
  /// The line without its end.
  let line: ArraySlice<UInt8>
  let place: Cursor.Place?
}

/// Reads the events of a series of a journal in order, across its older files, from where a cursor says on.
///
/// Survives what happens to files meanwhile: they are renamed, compressed and removed, a torn line is cut off, the whole
/// journal is another one. What it finds to be wrong, it tells as ``Finding``.
final class JournalFollower {
  /// What is wrong with the journal.
  enum Finding: Equatable {
    /// Events that are no longer there, or cannot be read.
    case missing(first: UInt64, count: UInt64)
    /// It does not have the event up to which it was read: events are read again, from after this one on.
    case wentBack(to: UInt64?)
    /// A file that cannot be read.
    case unreadable(String)
  }

  /// Tells when there may be something new.
  let watch: DirectoryWatch
  let series: JournalSeries
  private let directory: Descriptor
  /// Its path, for people.
  private let folder: String
  private let base: [UInt8]
  private var source: JournalSource?
  /// Events that were read and not asked for yet.
  private var pending: [JournalEvent] = []
  private var pendingStart = 0
  /// The last event that was read.
  private var last: LineHead?
  /// It, as of the last lines that were read, and what to fall back to.
  private var cursor = Cursor()
  /// The last event was seen in the journal: it is the same journal.
  private var isSameJournal = false
  /// The file with the last event is read to its end; it was this one. Kept open, so that no new file has its number.
  private var finished: JournalSource?
  private var findings: [Finding] = []

  /// - Parameters:
  ///   - path: the journal's.
  ///   - directory: where it is, open to be listed.
  init(journal path: String, _ series: JournalSeries = .main, in directory: Descriptor) throws(SystemError) {
    self.series = series
    (folder, base) = JournalFollower.split(series.path(of: path))
    self.directory = directory
    watch = try DirectoryWatch(directory)
  }

  /// Directory and name of a path.
  static func split(_ path: String) -> (folder: String, base: [UInt8]) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", Array(path.utf8)) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, Array(path[slash...].utf8.dropFirst()))
  }

  /// Goes on after the cursor's event.
  func resume(at cursor: Cursor) {
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

  /// What was found to be wrong since this was asked last.
  func takeFindings() -> [Finding] {
    defer { findings = [] }
    return findings
  }

  /// The next events, at most so many with about so many bytes; none when there are none: wait for ``watch``.
  func next(count: Int, bytes: Int) throws -> [JournalEvent] {
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
  func lastNumber() -> UInt64? {
    guard let file = try? open(base), let head = try? JournalSource.lastEvent(of: file) else {
      return cursor.last?.sequence
    }
    return head.sequence
  }

  // MARK: Reading

  /// Reads on; false when there is nothing to read now.
  private func readMore() throws -> Bool {
    guard let source = try self.source ?? openNext() else { return false }
    self.source = source
    do {
      if let lines = try source.read() {
        take(lines, of: source)
        return true
      }
    } catch let error as GzipError {
      findings.append(.unreadable("\(String(decoding: source.name.bytes(of: base), as: UTF8.self)): \(error)"))
    }
    return try reachedEnd(of: source)
  }

  private func take(_ lines: [LineSplitter.Line], of source: JournalSource) {
    var newest: Cursor.Place??
    for line in lines {
      guard let head = LineHead(line.bytes, of: series) else { continue }
      if let last, head.sequence <= last.sequence {
        if isSameJournal || head.sequence < last.sequence { continue }
        guard head == last else { return goBack() }
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
      let place = source.place(of: line)
      newest = .some(place)
      pending.append(JournalEvent(head: head, line: line.bytes, place: place))
    }
    if let last, let newest { cursor.advance(to: last, at: newest) }
  }

  /// The journal does not have the last event: perhaps the mark before.
  private func goBack() {
    cursor.goBack(dropping: 1)
    findings.append(.wentBack(to: cursor.last?.sequence))
    restart()
  }

  /// A file has no more to read. True when there may be more elsewhere.
  private func reachedEnd(of source: JournalSource) throws -> Bool {
    if source.name.age == 0, !source.isComplete {
      guard try isStillWritten(source) else {
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
    finished = source
    self.source = nil
    return true
  }

  private func isStillWritten(_ source: JournalSource) throws -> Bool {
    do throws(SystemError) {
      let status = try directory.attributes(ofEntry: base)
      return status.device == source.device && status.inode == source.inode
    } catch {
      if error.isMissingFile { return false }
      throw error
    }
  }

  // MARK: Finding the file

  private func open(_ name: [UInt8]) throws(SystemError) -> Descriptor {
    try directory.openForReading(name, links: false)
  }

  /// Opens the file that has the next event; nil when there is none yet.
  private func openNext() throws -> JournalSource? {
    if finished == nil, let place = cursor.place, let source = try source(at: place) { return source }
    let found = try files()
    var step = JournalPlan.next(after: last?.sequence, isFinished: finished != nil, in: found.map(\.file))
    if step == .wait, let finished, let last, let current = found.first(where: { $0.file.name.age == 0 }),
      let first = current.file.first, first <= last.sequence,
      try current.descriptor.status().inode != finished.inode
    {
      // Another journal has taken the place of the one that was read.
      isSameJournal = false
      step = JournalPlan.next(after: last.sequence, isFinished: false, in: found.map(\.file))
    }
    guard case .read(let index) = step else { return nil }
    finished = nil
    let file = found[index]
    return try JournalSource(file.descriptor, file.file.name)
  }

  /// The file where a cursor's event is, opened there; nil when it is not there any more.
  private func source(at place: Cursor.Place) throws -> JournalSource? {
    for name in try names() where !name.isCompressed {
      guard let file = try? open(name.bytes(of: base)), let status = try? file.status(),
        status.device == place.device, status.inode == place.inode
      else { continue }
      let source = try JournalSource(file, name, offset: place.offset)
      guard let line = try source.read()?.first, LineHead(line.bytes, of: series) == last else { break }
      return try JournalSource(file, name, offset: place.offset)
    }
    cursor.forgetPlace()
    return nil
  }

  /// The journal's files that there are, by their names.
  private func names() throws(SystemError) -> [JournalFileName] {
    let stream = DirectoryStream(try directory.reopenDirectory())
    var names: [JournalFileName] = []
    while let entry = try stream.next() {
      if let name = JournalFileName(entry, of: base) { names.append(name) }
    }
    return names.sorted()
  }

  /// The journal's files, with the number of the first event of each, all as they were at one moment: were one missed
  /// because it was just renamed, its events would seem to be lost.
  private func files() throws -> [(file: JournalPlan.File, descriptor: Descriptor)] {
    for _ in 0..<100 {
      let before = try inodes()
      let files = try openFiles()
      if try before == inodes() { return files }
    }
    throw SystemError("read \(folder), whose files never stay", code: EBUSY)
  }

  private func inodes() throws(SystemError) -> [UInt64] {
    var result: [UInt64] = []
    for name in try names() {
      do throws(SystemError) {
        let inode = try directory.attributes(ofEntry: name.bytes(of: base)).inode
        result += [UInt64(name.age), name.isCompressed ? 1 : 0, inode]
      } catch {
        if !error.isMissingFile { throw error }
      }
    }
    return result
  }

  /// From the youngest on, as far back as is needed: the first that begins before the last event that was read.
  private func openFiles() throws -> [(file: JournalPlan.File, descriptor: Descriptor)] {
    var files: [(file: JournalPlan.File, descriptor: Descriptor)] = []
    for name in try names() {
      do {
        let file = try open(name.bytes(of: base))
        let first = try JournalSource.firstEvent(of: file, name)?.sequence
        files.append((JournalPlan.File(name, first: first), file))
        if let first, let last, first <= last.sequence { break }
      } catch let error as SystemError where error.isMissingFile {
        continue
      } catch let error as GzipError {
        findings.append(.unreadable("\(String(decoding: name.bytes(of: base), as: UTF8.self)): \(error)"))
      }
    }
    return files
  }
}
