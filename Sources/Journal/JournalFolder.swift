import Audit
import JournalReader
import System

/// The directory of a journal, and the names of the files in it.
struct JournalFolder {
  private let files: JournalDirectory
  /// Permissions of its files.
  let mode: UInt32

  /// - Parameters:
  ///   - directory: open to be listed; it may be one that this process could not find by its path.
  ///   - path: the journal's, of which the last part counts.
  init(_ directory: Descriptor, path: String, mode: UInt32) throws(SystemError) {
    files = JournalDirectory(path, in: directory)
    self.mode = mode
    if name.isEmpty { throw SystemError("open \(path)", code: 22) }
  }

  /// The directory, open to be listed.
  var directory: Descriptor { files.directory }

  /// The name of the journal itself.
  var name: [UInt8] { files.base }

  /// The same directory, with the files of this series of the journal.
  func folder(of series: JournalSeries) -> JournalFolder {
    JournalFolder(files: JournalDirectory(series.path(of: files.path), in: directory), mode: mode)
  }

  private init(files: JournalDirectory, mode: UInt32) { (self.files, self.mode) = (files, mode) }

  /// True when the directory has been removed.
  var isGone: Bool { get throws(SystemError) { try directory.attributes().links == 0 } }

  /// True when events were written here before.
  var hasEvents: Bool {
    [name, name + ".head".utf8].contains { (try? directory.attributes(ofEntry: $0))?.size ?? 0 > 0 }
  }

  /// Opens the journal to append to it, and makes it if need be.
  func openJournal() throws(SystemError) -> Descriptor {
    let file = try directory.openToAppend(name, mode: mode)
    try file.setOpenPermissions(mode)
    return file
  }

  /// Opens the file of the ``ChainHead``, and makes it if need be.
  func openHead() throws(SystemError) -> Descriptor {
    let file = try directory.openToChange(name + ".head".utf8, mode: mode)
    try file.setOpenPermissions(mode)
    return file
  }

  func name(of file: JournalFileName) -> [UInt8] { file.bytes(of: name) }

  /// What is being compressed has this name, with a number behind it.
  private var temporaryPrefix: [UInt8] { name + ".compressing.".utf8 }

  func temporaryName(_ number: UInt64) -> [UInt8] { temporaryPrefix + "\(number)".utf8 }

  /// The older files, the youngest first; of one that is there in both forms, both.
  func backups() throws(SystemError) -> [JournalFileName] {
    try files.names().filter { $0 != .written }
  }

  /// Removes what a process left behind that ended while it compressed. What somebody still works at is locked.
  func removeLeftovers() throws(SystemError) {
    for entry in try files.entries() where entry.starts(with: temporaryPrefix) {
      guard let file = try? directory.openToRead(entry), (try? file.tryLock()) == true else { continue }
      try? directory.removeFile(entry)
    }
  }

  /// The number of the first event of a file; nil: it has none that can be read.
  func firstNumber(of file: JournalFileName) -> UInt64? { try? files.open(file).firstNumber() }

  /// The number and the hash of the last whole line of an older file, as above.
  func lastLine(of backup: JournalFileName) -> (sequence: UInt64, hash: LineHash)? {
    guard var lines = (try? files.open(backup))?.lines() else { return nil }
    var last: ArraySlice<UInt8>?
    while let line = try? lines.next() { if case .whole(let bytes) = line { last = bytes } }
    return last.flatMap { bytes in (try? JournalLine(json: bytes)).map { ($0.sequence, LineHash(of: bytes)) } }
  }
}
