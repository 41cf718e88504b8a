import Glibc
import System

/// A directory that a client reads.
public final class OpenDirectory {
  /// Absolute, as the client saw it when it was opened.
  public let path: [UInt8]
  let stream: DirectoryStream
  private let observer: (any FileObserver)?
  private let isRoot: Bool
  private var entries: UInt64 = 0

  init(_ stream: DirectoryStream, path: [UInt8], observer: (any FileObserver)?) {
    self.stream = stream
    self.path = path
    isRoot = path == [UInt8(ascii: "/")]
    self.observer = observer
  }

  deinit { observer?.record(.listed(path: path, entries: entries)) }

  /// What the directory is now.
  public func attributes() throws(FileError) -> FileAttributes {
    try system { () throws(SystemError) in try stream.directory.attributes() }
  }

  /// How full its file system is.
  public func fileSystemStatus() throws(FileError) -> FileSystemStatus {
    try system { () throws(SystemError) in try stream.directory.fileSystemStatus() }
  }

  /// The next name, `.` and `..` among them, and what it is; nil at the end. What was deleted meanwhile is left out.
  ///
  /// There are no attributes where this user may read the directory but not use it.
  public func next() throws(FileError) -> (name: [UInt8], attributes: FileAttributes?)? {
    while let name = try system({ () throws(SystemError) in try stream.next() }) {
      // Above the root there is nothing, not even its attributes.
      let asked = isRoot && name == Array("..".utf8) ? [UInt8(ascii: ".")] : name
      do throws(SystemError) {
        let attributes = try stream.directory.attributes(ofEntry: asked)
        entries += 1
        return (name, attributes)
      } catch {
        if error.code == ENOENT { continue }
        entries += 1
        return (name, nil)
      }
    }
    return nil
  }
}
