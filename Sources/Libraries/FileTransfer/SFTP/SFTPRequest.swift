import Digests
import Wire

/// A request of a client. draft-ietf-secsh-filexfer-02, sections 4 and 6; OpenSSH's PROTOCOL, section 4
enum SFTPRequest: Equatable {
  /// A path or name.
  typealias Name = [UInt8]
  /// A handle as the client sent it.
  typealias Handle = ArraySlice<UInt8>

  case open(Name, flags: UInt32, SFTPAttributes)
  case close(Handle)
  case read(Handle, offset: UInt64, count: UInt32)
  case write(Handle, offset: UInt64, ArraySlice<UInt8>)
  case linkStatus(Name)
  case fileStatus(Handle)
  case setStatus(Name, SFTPAttributes)
  case setFileStatus(Handle, SFTPAttributes)
  case openDirectory(Name)
  case readDirectory(Handle)
  case remove(Name)
  case makeDirectory(Name, SFTPAttributes)
  case removeDirectory(Name)
  case realPath(Name)
  case status(Name)
  case rename(Name, Name)
  case readLink(Name)
  /// The target of the link comes first, as OpenSSH sends it; in the draft it comes last.
  case symbolicLink(target: Name, Name)
  case replacingRename(Name, Name)
  case fileSystemStatus(Name)
  case openFileSystemStatus(Handle)
  case hardLink(Name, Name)
  case synchronize(Handle)
  case setLinkStatus(Name, SFTPAttributes)
  case limits
  case expandPath(Name)
  case copyData(Handle, offset: UInt64, count: UInt64, to: Handle, at: UInt64)
  case homeDirectory(user: Name)
  case names(users: [UInt32], groups: [UInt32])
  case checkFile(
    CheckedFile, algorithms: String, offset: UInt64, count: UInt64, blockSize: UInt32, form: CheckFileForm)
  case unknown

  /// The file of a check-file request.
  enum CheckedFile: Equatable {
    case name(Name)
    case handle(Handle)
  }

  /// The beginning of a reply to check-file.
  enum CheckFileForm {
    /// The name of the hash. draft-ietf-secsh-filexfer-extensions-00, section 3
    case draft
    /// `check-file` and the name of the hash, for clients that call the request `check-file`, as Paramiko does.
    case paramiko
  }

  /// Parses what follows the id of a packet.
  ///
  /// - Throws: `WireError` when the content is malformed or too short for the type.
  init(type: UInt8, from reader: inout WireReader) throws(WireError) {
    switch type {
    case 3: self = .open(try reader.name(), flags: try reader.uint32(), try SFTPAttributes(from: &reader))
    case 4: self = .close(try reader.handle())
    case 5: self = .read(try reader.handle(), offset: try reader.uint64(), count: try reader.uint32())
    case 6: self = .write(try reader.handle(), offset: try reader.uint64(), try reader.string())
    case 7: self = .linkStatus(try reader.name())
    case 8: self = .fileStatus(try reader.handle())
    case 9: self = .setStatus(try reader.name(), try SFTPAttributes(from: &reader))
    case 10: self = .setFileStatus(try reader.handle(), try SFTPAttributes(from: &reader))
    case 11: self = .openDirectory(try reader.name())
    case 12: self = .readDirectory(try reader.handle())
    case 13: self = .remove(try reader.name())
    case 14: self = .makeDirectory(try reader.name(), try SFTPAttributes(from: &reader))
    case 15: self = .removeDirectory(try reader.name())
    case 16: self = .realPath(try reader.name())
    case 17: self = .status(try reader.name())
    case 18: self = .rename(try reader.name(), try reader.name())
    case 19: self = .readLink(try reader.name())
    case 20: self = .symbolicLink(target: try reader.name(), try reader.name())
    case 200: try self.init(extensionFrom: &reader)
    default: self = .unknown
    }
    // Trailing bytes are ignored, as by sftp-server: rclone pads the last WRITE of a file to a whole block.
  }

  private init(extensionFrom reader: inout WireReader) throws(WireError) {
    let name = try reader.string()
    switch SFTPExtension(name: name) {
    case .posixRename: self = .replacingRename(try reader.name(), try reader.name())
    case .statvfs: self = .fileSystemStatus(try reader.name())
    case .fstatvfs: self = .openFileSystemStatus(try reader.handle())
    case .hardlink: self = .hardLink(try reader.name(), try reader.name())
    case .fsync: self = .synchronize(try reader.handle())
    case .lsetstat: self = .setLinkStatus(try reader.name(), try SFTPAttributes(from: &reader))
    case .limits: self = .limits
    case .expandPath: self = .expandPath(try reader.name())
    case .copyData:
      self = .copyData(
        try reader.handle(), offset: try reader.uint64(), count: try reader.uint64(), to: try reader.handle(),
        at: try reader.uint64())
    case .homeDirectory: self = .homeDirectory(user: try reader.name())
    case .names: self = .names(users: try reader.numbers(), groups: try reader.numbers())
    case .checkFileName: try self.init(check: .name(try reader.name()), .draft, from: &reader)
    case .checkFileHandle:
      let form: CheckFileForm = name.elementsEqual(SFTPExtension.checkFileOfParamiko.utf8) ? .paramiko : .draft
      try self.init(check: .handle(try reader.handle()), form, from: &reader)
    case nil:
      _ = try reader.raw(reader.count)
      self = .unknown
    }
  }

  private init(
    check file: CheckedFile, _ form: CheckFileForm, from reader: inout WireReader
  ) throws(WireError) {
    self = .checkFile(
      file, algorithms: String(decoding: try reader.string(), as: UTF8.self), offset: try reader.uint64(),
      count: try reader.uint64(),
      blockSize: try reader.uint32(), form: form)
  }

  /// Its name on the command line and in the log, as in sftp-server(8); nil for an unknown request.
  var name: String? {
    switch self {
    case .open: "open"
    case .close: "close"
    case .read: "read"
    case .write: "write"
    case .linkStatus: "lstat"
    case .fileStatus: "fstat"
    case .setStatus: "setstat"
    case .setFileStatus: "fsetstat"
    case .openDirectory: "opendir"
    case .readDirectory: "readdir"
    case .remove: "remove"
    case .makeDirectory: "mkdir"
    case .removeDirectory: "rmdir"
    case .realPath: "realpath"
    case .status: "stat"
    case .rename: "rename"
    case .readLink: "readlink"
    case .symbolicLink: "symlink"
    case .replacingRename: SFTPExtension.posixRename.requestName
    case .fileSystemStatus: SFTPExtension.statvfs.requestName
    case .openFileSystemStatus: SFTPExtension.fstatvfs.requestName
    case .hardLink: SFTPExtension.hardlink.requestName
    case .synchronize: SFTPExtension.fsync.requestName
    case .setLinkStatus: SFTPExtension.lsetstat.requestName
    case .limits: SFTPExtension.limits.requestName
    case .expandPath: SFTPExtension.expandPath.requestName
    case .copyData: SFTPExtension.copyData.requestName
    case .homeDirectory: SFTPExtension.homeDirectory.requestName
    case .names: SFTPExtension.names.requestName
    case .checkFile(.name, _, _, _, _, _): SFTPExtension.checkFileName.requestName
    case .checkFile(.handle, _, _, _, _, _): SFTPExtension.checkFileHandle.requestName
    case .unknown: nil
    }
  }

  /// The names of all requests, as `-Q requests` lists them.
  static let names =
    [
      "open", "close", "read", "write", "lstat", "fstat", "setstat", "fsetstat", "opendir", "readdir", "remove",
      "mkdir", "rmdir", "realpath", "stat", "rename", "readlink", "symlink",
    ] + SFTPExtension.allCases.map { $0.requestName }
}

/// Extended requests, by their names in SSH_FXP_VERSION, which announces them.
enum SFTPExtension: String, CaseIterable {
  case posixRename = "posix-rename@openssh.com"
  case statvfs = "statvfs@openssh.com"
  case fstatvfs = "fstatvfs@openssh.com"
  case hardlink = "hardlink@openssh.com"
  case fsync = "fsync@openssh.com"
  case lsetstat = "lsetstat@openssh.com"
  case limits = "limits@openssh.com"
  case expandPath = "expand-path@openssh.com"
  case copyData = "copy-data"
  case homeDirectory = "home-directory"
  case names = "users-groups-by-id@openssh.com"
  case checkFileName = "check-file-name"
  case checkFileHandle = "check-file-handle"

  /// Paramiko's name of check-file-handle.
  static let checkFileOfParamiko = "check-file"

  /// The extension with this name in a request; nil for an unknown one.
  init?(name: ArraySlice<UInt8>) {
    let text = String(decoding: name, as: UTF8.self)
    self.init(rawValue: text == SFTPExtension.checkFileOfParamiko ? "check-file-handle" : text)
  }

  /// The data of the extension in SSH_FXP_VERSION.
  var version: String {
    switch self {
    case .statvfs, .fstatvfs: "2"
    case .checkFileName, .checkFileHandle: FileDigest.allCases.map { $0.rawValue }.joined(separator: ",")
    default: "1"
    }
  }

  /// The name without its domain.
  var requestName: String { String(rawValue.prefix { $0 != "@" }) }
}

extension WireReader {
  /// A path or name; the kernel refuses one that is too long.
  fileprivate mutating func name() throws(WireError) -> [UInt8] { Array(try string()) }

  /// A handle; one of another length than ours is unknown.
  fileprivate mutating func handle() throws(WireError) -> ArraySlice<UInt8> { try string() }

  /// A `string` that contains `uint32`s.
  fileprivate mutating func numbers() throws(WireError) -> [UInt32] {
    var inner = WireReader(try string())
    var numbers: [UInt32] = []
    while !inner.isAtEnd { numbers.append(try inner.uint32()) }
    return numbers
  }
}
