import System
import Wire

/// The ATTRS of a packet. draft-ietf-secsh-filexfer-02, section 5
struct SFTPAttributes: Equatable {
  private static let hasSize: UInt32 = 1
  private static let hasOwner: UInt32 = 2
  private static let hasPermissions: UInt32 = 4
  private static let hasTimes: UInt32 = 8
  private static let hasExtensions: UInt32 = 0x8000_0000

  /// Bytes.
  var size: UInt64?
  /// User and group ID.
  var owner: FileOwner?
  /// File type and permission bits, as in `st_mode`.
  var mode: UInt32?
  /// Seconds since 1970.
  var accessTime: UInt32?
  /// Seconds since 1970.
  var modificationTime: UInt32?

  /// No attributes.
  init() {}

  /// The attributes of a file for the client; times outside of 1970 to 2106 are clamped.
  init(_ file: FileAttributes) {
    size = file.size
    owner = FileOwner(user: file.owner, group: file.group)
    mode = file.mode
    accessTime = UInt32(clamping: file.accessTime.seconds)
    modificationTime = UInt32(clamping: file.modificationTime.seconds)
  }

  /// Extended attributes are skipped: version 3 defines none.
  ///
  /// - Throws: `WireError` when the bytes are not an ATTRS.
  init(from reader: inout WireReader) throws(WireError) {
    let flags = try reader.uint32()
    if flags & SFTPAttributes.hasSize != 0 { size = try reader.uint64() }
    if flags & SFTPAttributes.hasOwner != 0 {
      owner = FileOwner(user: try reader.uint32(), group: try reader.uint32())
    }
    if flags & SFTPAttributes.hasPermissions != 0 { mode = try reader.uint32() }
    if flags & SFTPAttributes.hasTimes != 0 {
      accessTime = try reader.uint32()
      modificationTime = try reader.uint32()
    }
    if flags & SFTPAttributes.hasExtensions != 0 {
      for _ in 0..<(try reader.count(minimumSize: 8)) {
        _ = try reader.string()
        _ = try reader.string()
      }
    }
  }

  /// Appends the attributes that are set; times only when both are.
  func encode(to writer: inout WireWriter) {
    var flags: UInt32 = 0
    if size != nil { flags |= SFTPAttributes.hasSize }
    if owner != nil { flags |= SFTPAttributes.hasOwner }
    if mode != nil { flags |= SFTPAttributes.hasPermissions }
    if accessTime != nil, modificationTime != nil { flags |= SFTPAttributes.hasTimes }
    writer.uint32(flags)
    if let size { writer.uint64(size) }
    if let owner {
      writer.uint32(owner.user)
      writer.uint32(owner.group)
    }
    if let mode { writer.uint32(mode) }
    if let accessTime, let modificationTime {
      writer.uint32(accessTime)
      writer.uint32(modificationTime)
    }
  }

  /// The changes that these attributes ask for.
  var change: FileChange {
    var times: FileTimes?
    if let accessTime, let modificationTime {
      times = FileTimes(
        access: FileTime(seconds: Int64(accessTime)), modification: FileTime(seconds: Int64(modificationTime)))
    }
    return FileChange(size: size, owner: owner, permissions: mode.map { $0 & 0o7777 }, times: times)
  }
}
