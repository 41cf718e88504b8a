import Audit
import Glibc
import JournalReader
import System

/// The files of a series of a journal at one moment, the oldest first: `audit.log.2.gz`, `audit.log.1`, `audit.log`.
struct JournalFiles {
  /// The path of the current file.
  let path: String
  let files: [JournalFile]
  /// The head of the series; nil: there is no such file.
  let head: ChainHead?

  /// Opens all files of the series with this path; nil: there are none.
  ///
  /// - Parameter isSettled: true waits for a moment between two batches, when head and files agree.
  /// - Throws: ``Failure`` if the directory or a file cannot be read.
  init?(_ path: String, isSettled: Bool = false) throws(Failure) {
    let headFile = try? RegularFile(path + ".head").descriptor
    if isSettled { try? headFile?.lock() }
    defer { headFile?.unlock() }
    head = headFile.flatMap { try? $0.read(count: ChainHead.size + 1, at: 0) }.flatMap { ChainHead(json: $0[...]) }
    self.path = path
    do throws(ReadError) { files = try Self.open(JournalDirectory(path)) } catch {
      if case .system(let error) = error, error.code == ENOENT { return nil }
      throw Failure(error, path)
    }
    if files.isEmpty { return nil }
  }

  private static func open(_ directory: JournalDirectory) throws(ReadError) -> [JournalFile] {
    try directory.atOneMoment { (names) throws(ReadError) in
      var files: [JournalFile] = []
      for name in names.reversed() {
        // If both forms of a file exist, the compressed one may still be incomplete.
        if name.isCompressed, names.contains(JournalFileName(age: name.age, isCompressed: false)) { continue }
        do throws(ReadError) { files.append(try directory.open(name)) } catch {
          if !error.isMissingFile { throw error }
        }
      }
      return files
    }
  }
}
