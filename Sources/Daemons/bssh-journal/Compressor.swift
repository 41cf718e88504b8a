import Audit
import Gzip
import System

/// Compresses a rotated file of a journal in steps. The file keeps its name until it is compressed completely.
final class Compressor {
  /// Bytes per step, which takes a few milliseconds.
  private static let part = 64 << 10

  private let folder: JournalFolder
  private let source: Descriptor
  private let target: Descriptor
  private let temporaryName: [UInt8]
  private let writer: GzipWriter
  private var offset = 0

  /// Opens the file and creates a temporary file beside it.
  ///
  /// - Throws: `SystemError` if a file operation fails, or with ENOMEM if zlib has no memory.
  init(_ folder: JournalFolder, _ backup: JournalFileName) throws(SystemError) {
    self.folder = folder
    source = try folder.directory.openToRead(folder.name(of: backup))
    temporaryName = folder.temporaryName(try SecureRandom.numbers(1)[0])
    target = try folder.directory.makeFile(temporaryName, [.read, .write], mode: folder.mode)
    try target.lock()
    try target.setOpenPermissions(folder.mode)
    do throws(GzipError) { writer = try GzipWriter() } catch { throw SystemError("compress", code: 12) }
  }

  /// Compresses the next part. Returns false at the end of the file; then call ``finish()``.
  ///
  /// - Throws: `SystemError` if reading or writing fails.
  func step() throws(SystemError) -> Bool {
    let bytes = try source.read(count: Self.part, at: offset)
    offset += bytes.count
    try target.write((bytes.isEmpty ? writer.finish() : writer.add(bytes[...]))[...], offset: nil)
    return !bytes.isEmpty
  }

  /// Replaces the original by the compressed file, under the name that the original has by now. The caller must hold
  /// the lock of the head, so that no rotation happens meanwhile.
  ///
  /// - Throws: `SystemError` if a file operation fails.
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
    // The original has been removed for its age.
    abandon()
  }

  /// Removes the temporary file and leaves the original unchanged.
  func abandon() { try? folder.directory.removeFile(temporaryName) }
}
