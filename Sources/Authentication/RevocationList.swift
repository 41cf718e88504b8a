import Wire

/// Why bytes are no list of revoked keys that can be used, for people.
public struct RevocationListError: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Keys and certificates that let nobody in any more: `auth.publickey.revoked_keys`.
///
/// Read from OpenSSH's key revocation list (PROTOCOL.krl) or from text with one public key in each line. What is not
/// understood makes the whole list unusable: a revoked key that is overlooked is worse than no login.
public struct RevocationList: Equatable, Sendable {
  /// The largest list, in bytes.
  public static let sizeLimit = 8 << 20

  /// A signature on the list: of all bytes before its own.
  public struct Signature: Equatable, Sendable {
    public let key: PublicKey
    public let blob: [UInt8]
    /// How many bytes of the list it covers.
    public let signedCount: Int
  }

  /// Certificates of one authority, or of any.
  struct Certificates: Equatable, Sendable {
    var serials = SerialSet()
    var keyIDs: Set<[UInt8]> = []
  }

  /// Blobs of keys; a certificate counts as its key.
  var keys: Set<[UInt8]> = []
  var sha1Fingerprints: Set<[UInt8]> = []
  var sha256Fingerprints: Set<[UInt8]> = []
  /// By the blob of the authority; an empty one is any authority.
  var certificates: [[UInt8]: Certificates] = [:]
  /// To be verified by who can.
  public internal(set) var signatures: [Signature] = []

  init() {}

  /// Reads a list, of either form.
  public init(_ bytes: [UInt8]) throws(RevocationListError) {
    guard bytes.count <= Self.sizeLimit else {
      throw RevocationListError("it is larger than \(Self.sizeLimit >> 20) MiB")
    }
    self.init()
    if bytes.starts(with: Self.magic) {
      try readBinary(bytes)
    } else {
      try readText(bytes)
    }
  }

  /// What a key is looked for by.
  public struct Key: Equatable, Sendable {
    let blob: [UInt8]
    let sha1: [UInt8]
    let sha256: [UInt8]

    /// A plain key's blob and the two hashes of it.
    public init(blob: [UInt8], sha1: [UInt8], sha256: [UInt8]) {
      self.blob = blob
      self.sha1 = sha1
      self.sha256 = sha256
    }
  }

  /// True when the key itself is revoked.
  public func revokes(_ key: Key) -> Bool {
    keys.contains(key.blob) || sha1Fingerprints.contains(key.sha1) || sha256Fingerprints.contains(key.sha256)
  }

  /// True when the certificate is revoked by its number or its key id. Its key and its authority are asked about by
  /// themselves.
  public func revokes(_ certificate: Certificate) -> Bool {
    revokes(serial: certificate.serial, keyID: certificate.keyID, of: certificate.authority.blob)
  }

  /// True when a certificate of the authority with this blob is revoked by its number or its key id.
  public func revokes(serial: UInt64, keyID: [UInt8], of authority: [UInt8]) -> Bool {
    [authority, []].compactMap { certificates[$0] }.contains { revoked in
      // 0 stands for no number.
      revoked.keyIDs.contains(keyID) || (serial != 0 && revoked.serials.contains(serial))
    }
  }

  private mutating func readText(_ bytes: [UInt8]) throws(RevocationListError) {
    for line in TextLines(bytes[...]) {
      if line.text.first == UInt8(ascii: "#") || (line.text.isEmpty && !line.isCut) { continue }
      let fields = line.text.split(maxSplits: 2, whereSeparator: isBlank)
      guard !line.isCut || fields.count == 3 else {
        throw RevocationListError("line \(line.number) is longer than \(TextLines.limit) bytes before its comment")
      }
      guard fields.count >= 2, let blob = Base64.decode(fields[1]) else {
        throw RevocationListError("line \(line.number) is no key in the form 'type base64 comment'")
      }
      var reader = WireReader(blob)
      guard let type = try? reader.string(limit: 64), type.elementsEqual(fields[0]) else {
        throw RevocationListError("line \(line.number): the type before the key is not the type inside it")
      }
      if let key = try Self.plainKey(blob, "line \(line.number)") { keys.insert(key) }
    }
  }

  /// The blob of a key, or of the key in a certificate; nil: of a type that no login has, as ssh-dss.
  static func plainKey(_ blob: [UInt8], _ place: String) throws(RevocationListError) -> [UInt8]? {
    if Certificate.isCertificate(blob) {
      guard let certificate = try? Certificate(blob: blob[...]) else {
        throw RevocationListError("\(place): the certificate is malformed")
      }
      return certificate.key.blob
    }
    do throws(PublicKeyError) {
      return try PublicKey(blob: blob[...]).blob
    } catch {
      if error == .type, Self.isOtherType(blob) { return nil }
      throw RevocationListError("\(place): \(error)")
    }
  }

  /// True for types that OpenSSH has and we do not accept.
  private static func isOtherType(_ blob: [UInt8]) -> Bool {
    var reader = WireReader(blob)
    guard let type = try? reader.text(limit: 64) else { return false }
    return ["ssh-dss", "ssh-xmss@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"].contains(type)
  }
}
