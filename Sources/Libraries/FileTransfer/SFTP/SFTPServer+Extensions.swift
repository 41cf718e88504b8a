import Digests
import Glibc
import System
import Wire

/// Replies to extended requests. OpenSSH's PROTOCOL, section 4; draft-ietf-secsh-filexfer-extensions-00, section 3
extension SFTPServer {
  private static let extendedReply: UInt8 = 201

  /// The reply to statvfs and fstatvfs.
  func fileSystem(_ status: FileSystemStatus, _ id: UInt32) -> WireWriter {
    var writer = reply(SFTPServer.extendedReply, id)
    let flags: UInt64 = (status.isReadOnly ? 1 : 0) | (status.forbidsSetUserID ? 2 : 0)
    let values: [UInt64] = [
      status.blockSize, status.fragmentSize, status.blocks, status.freeBlocks, status.availableBlocks, status.files,
      status.freeFiles, status.availableFiles, status.identifier, flags, status.nameLimit,
    ]
    for value in values { writer.uint64(value) }
    return writer
  }

  /// The reply to limits: longest packet, most bytes of a read and a write, most handles.
  func limits(_ id: UInt32) -> WireWriter {
    var writer = reply(SFTPServer.extendedReply, id)
    for value in [256 << 10, ReplyBuffer.dataLimit, ReplyBuffer.dataLimit, handles.limit] {
      writer.uint64(UInt64(value))
    }
    return writer
  }

  /// The real path of a path, which may begin with `~` or `~user`.
  ///
  /// - Throws: the status of the failure.
  func expand(_ path: [UInt8]) throws(SFTPFailure) -> [UInt8] {
    var path = path
    if path.first == UInt8(ascii: "~") {
      let user = path.dropFirst().prefix { $0 != UInt8(ascii: "/") }
      path = try home(of: Array(user)) + path.dropFirst(1 + user.count)
    }
    let (files, whole) = (files, path)
    return try attempt { () throws(FileError) in try files.realPath(whole) }
  }

  /// The home directory of a user; of the own user when the name is empty.
  ///
  /// - Throws: `.noSuchFile` for an unknown user, or below a root for another user.
  func home(of user: [UInt8]) throws(SFTPFailure) -> [UInt8] {
    if !options.showsMachine, user.isEmpty { return files.start }
    let home = AccountNames.home(of: user.isEmpty ? nil : user)
    guard options.showsMachine else {
      // Below a root, home directories of the machine have no paths; the user's home is where relative paths begin.
      if let home, home == AccountNames.home(of: nil) { return files.start }
      throw SFTPFailure(.noSuchFile, "No such user")
    }
    guard let home else { throw SFTPFailure(.noSuchFile, "No such user") }
    return home
  }

  /// The names of users and groups, empty for an unknown ID.
  func names(users: [UInt32], groups: [UInt32], _ id: UInt32) -> WireWriter {
    // Names can be longer than their IDs in the request; those that do not fit into the reply stay unknown.
    var room = 200 << 10
    func list(_ found: [[UInt8]?]) -> [UInt8] {
      var list = WireWriter()
      for name in found {
        room -= 4 + (name?.count ?? 0)
        list.string(room > 0 ? name ?? [] : [])
      }
      return list.bytes
    }
    var writer = reply(SFTPServer.extendedReply, id)
    writer.string(list(users.map { names.knownUser($0) }))
    writer.string(list(groups.map { names.knownGroup($0) }))
    return writer
  }

  /// Copies between two different files; a count of 0 means to the end.
  ///
  /// - Throws: `.failure` when both are the same file, `.endOfFile` when the source has fewer bytes, and the status of
  ///   any other failure.
  func copy(
    from source: OpenFile, offset: UInt64, count: UInt64, to target: OpenFile, at place: UInt64
  ) throws(SFTPFailure) {
    let isSame = try attempt { () throws(FileError) in
      try source.attributes().isSameFile(as: try target.attributes())
    }
    if isSame { throw SFTPFailure(.failure, "A file cannot be copied to itself") }
    var (offset, place, left) = (offset, place, count == 0 ? UInt64.max : count)
    var memory: [UInt8] = []
    while left > 0 {
      try requireClient()
      let wanted = Int(min(left, 64 << 20))
      let (from, to) = (offset, place)
      let n = try attempt { () throws(FileError) in
        if memory.isEmpty {
          // Files in /proc have size 0, so that the kernel copies nothing; reading works.
          if let n = try source.copy(from: from, count: wanted, to: target, at: to), n > 0 { return n }
          memory = [UInt8](repeating: 0, count: 256 << 10)
        }
        let n = try source.read(into: &memory, at: 0, count: min(wanted, memory.count), offset: from)
        if n > 0 { try target.write(memory[..<n], offset: to) }
        return n
      }
      if n == 0 {
        if count == 0 { return }
        throw SFTPFailure(.endOfFile, "The file ends before so many bytes")
      }
      (offset, place, left) = (offset + UInt64(n), place + UInt64(n), left - UInt64(n))
    }
  }

  /// Ends long work when the client is gone.
  private func requireClient() throws(SFTPFailure) {
    if client?.isHungUp ?? false { throw SFTPFailure(.failure, "The client has disconnected") }
  }

  /// The reply to check-file: the hash of a part of a file, or of each block of it.
  ///
  /// - Throws: `.failure` for unknown hashes, too many blocks, and files that are not regular or shrink meanwhile;
  ///   `.badMessage` for a block size below 256; the status of any other failure.
  func check(
    _ checked: SFTPRequest.CheckedFile, algorithms: String, offset: UInt64, count: UInt64, blockSize: UInt32,
    _ form: SFTPRequest.CheckFileForm, _ id: UInt32
  ) throws(SFTPFailure) -> WireWriter {
    let known = algorithms.split(separator: ",").compactMap { FileDigest(rawValue: String($0)) }
    guard let digest = known.first else {
      throw SFTPFailure(.failure, "The hashes are \(SFTPExtension.checkFileName.version)")
    }
    if blockSize != 0, blockSize < 256 { throw SFTPFailure(.badMessage, "A block has at least 256 bytes") }
    let file: OpenFile
    switch checked {
    case .handle(let handle): file = try handles.file(handle)
    case .name(let path):
      let files = files
      file = try attempt { () throws(FileError) in try files.open(path, .read) }
    }
    let attributes = try attempt { () throws(FileError) in try file.attributes() }
    guard attributes.kind == .regular else { throw SFTPFailure(.failure, "Not a regular file") }
    let rest = attributes.size > offset ? attributes.size - offset : 0
    let whole = count == 0 ? rest : min(count, rest)
    let block = blockSize == 0 ? max(whole, 1) : UInt64(blockSize)
    guard whole / block < UInt64((200 << 10) / digest.size) else {
      throw SFTPFailure(.failure, "So many blocks do not fit into a reply")
    }
    var writer = reply(SFTPServer.extendedReply, id)
    if form == .paramiko { writer.text(SFTPExtension.checkFileOfParamiko) }
    writer.text(digest.rawValue)
    var memory = [UInt8](repeating: 0, count: 256 << 10)
    var (place, left) = (offset, whole)
    repeat {
      var running = digest.begin()
      var inBlock = min(block, left)
      while inBlock > 0 {
        try requireClient()
        let (from, wanted) = (place, Int(min(inBlock, UInt64(memory.count))))
        let n = try attempt { () throws(FileError) in
          try file.read(into: &memory, at: 0, count: wanted, offset: from)
        }
        if n == 0 { throw SFTPFailure(.failure, "The file became shorter meanwhile") }
        running.add(memory[..<n])
        (place, left, inBlock) = (place + UInt64(n), left - UInt64(n), inBlock - UInt64(n))
      }
      writer.raw(running.finished())
    } while left > 0
    return writer
  }
}
