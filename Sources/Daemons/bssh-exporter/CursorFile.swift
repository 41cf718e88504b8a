import Audit
import Glibc
import JournalReader
import System

/// The file that stores an exporter's position in one series of the journal. It is replaced atomically.
struct CursorFile {
  /// The directory `cursors` beside the journal.
  let directory: Descriptor
  private let name: [UInt8]
  private let exporter: String
  private let series: JournalSeries

  /// Creates the directory, with mode 0700, if it does not exist.
  ///
  /// - Throws: `SystemError` if the directory cannot be created or opened.
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

  /// Waits until no other exporter holds this cursor, because a previous process may still be ending. The lock is held
  /// until the returned descriptor is closed.
  ///
  /// - Throws: `SystemError` if the lock file cannot be opened or locked.
  func lock() throws(SystemError) -> Descriptor {
    let file = try directory.openToChange(name + Array(".lock".utf8), mode: 0o600)
    try file.lock()
    return file
  }

  /// Reads the stored cursor; nil if there is none, or, with `isDamaged`, if it is invalid.
  ///
  /// - Throws: `SystemError` if the file exists and cannot be read.
  func read() throws(SystemError) -> (cursor: Cursor?, isDamaged: Bool) {
    do throws(SystemError) {
      let file = try directory.openForReading(name, links: false)
      let bytes = try file.read(count: Cursor.sizeLimit + 1, at: 0)
      let cursor = Cursor(bytes, of: series)
      return (cursor, cursor == nil)
    } catch {
      if error.isMissingFile { return (nil, false) }
      throw error
    }
  }

  /// Stores the cursor durably: after a power failure, either this one or the previous one is present.
  ///
  /// - Throws: `SystemError` if a file operation fails.
  func write(_ cursor: Cursor) throws(SystemError) {
    var cursor = cursor
    cursor.receiver = exporter
    let fresh = name + Array(".new".utf8)
    // A previous process may have left it.
    do throws(SystemError) { try directory.removeFile(fresh) } catch { if !error.isMissingFile { throw error } }
    let file = try directory.makeFile(fresh, .write, mode: 0o600)
    try file.writeAll(Array(cursor.text.utf8))
    try file.synchronize()
    try directory.rename(fresh, to: directory, name)
    try directory.synchronize()
  }
}
