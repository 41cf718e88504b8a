import Wire

/// The first message to an authority; with descriptors: sealed memory that holds the settings, then one file of
/// sealed memory for each host key. The authority answers ``AuthorityToSupervisor/ready(hostKeys:)``, or ends.
public struct AuthorityStart: WireCodable, Equatable {
  /// Descriptors that are host keys, at most 16.
  public var hostKeyCount: UInt32
  /// nil: the supervisor is root, and a login gets its own account's rights. Otherwise the one user id that every
  /// login has, and only users of the configuration may log in.
  public var singleUser: UInt32?

  public init(hostKeyCount: UInt32, singleUser: UInt32?) {
    self.hostKeyCount = hostKeyCount
    self.singleUser = singleUser
  }

  public func encode(to writer: inout WireWriter) {
    writer.uint32(hostKeyCount)
    writer.optional(singleUser) { $0.uint32($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    hostKeyCount = try reader.uint32()
    guard hostKeyCount <= 16 else { throw .malformed }
    singleUser = try reader.optional { (r: inout WireReader) throws(WireError) in try r.accountNumber() }
  }
}

/// The public half of a host key.
public struct OfferedHostKey: WireCodable, Equatable {
  /// The public key blob, at most 8 KiB.
  public var blob: [UInt8]
  /// For people: `ssh-ed25519 SHA256:…`.
  public var description: String

  public init(blob: [UInt8], description: String) {
    self.blob = blob
    self.description = description
  }

  public func encode(to writer: inout WireWriter) {
    writer.string(blob)
    writer.text(description)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    blob = Array(try reader.string(limit: 8192))
    description = try reader.text(limit: 256)
  }
}
