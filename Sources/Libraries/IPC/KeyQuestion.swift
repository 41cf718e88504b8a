import AccessControl
import Wire

/// A `publickey` request that an authority is to judge, with what it needs besides.
public struct KeyQuestion: WireCodable, Equatable {
  /// The supervisor's, 32 to 64 bytes.
  public var sessionID: [UInt8]
  /// The payload of the USERAUTH_REQUEST after its message number.
  public var request: [UInt8]
  /// Where the client is; nil: not known.
  public var client: IPAddress?
  /// As ``AccountAnswer/groups``: with the user and the client they say which blocks of `match` hold.
  public var groups: [String]
  /// The user's authorized_keys files, whose contents are in the descriptor one after the other.
  public var files: [KeyFile]
  /// The user's file of principals, whose content follows theirs; nil: nobody looked for one.
  public var principals: KeyFile?

  public init(
    sessionID: [UInt8], request: [UInt8], client: IPAddress?, groups: [String] = [], files: [KeyFile],
    principals: KeyFile? = nil
  ) {
    self.sessionID = sessionID
    self.request = request
    self.client = client
    self.groups = groups
    self.files = files
    self.principals = principals
  }

  public func encode(to writer: inout WireWriter) {
    writer.string(sessionID)
    writer.string(request)
    writer.optional(client) { $1.encode(to: &$0) }
    writer.list(groups) { $0.text($1) }
    writer.list(files) { $1.encode(to: &$0) }
    writer.optional(principals) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    sessionID = Array(try reader.string(limit: 64))
    request = Array(try reader.string())
    client = try reader.optional { (r: inout WireReader) throws(WireError) in try IPAddress(from: &r) }
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
    files = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in try KeyFile(from: &r) }
    principals = try reader.optional { (r: inout WireReader) throws(WireError) in try KeyFile(from: &r) }
  }
}

/// What a certificate says of itself, for the log.
public struct CertificateIdentity: WireCodable, Equatable {
  /// As its authority wrote it, at most ``keyIDLimit`` bytes of it.
  public var keyID: String
  public var serial: UInt64
  /// `SHA256:…` of the authority's key.
  public var authority: String

  public static let keyIDLimit = 256

  public init(keyID: String, serial: UInt64, authority: String) {
    self.keyID = keyID
    self.serial = serial
    self.authority = authority
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(keyID)
    writer.uint64(serial)
    writer.text(authority)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    keyID = try reader.text(limit: Self.keyIDLimit)
    serial = try reader.uint64()
    authority = try reader.text(limit: 128)
  }
}
