import System
import Wire

extension SFTPServer {
  /// Approximate bytes of a NAME reply to READDIR: every client accepts this, the most restrictive up to 34,000.
  private static let listingSize = 30 << 10

  /// The reply to OPEN.
  ///
  /// - Throws: `.failure` when no handle is free, or the status of the failure.
  mutating func open(
    _ path: [UInt8], flags: UInt32, _ attributes: SFTPAttributes, _ id: UInt32
  ) throws(SFTPFailure) -> WireWriter {
    try requireRoom()
    var opening: FileOpening = []
    for (bit, option) in [
      (1, .read), (2, .write), (4, .append), (8, .create), (16, .truncate), (32, .exclusive),
    ] as [(UInt32, FileOpening)] where flags & bit != 0 { opening.insert(option) }
    let (files, wanted) = (files, opening)
    let file = try attempt { () throws(FileError) in
      try files.open(path, wanted, mode: attributes.mode ?? 0o666)
    }
    return try add(.file(file), id)
  }

  /// The reply to OPENDIR.
  ///
  /// - Throws: `.failure` when no handle is free, or the status of the failure.
  mutating func openDirectory(_ path: [UInt8], _ id: UInt32) throws(SFTPFailure) -> WireWriter {
    try requireRoom()
    let files = files
    return try add(.directory(try attempt { () throws(FileError) in try files.openDirectory(path) }), id)
  }

  /// The next names, as many as fit.
  ///
  /// - Throws: `.endOfFile`, or the status of the failure.
  func readDirectory(_ directory: OpenDirectory, _ id: UInt32) throws(SFTPFailure) -> WireWriter {
    let lines = LongName(now: LocalTime.now, names: names)
    var entries = WireWriter(capacity: SFTPServer.listingSize + 2048)
    var count: UInt32 = 0
    while entries.bytes.count < SFTPServer.listingSize {
      var next: (name: [UInt8], attributes: FileAttributes?)?
      do throws(FileError) {
        next = try directory.next()
      } catch {
        // The names read so far are sent first; the next request fails.
        if count == 0 { throw SFTPFailure(error) }
      }
      guard let entry = next else { break }
      entries.string(entry.name)
      entries.string(entry.attributes.map { lines.line(entry.name, $0) } ?? entry.name)
      (entry.attributes.map { SFTPAttributes($0) } ?? SFTPAttributes()).encode(to: &entries)
      count += 1
    }
    if count == 0 { throw SFTPFailure(.endOfFile, "End of file") }
    var writer = reply(104, id, capacity: entries.bytes.count + 16)
    writer.uint32(count)
    writer.raw(entries.bytes)
    return writer
  }

  /// The reply to STAT and LSTAT.
  ///
  /// - Throws: the status of the failure.
  func status(_ path: [UInt8], following: Bool, _ id: UInt32) throws(SFTPFailure) -> WireWriter {
    let files = files
    return status(try attempt { () throws(FileError) in try files.attributes(path, following: following) }, id)
  }

  /// The reply to FSTAT.
  ///
  /// - Throws: the status of the failure.
  func status(of handle: HandleTable.Handle, _ id: UInt32) throws(SFTPFailure) -> WireWriter {
    let files = files
    return status(
      try attempt { () throws(FileError) in
        switch handle {
        case .file(let file): try files.attributes(file)
        case .directory(let directory): try files.attributes(directory)
        }
      }, id)
  }

  /// Size and free space of the file system of an open file or directory.
  ///
  /// - Throws: the status of the failure.
  func fileSystemStatus(of handle: HandleTable.Handle) throws(SFTPFailure) -> FileSystemStatus {
    let files = files
    return try attempt { () throws(FileError) in
      switch handle {
      case .file(let file): try files.fileSystemStatus(file)
      case .directory(let directory): try files.fileSystemStatus(directory)
      }
    }
  }

  /// A NAME with one path and no attributes.
  func name(_ path: [UInt8], _ id: UInt32) -> WireWriter {
    var writer = reply(104, id)
    writer.uint32(1)
    writer.string(path)
    writer.string(path)
    SFTPAttributes().encode(to: &writer)
    return writer
  }

  /// The beginning of a packet: type and id.
  func reply(_ type: UInt8, _ id: UInt32, capacity: Int = 128) -> WireWriter {
    var writer = WireWriter(capacity: capacity)
    writer.byte(type)
    writer.uint32(id)
    return writer
  }

  private func status(_ file: FileAttributes, _ id: UInt32) -> WireWriter {
    var writer = reply(105, id)
    SFTPAttributes(file).encode(to: &writer)
    return writer
  }

  private func requireRoom() throws(SFTPFailure) {
    if handles.isFull { throw SFTPFailure(.failure, "No more than \(handles.limit) files can be open") }
  }

  private mutating func add(_ handle: HandleTable.Handle, _ id: UInt32) throws(SFTPFailure) -> WireWriter {
    do throws(FileError) {
      let name = try handles.add(handle)
      var writer = reply(102, id)
      writer.string(name)
      return writer
    } catch {
      throw SFTPFailure(error)
    }
  }
}
