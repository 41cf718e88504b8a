import Audit
import System

/// The directory of a journal, and the names of the files in it.
struct JournalFolder {
  let directory: Descriptor
  /// The name of the journal itself.
  let name: [UInt8]
  /// Permissions of its files.
  let mode: UInt32

  /// - Parameters:
  ///   - directory: open to be listed; it may be one that this process could not find by its path.
  ///   - path: the journal's, of which the last part counts.
  init(_ directory: Descriptor, path: String, mode: UInt32) throws(SystemError) {
    let name = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last.map { Array($0) }
    guard let name, !name.isEmpty else { throw SystemError("open \(path)", code: 22) }
    self.directory = directory
    self.name = name
    self.mode = mode
  }

  /// The same directory, with the files of this series of the journal.
  func folder(of series: JournalSeries) -> JournalFolder {
    JournalFolder(
      directory: directory, name: Array(series.path(of: String(decoding: name, as: UTF8.self)).utf8), mode: mode)
  }

  private init(directory: Descriptor, name: [UInt8], mode: UInt32) {
    (self.directory, self.name, self.mode) = (directory, name, mode)
  }

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
    try entries().compactMap { JournalFileName($0, of: name) }.filter { $0.age > 0 }.sorted()
  }

  /// Removes what a process left behind that ended while it compressed. What somebody still works at is locked.
  func removeLeftovers() throws(SystemError) {
    for entry in try entries() where entry.starts(with: temporaryPrefix) {
      guard let file = try? directory.openToRead(entry), (try? file.tryLock()) == true else { continue }
      try? directory.removeFile(entry)
    }
  }

  /// The number of the first line of an older file; nil: it has none that can be read.
  func firstNumber(of backup: JournalFileName) -> UInt64? {
    guard let file = try? directory.openToRead(name(of: backup)) else { return nil }
    return LineScan(file, isCompressed: backup.isCompressed).firstLine?.sequence
  }

  /// The last line of an older file, as above.
  func lastLine(of backup: JournalFileName) -> (line: JournalLine, hash: LineHash)? {
    guard let file = try? directory.openToRead(name(of: backup)) else { return nil }
    return LineScan(file, isCompressed: backup.isCompressed).lastLine
  }

  private func entries() throws(SystemError) -> [[UInt8]] {
    let stream = DirectoryStream(try directory.reopenDirectory())
    var entries: [[UInt8]] = []
    while let entry = try stream.next() { entries.append(entry) }
    return entries
  }
}
