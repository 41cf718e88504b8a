import Wire

/// A directory that goes as a descriptor to those who work in it and could not open it themselves, because they may not
/// enter the ones above.
public struct OpenedDirectory: WireCodable, Hashable, Sendable {
  /// Directories of recordings in one configuration, so that a message takes their descriptors.
  public static let most = 16

  /// As it was configured.
  public var path: String
  /// With ``inode`` it tells whether another directory has taken the place of this one. stat(2)
  public var device: UInt64
  public var inode: UInt64

  public init(path: String, device: UInt64, inode: UInt64) {
    self.path = path
    self.device = device
    self.inode = inode
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(path)
    writer.uint64(device)
    writer.uint64(inode)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    path = try reader.text(limit: 4096)
    device = try reader.uint64()
    inode = try reader.uint64()
  }
}

/// What `bssh-server open-journal` answers the supervisor.
public enum JournalOpening: WireCodable, Equatable {
  /// With a descriptor.
  case opened(OpenedDirectory)
  /// Why it cannot be opened.
  case failed(String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .opened(let directory):
      writer.byte(1)
      directory.encode(to: &writer)
    case .failed(let reason):
      writer.byte(2)
      writer.text(reason)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .opened(try OpenedDirectory(from: &reader))
    case 2: self = .failed(try reader.text(limit: 8192))
    default: throw .malformed
    }
  }
}
