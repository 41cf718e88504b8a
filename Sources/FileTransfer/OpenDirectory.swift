import Glibc
import System

/// A directory that a client reads.
public final class OpenDirectory {
  /// Absolute, as the client saw it when it was opened.
  public let path: [UInt8]
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

  /// What the directory is now.
  func attributes() throws(FileError) -> FileAttributes {
    try system { () throws(SystemError) in try stream.directory.attributes() }
  }

  /// How full its file system is.
  func fileSystemStatus() throws(FileError) -> FileSystemStatus {
    try system { () throws(SystemError) in try stream.directory.fileSystemStatus() }
  }

  /// The next name, `.` and `..` among them, and what it is; nil at the end. What was deleted meanwhile is left out.
  ///
  /// There are no attributes where this user may read the directory but not use it, and where the gate hides them.
  public func next() throws(FileError) -> (name: [UInt8], attributes: FileAttributes?)? {
    while let name = try system({ () throws(SystemError) in try stream.next() }) {
      // Above the root there is nothing, not even its attributes.
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
