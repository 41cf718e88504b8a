import Audit
import IPC
import JournalReader
import System
import Wire

/// Appends lines to one series of a journal, each with its number and the hash of the previous line.
///
/// Several processes can write to one journal: during a restart that keeps existing logins, those of the old and the
/// new supervisor. For each batch, the head file is therefore locked and read first.
final class JournalWriter {
  private let folder: JournalFolder
  private let settings: JournalSettings
  private let headFile: Descriptor
  private var file: Descriptor
  /// The head as of our last write.
  private var head = ChainHead()
  /// True if the end of the file must be checked before the next write.
  private var isDoubtful = true
  /// Findings at the end of the file that have not been reported.
  private var findings = JournalFindings()
  private var compressor: Compressor?

  /// True if data has not been synchronized to the disk.
  private(set) var isDirty = false

  /// Opens the journal and repairs its end.
  ///
  /// - Throws: `SystemError` if a file operation fails.
  init(_ folder: JournalFolder, _ settings: JournalSettings) throws(SystemError) {
    self.folder = folder
    self.settings = settings
    headFile = try folder.openHead()
    file = try folder.openJournal()
    try locked { () throws(SystemError) in try recover() }
    try? folder.removeLeftovers()
    compressNext()
  }

  /// Returns and clears the findings; nil if there are none.
  func takeFindings() -> JournalFindings? {
    defer { findings = JournalFindings() }
    return findings == JournalFindings() ? nil : findings
  }

  /// Writes all of the events or none. With ``JournalSettings/Sync/always`` they are also synchronized.
  ///
  /// - Parameter isRepeated: leaves out events that are among the last lines.
  /// - Throws: `SystemError` if a file operation fails; nothing of the batch then remains in the file.
  func append(_ events: [AuditEvent], isRepeated: Bool) throws(SystemError) {
    try locked { () throws(SystemError) in
      try catchUp()
      let known = isRepeated ? try lastIDs() : []
      let new = events.filter { !known.contains($0.id) }
      if new.isEmpty { return }
      if head.size >= settings.maxSize { try rotate() }
      try write(new)
    }
  }

  /// Opens the file by name again, because it may have been renamed.
  ///
  /// - Throws: `SystemError` if a file operation fails.
  func reopen() throws(SystemError) {
    try locked { () throws(SystemError) in
      isDoubtful = true
      try catchUp()
    }
  }

  /// Synchronizes written data to the disk. fdatasync(2)
  ///
  /// - Throws: `SystemError` if that fails.
  func synchronize() throws(SystemError) {
    guard isDirty else { return }
    try file.synchronizeData()
    isDirty = false
  }

  // MARK: Compressing

  /// True while a file remains to be compressed.
  var isCompressing: Bool { compressor != nil }

  /// Compresses the next part of a rotated file.
  func compressSome() {
    guard let compressor else { return }
    do throws(SystemError) {
      if try compressor.step() { return }
      try locked { () throws(SystemError) in try compressor.finish() }
      self.compressor = nil
      compressNext()
    } catch {
      // The file stays uncompressed until the journal is opened or rotated again.
      compressor.abandon()
      self.compressor = nil
    }
  }

  private func compressNext() {
    guard settings.compress, compressor == nil, let backups = try? folder.backups(),
      let next = backups.first(where: { !$0.isCompressed })
    else { return }
    compressor = try? Compressor(folder, next)
  }

  // MARK: Writing

  private func locked(_ body: () throws(SystemError) -> Void) throws(SystemError) {
    try headFile.lock()
    defer { headFile.unlock() }
    try body()
  }

  /// Detects what other processes have done to the journal since our last write.
  private func catchUp() throws(SystemError) {
    let now = try file.attributes()
    guard isDoubtful || readHead() != head || now.links == 0 || now.size != head.size else { return }
    // If the old file cannot be synchronized, nothing can be done: it has been renamed or removed.
    try? synchronize()
    file = try folder.openJournal()
    try recover()
  }

  private func readHead() -> ChainHead? {
    (try? headFile.read(count: ChainHead.size + 1, at: 0)).flatMap { ChainHead(json: $0[...]) }
  }

  /// Checks and repairs the end of the file, and determines the head.
  private func recover() throws(SystemError) {
    isDoubtful = true
    let backups = try folder.backups()
    let recovery = try Recovery(
      size: try file.attributes().size, head: readHead(),
      first: { backups.last.flatMap(folder.firstNumber) ?? folder.firstNumber(of: .written) },
      previous: { backups.first.flatMap(folder.lastLine) },
      read: { (offset, count) throws(SystemError) in try file.read(count: count, at: Int(clamping: offset)) })
    if let size = recovery.size { try file.setOpenSize(size) }
    if recovery.lacksNewline { try file.write([UInt8(ascii: "\n")], offset: nil) }
    findings.tornBytes += recovery.findings.tornBytes
    findings.missingLines += recovery.findings.missingLines
    findings.isAltered = findings.isAltered || recovery.findings.isAltered
    head = recovery.head
    try writeHead()
    isDoubtful = false
  }

  private func writeHead() throws(SystemError) { try headFile.write(head.json[...], offset: 0) }

  private func write(_ events: [AuditEvent]) throws(SystemError) {
    var new = head
    var bytes: [UInt8] = []
    for event in events {
      let line = JournalLine(event, sequence: new.last + 1, previous: new.hash).json
      new.last += 1
      new.hash = LineHash(of: line[...])
      bytes += line
      bytes.append(UInt8(ascii: "\n"))
    }
    new.size += UInt64(bytes.count)
    do throws(SystemError) {
      try file.write(bytes[...], offset: nil)
      isDirty = settings.sync != .never
      if settings.sync == .always { try synchronize() }
    } catch {
      // The supervisor repeats these events, so no line of them, not even a part, may remain.
      isDoubtful = true
      try? file.setOpenSize(head.size)
      throw error
    }
    head = new
    do throws(SystemError) { try writeHead() } catch { isDoubtful = true }
  }

  /// The IDs of the last lines, in 4 MiB; this is more than can be in transit when a journal process dies.
  private func lastIDs() throws(SystemError) -> Set<EventID> {
    let count = Int(min(head.size, 4 << 20))
    let tail = try file.read(count: count, at: Int(head.size) - count)
    return Set(tail.split(separator: UInt8(ascii: "\n")).compactMap { LineHead($0)?.id })
  }

  // MARK: Rotating

  /// Rotates the files. If this is interrupted at any point, the names show how far it came.
  private func rotate() throws(SystemError) {
    while isCompressing { compressAll() }
    try synchronize()
    isDoubtful = true
    let keep = settings.maxBackups
    let backups = try folder.backups()
    let kept = backups.filter { $0.age < keep }
    // The head is updated before the oldest lines are removed, because extra lines are not a fault and missing ones
    // are.
    let first =
      keep == 0
      ? head.last + 1 : (kept.last.flatMap(folder.firstNumber) ?? folder.firstNumber(of: .written) ?? head.first)
    if first > head.first { head.removed = Clock.microsecondsSince1970 }
    head.first = first
    try writeHead()
    for backup in backups where backup.age >= keep { try folder.directory.removeFile(folder.name(of: backup)) }
    for backup in kept.reversed() {
      var older = backup
      older.age += 1
      try folder.directory.rename(folder.name(of: backup), to: folder.directory, folder.name(of: older))
    }
    if keep == 0 {
      try folder.directory.removeFile(folder.name)
    } else {
      let youngest = folder.name(of: JournalFileName(age: 1, isCompressed: false))
      try folder.directory.rename(folder.name, to: folder.directory, youngest)
    }
    file = try folder.openJournal()
    head.size = 0
    try writeHead()
    if settings.sync == .always { try folder.directory.synchronize() }
    isDoubtful = false
    compressNext()
  }

  private func compressAll() {
    guard let compressor else { return }
    do throws(SystemError) {
      while try compressor.step() {}
      // The caller holds the lock of the head.
      try compressor.finish()
    } catch { compressor.abandon() }
    self.compressor = nil
  }
}
