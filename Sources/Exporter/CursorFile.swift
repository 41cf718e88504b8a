import Audit
import Export
import Glibc
import System

/// Where an exporter keeps how far it has come in a series of the journal: a small file beside it, replaced as a whole.
struct CursorFile {
  /// `cursors` in the journal's directory.
  let directory: String
  private let name: [UInt8]
  private let exporter: String
  private let series: JournalSeries

  /// Makes the directory when it is not there, for its owner alone.
  init(journal: String, _ series: JournalSeries = .main, exporter: String) throws(SystemError) {
    let (folder, base) = JournalFollower.split(series.path(of: journal))
    self.series = series
    directory = folder + "/cursors"
    self.exporter = String(exporter.map { $0.isNewline ? "?" : $0 })
    name = Array(Cursor.fileName(for: String(decoding: base, as: UTF8.self) + " " + exporter).utf8)
    do throws(SystemError) {
      try Descriptor.findDirectory(folder).makeDirectory(Array("cursors".utf8), mode: 0o700)
    } catch {
      if error.code != EEXIST { throw SystemError("make \(directory)", code: error.code) }
    }
  }

  /// Waits until no other exporter has this cursor: the one before may still end. It is had as long as the result is.
  func lock() throws(SystemError) -> Descriptor {
    let file = try Descriptor.findDirectory(directory).openToChange(name + Array(".lock".utf8), mode: 0o600)
    try file.lock()
    return file
  }

  /// What was kept; nil: nothing yet, or nothing that can be read.
  func read() throws(SystemError) -> (cursor: Cursor?, isDamaged: Bool) {
    do throws(SystemError) {
      let file = try Descriptor.findDirectory(directory).openForReading(name, links: false)
      let bytes = try file.read(count: Cursor.longest + 1, at: 0)
      let cursor = Cursor(bytes, of: series)
      return (cursor, cursor == nil)
    } catch {
      if error.isMissingFile { return (nil, false) }
      throw error
    }
  }

  /// Keeps it, on the disk itself: after a power cut there is this one or the one before.
  func write(_ cursor: Cursor) throws(SystemError) {
    var cursor = cursor
    cursor.receiver = exporter
    let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
    let fresh = name + Array(".new".utf8)
    // One that a crash left behind.
    do throws(SystemError) { try folder.removeFile(fresh) } catch { if !error.isMissingFile { throw error } }
    let file = try folder.makeFile(fresh, .write, mode: 0o600)
    try file.writeAll(Array(cursor.text.utf8))
    try file.synchronize()
    try folder.rename(fresh, to: folder, name)
    try folder.synchronize()
  }
}
