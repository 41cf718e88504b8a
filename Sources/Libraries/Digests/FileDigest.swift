/// The hashes that a client may request with the check-file extension, by their names there, strongest choice first.
/// draft-ietf-secsh-filexfer-extensions-00, section 3
public enum FileDigest: String, CaseIterable, Sendable {
  case sha256, sha512, sha1, md5

  /// Length of the hash in bytes.
  public var size: Int {
    switch self {
    case .sha256: 32
    case .sha512: 64
    case .sha1: 20
    case .md5: 16
    }
  }

  /// An empty hash, to which bytes are added.
  public func begin() -> RunningDigest {
    switch self {
    case .sha256: .sha256(BlockDigest())
    case .sha512: .sha512(BlockDigest())
    case .sha1: .sha1(BlockDigest())
    case .md5: .md5(BlockDigest())
    }
  }
}

/// A hash in progress, of any of the functions of ``FileDigest``.
public enum RunningDigest: Sendable {
  /// FIPS 180-4, section 6.2
  case sha256(BlockDigest<SHA256>)
  /// FIPS 180-4, section 6.4
  case sha512(BlockDigest<SHA512>)
  /// FIPS 180-4, section 6.1
  case sha1(BlockDigest<SHA1>)
  /// RFC 1321
  case md5(BlockDigest<MD5>)

  /// Hashes the next bytes.
  public mutating func add(_ bytes: ArraySlice<UInt8>) {
    switch self {
    case .sha256(var digest):
      digest.add(bytes)
      self = .sha256(digest)
    case .sha512(var digest):
      digest.add(bytes)
      self = .sha512(digest)
    case .sha1(var digest):
      digest.add(bytes)
      self = .sha1(digest)
    case .md5(var digest):
      digest.add(bytes)
      self = .md5(digest)
    }
  }

  /// The hash of all bytes added so far.
  public func finished() -> [UInt8] {
    switch self {
    case .sha256(let digest): digest.finished()
    case .sha512(let digest): digest.finished()
    case .sha1(let digest): digest.finished()
    case .md5(let digest): digest.finished()
    }
  }
}
