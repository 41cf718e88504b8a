/// The hashes that a client may ask for, by their names in the check-file extension, best first.
public enum FileDigest: String, CaseIterable, Sendable {
  case sha256, sha512, sha1, md5

  /// Bytes of a hash.
  public var size: Int {
    switch self {
    case .sha256: 32
    case .sha512: 64
    case .sha1: 20
    case .md5: 16
    }
  }

  /// A hash of nothing, to add to.
  public func begin() -> RunningDigest {
    switch self {
    case .sha256: .sha256(BlockDigest())
    case .sha512: .sha512(BlockDigest())
    case .sha1: .sha1(BlockDigest())
    case .md5: .md5(BlockDigest())
    }
  }
}

/// A hash of what has come so far.
public enum RunningDigest: Sendable {
  case sha256(BlockDigest<SHA256>)
  case sha512(BlockDigest<SHA512>)
  case sha1(BlockDigest<SHA1>)
  case md5(BlockDigest<MD5>)

  /// Takes in what comes next.
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

  /// The hash.
  public func finished() -> [UInt8] {
    switch self {
    case .sha256(let digest): digest.finished()
    case .sha512(let digest): digest.finished()
    case .sha1(let digest): digest.finished()
    case .md5(let digest): digest.finished()
    }
  }
}
