import Wire

/// Why bytes are not a usable revocation list, as text for people.
public struct RevocationListError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The reason.
  public let description: String

  /// An error with this reason.
  public init(_ description: String) { self.description = description }
}

/// Revoked keys and certificates: `auth.publickey.revoked_keys`.
///
/// The list is an OpenSSH key revocation list (PROTOCOL.krl), or text with one public key per line. If any part is not
/// understood, the whole list is unusable: to refuse all logins is safer than to miss a revoked key.
public struct RevocationList: Equatable, Sendable {
  /// Maximum size of a list in bytes.
  public static let sizeLimit = 8 << 20

  /// A signature on the list. It covers all bytes before it.
  public struct Signature: Equatable, Sendable {
    /// The key that signed the list.
    public let key: PublicKey
    /// The signature blob, for ``SignatureBlob``.
    public let blob: [UInt8]
    /// How many bytes of the list the signature covers, from the start.
    public let signedCount: Int
  }

  /// Revoked certificates of one CA, or of every CA.
  struct Certificates: Equatable, Sendable {
    var serials = SerialSet()
    var keyIDs: Set<[UInt8]> = []
  }

  /// Blobs of revoked keys. A listed certificate revokes its key.
  var keys: Set<[UInt8]> = []
  var sha1Fingerprints: Set<[UInt8]> = []
  var sha256Fingerprints: Set<[UInt8]> = []
  /// By the blob of the CA key; the empty key stands for every CA.
  var certificates: [[UInt8]: Certificates] = [:]
  /// Signatures that the caller must verify; this type cannot.
  public internal(set) var signatures: [Signature] = []

  init() {}

  /// Parses a list in either format.
  ///
  /// - Throws: `RevocationListError` if the list is larger than ``sizeLimit`` or any part is not understood.
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

  /// A key as the list can name it: by its blob or by one of its hashes.
  public struct Key: Equatable, Sendable {
    let blob: [UInt8]
    let sha1: [UInt8]
    let sha256: [UInt8]

    /// A plain key's blob, and the SHA-1 and SHA-256 of it.
    public init(blob: [UInt8], sha1: [UInt8], sha256: [UInt8]) {
      self.blob = blob
      self.sha1 = sha1
      self.sha256 = sha256
    }
  }

  /// True if the key itself is revoked.
  public func revokes(_ key: Key) -> Bool {
    keys.contains(key.blob) || sha1Fingerprints.contains(key.sha1) || sha256Fingerprints.contains(key.sha256)
  }

  /// True if the certificate is revoked by serial number or key ID. The caller checks its key and its CA key
  /// separately.
  public func revokes(_ certificate: Certificate) -> Bool {
    revokes(serial: certificate.serial, keyID: certificate.keyID, of: certificate.authority.blob)
  }

  /// True if a certificate with this serial number and key ID is revoked for the CA key with the blob `authority`.
  public func revokes(serial: UInt64, keyID: [UInt8], of authority: [UInt8]) -> Bool {
    [authority, []].compactMap { certificates[$0] }.contains { revoked in
      // Serial number 0 means that the CA did not assign one.
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
        throw RevocationListError("line \(line.number) is not a key in the form 'type base64 comment'")
      }
      var reader = WireReader(blob)
      guard let type = try? reader.string(limit: 64), type.elementsEqual(fields[0]) else {
        throw RevocationListError("line \(line.number): the type before the key differs from the type in it")
      }
      if let key = try Self.plainKey(blob, "line \(line.number)") { keys.insert(key) }
    }
  }

  /// The blob of a key, or of the key in a certificate; nil for a type that cannot log in here, such as ssh-dss.
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

  /// True for types that OpenSSH supports and we do not.
  private static func isOtherType(_ blob: [UInt8]) -> Bool {
    var reader = WireReader(blob)
    guard let type = try? reader.text(limit: 64) else { return false }
    return ["ssh-dss", "ssh-xmss@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"].contains(type)
  }
}
