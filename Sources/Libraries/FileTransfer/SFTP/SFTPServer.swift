import System
import Wire

/// The server side of one SFTP session: handles packets, works on files and adds replies, but moves no bytes itself.
/// Version 3, draft-ietf-secsh-filexfer-02, with the extensions of OpenSSH and check-file.
public struct SFTPServer {
  /// What a session may do.
  public struct Options: Sendable {
    /// Names of the only requests that are served, as `-Q requests` lists them; nil for all.
    public var allowedRequests: Set<String>?
    /// Names of requests that are denied.
    public var deniedRequests: Set<String> = []
    /// Most files and directories that may be open; reduced to what the process has descriptors for.
    public var handleLimit = 1024
    /// True when the client's paths are those of the machine, so that paths of home directories are valid.
    public var showsMachine = true

    public init() {}
  }

  /// The files that the client may access.
  let files: RootedFileSystem
  /// What the session may do.
  let options: Options
  /// Names of users and groups, cached.
  let names = AccountNames()
  /// What the client has open.
  var handles: HandleTable
  /// The descriptor to which replies are sent, if there is one.
  var client: Descriptor?
  private var isInitialized = false

  /// A session that waits for SSH_FXP_INIT.
  public init(_ files: RootedFileSystem, _ options: Options = Options()) {
    self.files = files
    self.options = options
    handles = HandleTable(limit: options.handleLimit)
  }

  /// Handles the packets that arrived completely, until ``ReplyBuffer/isFull``.
  ///
  /// - Throws: `SFTPViolation` when the client violates the protocol; the session must end.
  public mutating func handle(
    _ packets: inout SFTPPackets, _ replies: inout ReplyBuffer
  ) throws(SFTPViolation) {
    while !replies.isFull, let packet = try packets.next() { try handle(packet, &replies) }
  }

  /// Handles a packet without its length field. A request that fails is answered with a status.
  ///
  /// - Throws: `SFTPViolation` when the client violates the protocol.
  mutating func handle(_ packet: ArraySlice<UInt8>, _ replies: inout ReplyBuffer) throws(SFTPViolation) {
    guard let type = packet.first else { throw .badLength(0) }
    // As with sftp-server, a second INIT is answered again, and open files stay open.
    guard isInitialized, type != 1 else { return try initialize(packet, &replies) }
    let id: UInt32
    let request: SFTPRequest
    do throws(WireError) {
      var reader = WireReader(packet.dropFirst())
      id = try reader.uint32()
      request = try SFTPRequest(type: type, from: &reader)
    } catch {
      throw .malformed(type: type)
    }
    do throws(SFTPFailure) {
      try permit(request)
      try perform(request, id, &replies)
    } catch {
      replies.status(id, error.status, error.message)
    }
  }

  private mutating func initialize(_ packet: ArraySlice<UInt8>, _ replies: inout ReplyBuffer) throws(SFTPViolation) {
    guard packet.first == 1 else { throw .notInitialized(type: packet.first ?? 0) }
    // The version; extensions of clients are ignored.
    guard packet.count >= 5 else { throw .malformed(type: 1) }
    isInitialized = true
    var writer = WireWriter(capacity: 1024)
    writer.byte(2)
    writer.uint32(3)
    for known in SFTPExtension.allCases where isPermitted(known.requestName) {
      writer.text(known.rawValue)
      writer.text(known.version)
    }
    replies.append(writer)
  }

  private func isPermitted(_ name: String) -> Bool {
    !options.deniedRequests.contains(name) && options.allowedRequests?.contains(name) ?? true
  }

  private func permit(_ request: SFTPRequest) throws(SFTPFailure) {
    guard let name = request.name else { throw SFTPFailure(.unsupported, "Operation unsupported") }
    guard !isPermitted(name) else { return }
    files.observer?.record(.forbidden(request: name))
    throw SFTPFailure(.permissionDenied, "Requests of this kind are not allowed")
  }

  private mutating func perform(
    _ request: SFTPRequest, _ id: UInt32, _ replies: inout ReplyBuffer
  ) throws(SFTPFailure) {
    switch request {
    case .read(let handle, let offset, let count):
      try read(try handles.file(handle), offset: offset, count: count, id, &replies)
    case .write(let handle, let offset, let bytes):
      let file = try handles.file(handle)
      try attempt { () throws(FileError) in try file.write(bytes, offset: offset) }
    case .open(let path, let flags, let attributes):
      return replies.append(try open(path, flags: flags, attributes, id))
    case .close(let handle):
      let closed = try handles.remove(handle)
      if case .file(let file) = closed { try attempt { () throws(FileError) in try file.close() } }
    case .openDirectory(let path): return replies.append(try openDirectory(path, id))
    case .readDirectory(let handle):
      return replies.append(try readDirectory(try handles.directory(handle), id))
    case .status(let path): return replies.append(try status(path, following: true, id))
    case .linkStatus(let path): return replies.append(try status(path, following: false, id))
    case .fileStatus(let handle): return replies.append(try status(of: try handles.find(handle), id))
    case .setStatus(let path, let attributes):
      try attempt { () throws(FileError) in try files.change(path, attributes.change, following: true) }
    case .setLinkStatus(let path, let attributes):
      try attempt { () throws(FileError) in try files.change(path, attributes.change, following: false) }
    case .setFileStatus(let handle, let attributes):
      let found = try handles.find(handle)
      try attempt { () throws(FileError) in
        switch found {
        case .file(let file): try files.change(file, attributes.change)
        case .directory(let directory): try files.change(directory, attributes.change)
        }
      }
    case .remove(let path): try attempt { () throws(FileError) in try files.removeFile(path) }
    case .removeDirectory(let path): try attempt { () throws(FileError) in try files.removeDirectory(path) }
    case .makeDirectory(let path, let attributes):
      try attempt { () throws(FileError) in try files.makeDirectory(path, mode: attributes.mode ?? 0o777) }
    case .realPath(let path):
      return replies.append(name(try attempt { () throws(FileError) in try files.realPath(path) }, id))
    case .readLink(let path):
      return replies.append(name(try attempt { () throws(FileError) in try files.readLink(path) }, id))
    case .rename(let path, let newPath):
      try attempt { () throws(FileError) in try files.rename(path, to: newPath, replacing: false) }
    case .replacingRename(let path, let newPath):
      try attempt { () throws(FileError) in try files.rename(path, to: newPath, replacing: true) }
    case .symbolicLink(let target, let path):
      try attempt { () throws(FileError) in try files.makeSymbolicLink(path, to: target) }
    case .hardLink(let path, let newPath):
      try attempt { () throws(FileError) in try files.makeHardLink(path, at: newPath) }
    case .synchronize(let handle):
      let file = try handles.file(handle)
      try attempt { () throws(FileError) in try file.synchronize() }
    case .fileSystemStatus(let path):
      let status = try attempt { () throws(FileError) in try files.fileSystemStatus(path) }
      return replies.append(fileSystem(status, id))
    case .openFileSystemStatus(let handle):
      return replies.append(fileSystem(try fileSystemStatus(of: try handles.find(handle)), id))
    case .limits: return replies.append(limits(id))
    case .expandPath(let path): return replies.append(name(try expand(path), id))
    case .homeDirectory(let user): return replies.append(name(try home(of: user), id))
    case .names(let users, let groups): return replies.append(names(users: users, groups: groups, id))
    case .copyData(let from, let offset, let count, let to, let target):
      try copy(from: try handles.file(from), offset: offset, count: count, to: try handles.file(to), at: target)
    case .checkFile(let file, let algorithms, let offset, let count, let blockSize, let form):
      return replies.append(
        try check(file, algorithms: algorithms, offset: offset, count: count, blockSize: blockSize, form, id))
    case .unknown: throw SFTPFailure(.unsupported, "Operation unsupported")
    }
    if case .read = request { return }
    replies.status(id, .ok, "Success")
  }

  private func read(
    _ file: OpenFile, offset: UInt64, count: UInt32, _ id: UInt32, _ replies: inout ReplyBuffer
  ) throws(SFTPFailure) {
    let wanted = min(Int(count), ReplyBuffer.dataLimit)
    let n = try attempt { () throws(FileError) in
      try replies.data(id) { (bytes, position) throws(FileError) in
        try file.read(into: &bytes, at: position, count: wanted, offset: offset)
      }
    }
    if n == 0, wanted > 0 { throw SFTPFailure(.endOfFile, "End of file") }
    if n == 0 { replies.append(SFTPServer.emptyData(id)) }
  }

  private static func emptyData(_ id: UInt32) -> WireWriter {
    var writer = WireWriter()
    writer.byte(103)
    writer.uint32(id)
    writer.uint32(0)
    return writer
  }
}

/// Works on files.
///
/// - Throws: the status of the failure.
@discardableResult
func attempt<Result>(_ body: () throws(FileError) -> Result) throws(SFTPFailure) -> Result {
  do throws(FileError) { return try body() } catch { throw SFTPFailure(error) }
}
