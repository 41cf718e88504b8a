import Glibc
import System

/// A directory that a client reads. Owns its descriptor; closes it and records the end of the listing in `deinit`.
public final class OpenDirectory {
  /// Absolute, as the client saw it when it opened the directory.
  public let path: [UInt8]
  /// The entries that were not read yet.
  let stream: DirectoryStream
  private let gate: any TransferGate
  private let observer: (any FileObserver)?
  private let isRoot: Bool
  private var entries: UInt64 = 0

  init(_ stream: DirectoryStream, path: [UInt8], gate: any TransferGate, observer: (any FileObserver)?) {
    self.stream = stream
    self.path = path
    self.gate = gate
    isRoot = path == [UInt8(ascii: "/")]
    self.observer = observer
  }

  deinit { observer?.record(.listed(path: path, entries: entries)) }

  /// The attributes of the directory now.
  ///
  /// - Throws: `.system` when fstat(2) fails.
  func attributes() throws(FileError) -> FileAttributes {
    try system { () throws(SystemError) in try stream.directory.attributes() }
  }

  /// Size and free space of its file system.
  ///
  /// - Throws: `.system` when fstatvfs(3) fails.
  func fileSystemStatus() throws(FileError) -> FileSystemStatus {
    try system { () throws(SystemError) in try stream.directory.fileSystemStatus() }
  }

  /// The next name, including `.` and `..`, with its attributes; nil at the end. Entries deleted meanwhile are skipped.
  ///
  /// The attributes are nil where the user may read but not search the directory, and where the gate hides them.
  ///
  /// - Throws: `.system` when getdents64(2) fails.
  public func next() throws(FileError) -> (name: [UInt8], attributes: FileAttributes?)? {
    while let name = try system({ () throws(SystemError) in try stream.next() }) {
      // The parent of the root is the root; the attributes of the real parent are not revealed.
      let asked = isRoot && name == Array("..".utf8) ? [UInt8(ascii: ".")] : name
      do throws(SystemError) {
        let attributes = try stream.directory.attributes(ofEntry: asked)
        entries += 1
        return (name, isHidden(name, attributes) ? nil : attributes)
      } catch {
        if error.code == ENOENT { continue }
        entries += 1
        return (name, nil)
      }
    }
    return nil
  }

  private func isHidden(_ name: [UInt8], _ attributes: FileAttributes) -> Bool {
    if gate.allowsEverything { return false }
    let place: [UInt8] =
      switch name {
      case [UInt8(ascii: ".")]: path
      case [UInt8(ascii: "."), UInt8(ascii: ".")]: Array(path.prefix(path.lastIndex(of: slash) ?? 0))
      default: path + (isRoot ? [] : [slash]) + name
      }
    return gate.hides(place.isEmpty ? [slash] : place, size: attributes.regularSize)
  }
}

private let slash = UInt8(ascii: "/")
