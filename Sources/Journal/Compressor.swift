import Audit
import Gzip
import System

/// Compresses an older file of a journal, a part at a time. The file keeps its name until all of it is compressed.
final class Compressor {
  /// Bytes that one step takes: a few milliseconds.
  private static let part = 64 << 10

  private let folder: JournalFolder
  private let source: Descriptor
  private let target: Descriptor
  private let temporaryName: [UInt8]
  private let writer: GzipWriter
  private var offset = 0

  init(_ folder: JournalFolder, _ backup: JournalFileName) throws(SystemError) {
    self.folder = folder
    source = try folder.directory.openToRead(folder.name(of: backup))
    temporaryName = folder.temporaryName(try SecureRandom.numbers(1)[0])
    target = try folder.directory.makeFile(temporaryName, [.read, .write], mode: folder.mode)
    try target.lock()
    try target.setOpenPermissions(folder.mode)
    do throws(GzipError) { writer = try GzipWriter() } catch { throw SystemError("compress", code: 12) }
  }

  /// Compresses the next part; false: there is none, and ``finish()`` is next.
  func step() throws(SystemError) -> Bool {
    let bytes = try source.read(count: Self.part, at: offset)
    offset += bytes.count
    try target.write((bytes.isEmpty ? writer.finish() : writer.add(bytes[...]))[...], offset: nil)
    return !bytes.isEmpty
  }

  /// Puts the compressed file in the place of the other, wherever that is by now. Nobody may rotate meanwhile.
  func finish() throws(SystemError) {
    try target.synchronize()
    let ours = try source.attributes()
    for backup in try folder.backups() where !backup.isCompressed {
      let name = folder.name(of: backup)
      guard try folder.directory.attributes(ofEntry: name).isSameFile(as: ours) else { continue }
      let compressed = folder.name(of: JournalFileName(age: backup.age, isCompressed: true))
      try folder.directory.rename(temporaryName, to: folder.directory, compressed)
      return try folder.directory.removeFile(name)
    }
    // It is gone: too old by now.
    abandon()
  }

  /// Leaves the file as it is.
  func abandon() { try? folder.directory.removeFile(temporaryName) }
}
