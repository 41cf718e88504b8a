import Audit
import System

extension JournalFileName {
  /// The file that is written.
  public static let written = JournalFileName(age: 0, isCompressed: false)
}

/// The directory of a journal, and the files of one series in it.
public struct JournalDirectory {
  /// The directory, open for listing.
  public let directory: Descriptor
  /// The path of the file that is written.
  public let path: String
  /// The name of the file that is written.
  public let base: [UInt8]
  private let followsLinks: Bool

  /// Splits a path into directory and name.
  public static func split(_ path: String) -> (folder: String, base: [UInt8]) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", Array(path.utf8)) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, Array(path[slash...].utf8.dropFirst()))
  }

  /// Opens the directory of the file `path`. Symbolic links are followed, also for the files of the journal.
  ///
  /// - Throws: `ReadError.system` if the directory cannot be opened.
  public init(_ path: String) throws(ReadError) {
    let directory = try ReadError.wrapping { () throws(SystemError) in
      try Descriptor.openDirectory(Self.split(path).folder)
    }
    self.init(path, in: directory, followsLinks: true)
  }

  /// Uses a directory that is already open, and that this process need not be able to reach by path. Symbolic links are
  /// not followed.
  public init(_ path: String, in directory: Descriptor) { self.init(path, in: directory, followsLinks: false) }

  private init(_ path: String, in directory: Descriptor, followsLinks: Bool) {
    (self.path, self.directory, self.followsLinks) = (path, directory, followsLinks)
    base = Self.split(path).base
  }

  /// True if both are the same directory, regardless of their paths.
  public func isSame(as other: JournalDirectory) -> Bool {
    guard let (ours, theirs) = try? (directory.attributes(), other.directory.attributes()) else { return false }
    return ours.isSameFile(as: theirs)
  }

  /// All names in the directory.
  ///
  /// - Throws: `SystemError` if the directory cannot be read.
  public func entries() throws(SystemError) -> [[UInt8]] {
    let stream = DirectoryStream(try directory.reopenDirectory())
    var entries: [[UInt8]] = []
    while let entry = try stream.next() { entries.append(entry) }
    return entries
  }

  /// The files of the series, youngest first. If a file exists both plain and compressed, both are listed, the plain
  /// one first.
  ///
  /// - Throws: `SystemError` if the directory cannot be read.
  public func names() throws(SystemError) -> [JournalFileName] {
    try entries().compactMap { JournalFileName($0, of: base) }.sorted()
  }

  /// Opens a file for reading, without blocking.
  ///
  /// - Throws: `ReadError.system` if it cannot be opened, `notRegular` if it is not a regular file.
  public func open(_ name: JournalFileName) throws(ReadError) -> JournalFile {
    let path = String(decoding: name.bytes(of: Array(path.utf8)), as: UTF8.self)
    let file = try ReadError.wrapping { () throws(SystemError) in
      followsLinks
        ? try Descriptor.openUntrusted(path) : try directory.openForReading(name.bytes(of: base), links: false)
    }
    return try JournalFile(file, name, path: path)
  }

  /// Calls `look` with the names of the files, and repeats that until no file was renamed meanwhile. Otherwise the
  /// events of a file that is being renamed could seem to be missing.
  ///
  /// - Throws: what `look` throws; `ReadError.system` if the directory cannot be read, with EBUSY if files were renamed
  ///   in each of a hundred attempts.
  public func atOneMoment<Found>(
    _ look: ([JournalFileName]) throws(ReadError) -> Found
  ) throws(ReadError) -> Found {
    for _ in 0..<100 {
      let before = try inodes()
      let found = try look(before.map(\.name))
      if try before == inodes() { return found }
    }
    throw .system(SystemError("read \(Self.split(path).folder), whose files never stay", code: 16))
  }

  private struct Entry: Equatable {
    let name: JournalFileName
    let inode: UInt64
  }

  private func inodes() throws(ReadError) -> [Entry] {
    try ReadError.wrapping { () throws(SystemError) in
      var entries: [Entry] = []
      for name in try names() {
        do throws(SystemError) {
          entries.append(Entry(name: name, inode: try directory.attributes(ofEntry: name.bytes(of: base)).inode))
        } catch { if !error.isMissingFile { throw error } }
      }
      return entries
    }
  }
}
