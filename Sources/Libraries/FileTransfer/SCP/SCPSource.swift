import Glibc
import System

/// Performs `scp -f`: sends files to a client.
struct SCPSource {
  private let files: RootedFileSystem
  private let connection: SCPConnection
  private let isRecursive: Bool
  private let preserves: Bool
  private var buffer = [UInt8](repeating: 0, count: SCPConnection.chunk)
  /// The directories being sent, to detect links back to one of them.
  private var ancestors: [FileAttributes] = []

  init(files: RootedFileSystem, connection: SCPConnection, isRecursive: Bool, preserves: Bool) {
    self.files = files
    self.connection = connection
    self.isRecursive = isRecursive
    self.preserves = preserves
  }

  /// Sends a file, or with `-r` a directory.
  ///
  /// - Throws: what ended the transfer; a file that cannot be read is reported to the client instead.
  mutating func send(_ path: [UInt8]) throws(SCPFailure) {
    let path = path.withoutTrailingSlashes
    let name = path.lastPart
    guard SCPEntry.isName(name) || path.elementsEqual([0x2e]) || name.elementsEqual([0x2e, 0x2e]) else {
      try connection.complain(path, "this name cannot be sent")
      return
    }
    let attributes: FileAttributes
    do throws(FileError) {
      attributes = try files.attributes(path, following: true)
    } catch {
      try connection.complain(path, error.reason)
      return
    }
    switch attributes.kind {
    case .regular: try sendFile(path, name)
    case .directory where isRecursive: try sendDirectory(path, name, attributes)
    case .directory, .symbolicLink, .other: try connection.complain(path, "not a regular file")
    }
  }

  private mutating func sendFile(_ path: [UInt8], _ name: [UInt8]) throws(SCPFailure) {
    let (file, attributes): (OpenFile, FileAttributes)
    do throws(FileError) {
      file = try files.open(path, .read)
      attributes = try file.attributes()
    } catch {
      try connection.complain(path, error.reason)
      return
    }
    guard attributes.kind == .regular else {
      try connection.complain(path, "not a regular file")
      return
    }
    let entry = SCPEntry(mode: attributes.permissions & 0o777, size: attributes.size, name: name)
    guard try announce(.file(entry), attributes) else { return }
    if let problem = try sendBytes(of: file, count: attributes.size) {
      try connection.complain(path, problem)
    } else {
      try connection.acknowledge()
    }
    _ = try connection.isAccepted()
  }

  /// Sends exactly `count` bytes; those that the file no longer has are sent as zeros.
  ///
  /// - Returns: why the bytes are not those of the file; nil when they are.
  private mutating func sendBytes(of file: OpenFile, count: UInt64) throws(SCPFailure) -> String? {
    var offset: UInt64 = 0
    var problem: String?
    while offset < count {
      let wanted = Int(min(count - offset, UInt64(buffer.count)))
      var got = 0
      if problem == nil {
        do throws(FileError) {
          got = try file.read(into: &buffer, at: 0, count: wanted, offset: offset)
          if got == 0 { problem = "the file became shorter while it was sent" }
        } catch {
          problem = error.reason
        }
      }
      if problem != nil {
        got = wanted
        for index in 0..<wanted { buffer[index] = 0 }
      }
      try connection.send(buffer[..<got])
      offset += UInt64(got)
    }
    return problem
  }

  private mutating func sendDirectory(
    _ path: [UInt8], _ name: [UInt8], _ attributes: FileAttributes
  ) throws(SCPFailure) {
    if ancestors.contains(where: attributes.isSameFile) {
      try connection.complain(path, "a link leads back to a directory that it is in")
      return
    }
    let directory: OpenDirectory
    do throws(FileError) {
      directory = try files.openDirectory(path)
    } catch {
      try connection.complain(path, error.reason)
      return
    }
    let entry = SCPEntry(mode: attributes.permissions & 0o777, size: 0, name: name)
    guard try announce(.directory(entry), attributes) else { return }
    ancestors.append(attributes)
    defer { ancestors.removeLast() }
    while let name = try next(in: directory, path) {
      if name.elementsEqual([0x2e]) || name.elementsEqual([0x2e, 0x2e]) { continue }
      try send(path + (path.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]) + name)
    }
    try connection.send(SCPRecord.end.bytes[...])
    _ = try connection.isAccepted()
  }

  private func next(in directory: OpenDirectory, _ path: [UInt8]) throws(SCPFailure) -> [UInt8]? {
    do throws(FileError) {
      return try directory.next()?.name
    } catch {
      try connection.complain(path, error.reason)
      return nil
    }
  }

  /// Sends a record, preceded by the times with `-p`; true when the client accepts it.
  private func announce(_ record: SCPRecord, _ attributes: FileAttributes) throws(SCPFailure) -> Bool {
    if preserves {
      // The protocol cannot express times before 1970.
      let times = FileTimes(
        access: FileTime(seconds: max(0, attributes.accessTime.seconds)),
        modification: FileTime(seconds: max(0, attributes.modificationTime.seconds)))
      try connection.send(SCPRecord.times(times).bytes[...])
      guard try connection.isAccepted() else { return false }
    }
    try connection.send(record.bytes[...])
    return try connection.isAccepted()
  }
}

extension [UInt8] {
  fileprivate var withoutTrailingSlashes: [UInt8] {
    var path = self
    while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
    return path
  }

  fileprivate var lastPart: [UInt8] {
    Array(self[((lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...])
  }
}
