import Audit
import IPC
import JournalReader
import System
import Wire

/// Writes lines to one series of a journal, each with its number and the hash of the line before.
///
/// Several processes may write to one journal: while a restart of the service lets logins go on, the journal of the old
/// supervisor and that of the new one. So each batch is written with the head locked, which is read first.
final class JournalWriter {
  private let folder: JournalFolder
  private let settings: JournalSettings
  private let headFile: Descriptor
  private var file: Descriptor
  /// What the head said when we wrote last.
  private var head = ChainHead()
  /// True when the end of the file has to be looked at before anything is written.
  private var isDoubtful = true
  /// What was found at the end of the file and not told yet.
  private var findings = JournalFindings()
  private var compressor: Compressor?

  /// True when there is something that is not on the disk yet.
  private(set) var isDirty = false

  /// Opens the journal, and mends its end.
  init(_ folder: JournalFolder, _ settings: JournalSettings) throws(SystemError) {
    self.folder = folder
    self.settings = settings
    headFile = try folder.openHead()
    file = try folder.openJournal()
    try locked { () throws(SystemError) in try recover() }
    try? folder.removeLeftovers()
    compressNext()
  }

  /// What was found since the last time somebody asked; nil: nothing.
  func takeFindings() -> JournalFindings? {
    defer { findings = JournalFindings() }
    return findings == JournalFindings() ? nil : findings
  }

  /// Writes events, all or none of them. With ``JournalSettings/Sync/always`` they are on the disk then.
  ///
  /// - Parameter isRepeated: leaves out those that are among the last lines.
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

  /// Looks for the file anew.
  func reopen() throws(SystemError) {
    try locked { () throws(SystemError) in
      isDoubtful = true
      try catchUp()
    }
  }

  /// Everything that was written is on the disk.
  func synchronize() throws(SystemError) {
    guard isDirty else { return }
    try file.synchronizeData()
    isDirty = false
  }

  // MARK: Compressing

  /// True while there is a file to compress.
  var isCompressing: Bool { compressor != nil }

  /// Compresses a part of an older file.
  func compressSome() {
    guard let compressor else { return }
    do throws(SystemError) {
      if try compressor.step() { return }
      try locked { () throws(SystemError) in try compressor.finish() }
      self.compressor = nil
      compressNext()
    } catch {
      // It stays as it is, and is tried again when the journal is opened or rotated.
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

  /// Finds out what others have done with the journal since we wrote last.
  private func catchUp() throws(SystemError) {
    let now = try file.attributes()
    guard isDoubtful || readHead() != head || now.links == 0 || now.size != head.size else { return }
    // What of the old file is not on the disk is not ours to tell any more: it has another name, or none.
    try? synchronize()
    file = try folder.openJournal()
    try recover()
  }

  private func readHead() -> ChainHead? {
    (try? headFile.read(count: ChainHead.size + 1, at: 0)).flatMap { ChainHead(json: $0[...]) }
  }

  /// Looks at the end of the file, mends it, and knows then where to go on.
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
      // Whoever sent them sends them again: no line of these may stay, nor a part of one.
      isDoubtful = true
      try? file.setOpenSize(head.size)
      throw error
    }
    head = new
    do throws(SystemError) { try writeHead() } catch { isDoubtful = true }
  }

  /// The ids of the last lines; more than were under way when a journal died.
  private func lastIDs() throws(SystemError) -> Set<EventID> {
    let count = Int(min(head.size, 4 << 20))
    let tail = try file.read(count: count, at: Int(head.size) - count)
    return Set(tail.split(separator: UInt8(ascii: "\n")).compactMap { LineHead($0)?.id })
  }

  // MARK: Rotating

  /// Begins a new file. Whatever happens in between, the names tell how far it came.
  private func rotate() throws(SystemError) {
    while isCompressing { compressAll() }
    try synchronize()
    isDoubtful = true
    let keep = settings.maxBackups
    let backups = try folder.backups()
    let kept = backups.filter { $0.age < keep }
    // First it is said that the oldest lines go, and then they do: lines that are too many are no fault.
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
      // The head is locked already.
      try compressor.finish()
    } catch { compressor.abandon() }
    self.compressor = nil
  }
}
