import Audit
import Glibc
import JournalReader
import System

/// Where an exporter keeps how far it has come in a series of the journal: a small file beside it, replaced as a whole.
struct CursorFile {
  /// `cursors` in the journal's directory.
  let directory: Descriptor
  private let name: [UInt8]
  private let exporter: String
  private let series: JournalSeries

  /// Makes the directory when it is not there, for its owner alone.
  init(
    in folder: Descriptor, journal: String, _ series: JournalSeries = .main, exporter: String
  ) throws(SystemError) {
    let base = JournalDirectory.split(series.path(of: journal)).base
    self.series = series
    self.exporter = String(exporter.map { $0.isNewline ? "?" : $0 })
    name = Array(Cursor.fileName(for: String(decoding: base, as: UTF8.self) + " " + exporter).utf8)
    let cursors = Array("cursors".utf8)
    do throws(SystemError) { try folder.makeDirectory(cursors, mode: 0o700) } catch {
      if error.code != EEXIST { throw SystemError("make the directory 'cursors' beside the journal", code: error.code) }
    }
    directory = try folder.openDirectory(cursors)
  }

  /// Waits until no other exporter has this cursor: the one before may still end. It is had as long as the result is.
  func lock() throws(SystemError) -> Descriptor {
    let file = try directory.openToChange(name + Array(".lock".utf8), mode: 0o600)
    try file.lock()
    return file
  }

  /// What was kept; nil: nothing yet, or nothing that can be read.
  func read() throws(SystemError) -> (cursor: Cursor?, isDamaged: Bool) {
    do throws(SystemError) {
      let file = try directory.openForReading(name, links: false)
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
    let fresh = name + Array(".new".utf8)
    // One that a crash left behind.
    do throws(SystemError) { try directory.removeFile(fresh) } catch { if !error.isMissingFile { throw error } }
    let file = try directory.makeFile(fresh, .write, mode: 0o600)
    try file.writeAll(Array(cursor.text.utf8))
    try file.synchronize()
    try directory.rename(fresh, to: directory, name)
    try directory.synchronize()
  }
}
