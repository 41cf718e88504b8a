import Audit
import JournalReader
import System

/// The directory of a journal series, and the names of its files.
struct JournalFolder {
  private let files: JournalDirectory
  /// The permissions of the files.
  let mode: UInt32

  /// - Parameters:
  ///   - directory: open for listing. This process need not be able to reach it by path.
  ///   - path: the path of the journal, of which only the last component is used.
  ///   - mode: the permissions of the files.
  /// - Throws: `SystemError` with EINVAL if the path ends in a slash.
  init(_ directory: Descriptor, path: String, mode: UInt32) throws(SystemError) {
    files = JournalDirectory(path, in: directory)
    self.mode = mode
    if name.isEmpty { throw SystemError("open \(path)", code: 22) }
  }

  /// The directory, open for listing.
  var directory: Descriptor { files.directory }

  /// The name of the file that is written.
  var name: [UInt8] { files.base }

  /// The same directory, for the files of another series.
  func folder(of series: JournalSeries) -> JournalFolder {
    JournalFolder(files: JournalDirectory(series.path(of: files.path), in: directory), mode: mode)
  }

  private init(files: JournalDirectory, mode: UInt32) { (self.files, self.mode) = (files, mode) }

  /// True if the directory has been removed.
  var isGone: Bool { get throws(SystemError) { try directory.attributes().links == 0 } }

  /// True if events have been written here before.
  var hasEvents: Bool {
    [name, name + ".head".utf8].contains { (try? directory.attributes(ofEntry: $0))?.size ?? 0 > 0 }
  }

  /// Opens the journal for appending, creating it if necessary.
  ///
  /// - Throws: `SystemError` if it cannot be opened.
  func openJournal() throws(SystemError) -> Descriptor {
    let file = try directory.openToAppend(name, mode: mode)
    try file.setOpenPermissions(mode)
    return file
  }

  /// Opens the file of the ``ChainHead``, creating it if necessary.
  ///
  /// - Throws: `SystemError` if it cannot be opened.
  func openHead() throws(SystemError) -> Descriptor {
    let file = try directory.openToChange(name + ".head".utf8, mode: mode)
    try file.setOpenPermissions(mode)
    return file
  }

  /// The name in the directory of a file of this series.
  func name(of file: JournalFileName) -> [UInt8] { file.bytes(of: name) }

  /// Prefix of the names of files that are being compressed.
  private var temporaryPrefix: [UInt8] { name + ".compressing.".utf8 }

  /// The name of a file that is being compressed, with a random number.
  func temporaryName(_ number: UInt64) -> [UInt8] { temporaryPrefix + "\(number)".utf8 }

  /// The rotated files, youngest first. If a file exists both plain and compressed, both are listed.
  ///
  /// - Throws: `SystemError` if the directory cannot be read.
  func backups() throws(SystemError) -> [JournalFileName] {
    try files.names().filter { $0 != .written }
  }

  /// Removes temporary files of processes that ended during compression. Files in use are locked and are kept.
  ///
  /// - Throws: `SystemError` if the directory cannot be read.
  func removeLeftovers() throws(SystemError) {
    for entry in try files.entries() where entry.starts(with: temporaryPrefix) {
      guard let file = try? directory.openToRead(entry), (try? file.tryLock()) == true else { continue }
      try? directory.removeFile(entry)
    }
  }

  /// The number of the first event in a file; nil if it has none or cannot be read.
  func firstNumber(of file: JournalFileName) -> UInt64? { try? files.open(file).firstNumber() }

  /// The number and hash of the last complete line of a rotated file; nil if it has none or cannot be read.
  func lastLine(of backup: JournalFileName) -> (sequence: UInt64, hash: LineHash)? {
    guard var lines = (try? files.open(backup))?.lines() else { return nil }
    var last: ArraySlice<UInt8>?
    while let line = try? lines.next() { if case .whole(let bytes) = line { last = bytes } }
    return last.flatMap { bytes in (try? JournalLine(json: bytes)).map { ($0.sequence, LineHash(of: bytes)) } }
  }
}
