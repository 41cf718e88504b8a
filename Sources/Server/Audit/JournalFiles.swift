import Audit
import Glibc
import Gzip
import System

/// The files of a series of a journal, the oldest first: `audit.log.2.gz`, `audit.log.1`, `audit.log`.
struct JournalFiles {
  struct File {
    let path: String
    let descriptor: Descriptor
    let isCompressed: Bool
    /// What tells it apart from others: device and inode.
    let identity: [UInt64]
    /// Bytes when it was opened; more may come.
    private(set) var size: Int

    /// The same when it has this size.
    func grown(to size: Int) -> File {
      var file = self
      file.size = size
      return file
    }
  }

  /// That of the youngest.
  let path: String
  private(set) var files: [File]
  /// Where the series begins and ends, as it says itself; nil: there is no such file.
  let head: ChainHead?

  /// Opens all files of the series of this path, as they are at one moment; nil: there are none.
  ///
  /// - Parameter isSettled: true waits for the moment between two batches, when head and files say the same.
  static func find(_ path: String, isSettled: Bool = false) throws(Failure) -> JournalFiles? {
    do throws(RegularFile.Unreadable) {
      let headFile = try? RegularFile(path + ".head").descriptor
      if isSettled { try? headFile?.lock() }
      defer { headFile?.unlock() }
      let head = headFile.flatMap { try? $0.read(count: ChainHead.size + 1, at: 0) }
        .flatMap { ChainHead(json: $0[...]) }
      let files = try Self.open(path)
      return files.isEmpty ? nil : JournalFiles(path: path, files: files, head: head)
    } catch {
      if error.code == ENOENT { return nil }
      throw Failure(.noInput, "bssh-server: \(path): \(error.reason)")
    }
  }

  private init(path: String, files: [File], head: ChainHead?) {
    (self.path, self.files, self.head) = (path, files, head)
  }

  /// Files are renamed while they are opened, now and then: until nothing has changed meanwhile, again.
  private static func open(_ path: String) throws(RegularFile.Unreadable) -> [File] {
    var files: [File] = []
    for _ in 0..<100 {
      let names = try names(path)
      files = try self.files(names)
      if files.count == names.count, try self.names(path) == names,
        try self.files(names).map(\.identity) == files.map(\.identity)
      {
        break
      }
    }
    return files
  }

  private static func files(_ names: [String]) throws(RegularFile.Unreadable) -> [File] {
    var files: [File] = []
    for name in names {
      if let file = try file(name) { files.append(file) }
    }
    return files
  }

  /// A file as it is now; nil: there is none.
  static func file(_ path: String) throws(RegularFile.Unreadable) -> File? {
    do throws(RegularFile.Unreadable) {
      let file = try RegularFile(path)
      let status: FileStatus
      do throws(SystemError) { status = try file.descriptor.status() } catch {
        throw RegularFile.Unreadable(reason: SystemError.message(error.code), code: error.code)
      }
      return File(
        path: path, descriptor: file.descriptor, isCompressed: path.hasSuffix(".gz"),
        identity: [status.device, status.inode], size: status.size)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// Paths of the journal's files, the oldest first. Of one that is there in both forms, the compressed one may not be
  /// whole yet.
  private static func names(_ path: String) throws(RegularFile.Unreadable) -> [String] {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { String(path[...$0]) } ?? "./"
    let name = Array((slash.map { path[path.utf8.index(after: $0)...] } ?? path[...]).utf8)
    var files: Set<JournalFileName> = []
    do throws(SystemError) {
      let stream = DirectoryStream(try Descriptor.openDirectory(folder))
      while let entry = try stream.next() {
        if let file = JournalFileName(entry, of: name) { files.insert(file) }
      }
    } catch { throw RegularFile.Unreadable(reason: SystemError.message(error.code), code: error.code) }
    let whole = files.filter { !$0.isCompressed || !files.contains(JournalFileName(age: $0.age, isCompressed: false)) }
    return whole.sorted().reversed().map { String(decoding: $0.bytes(of: Array(path.utf8)), as: UTF8.self) }
  }
}

extension LineReader {
  /// The lines of a file of a journal, up to where it ended when it was opened.
  init(_ file: JournalFiles.File, from start: Int = 0) {
    let source = JournalSource(file, from: start)
    self.init(limit: JournalLine.lengthLimit) { (count) throws(RegularFile.Unreadable) in
      file.isCompressed ? try source.decompressed(count) : try source.read(count)
    }
  }
}

/// Reads a file of a journal from front to back.
private final class JournalSource {
  private let file: JournalFiles.File
  private var offset: Int
  private var gzip: GzipReader?

  init(_ file: JournalFiles.File, from start: Int) {
    self.file = file
    offset = start
  }

  /// The next bytes as they are in the file; none at the end.
  func read(_ count: Int) throws(RegularFile.Unreadable) -> [UInt8] {
    do throws(SystemError) {
      let bytes = try file.descriptor.read(count: min(count, max(0, file.size - offset)), at: offset)
      offset += bytes.count
      return bytes
    } catch { throw RegularFile.Unreadable(reason: SystemError.message(error.code), code: error.code) }
  }

  /// The next bytes of what was compressed; none at the end.
  func decompressed(_ count: Int) throws(RegularFile.Unreadable) -> [UInt8] {
    while true {
      if let bytes = try inflate(count) { return bytes }
      let more = try read(count)
      if more.isEmpty {
        if gzip?.isWhole ?? true { return [] }
        throw RegularFile.Unreadable(reason: "the compressed file ends too soon", code: nil)
      }
      gzip?.add(more[...])
    }
  }

  /// nil: more of the file is needed.
  private func inflate(_ count: Int) throws(RegularFile.Unreadable) -> [UInt8]? {
    do throws(GzipError) {
      if gzip == nil { gzip = try GzipReader() }
      let bytes = try gzip?.next(limit: count) ?? []
      return bytes.isEmpty ? nil : bytes
    } catch { throw RegularFile.Unreadable(reason: error.description, code: nil) }
  }
}
