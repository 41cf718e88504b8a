/// The keys of a file of authorities that are trusted for every user: `auth.publickey.trusted_user_ca_keys`.
public struct TrustedAuthorities: Equatable, Sendable {
  /// The largest file, in bytes.
  public static let sizeLimit = 1 << 20

  public let keys: [PublicKey]

  /// The line that is wrong, and what is wrong with it.
  public struct Fault: Error, Equatable, Sendable {
    public let line: Int
    public let reason: String
  }

  /// None.
  public init() { keys = [] }

  /// Reads one public key from each line; blank lines and comments are passed.
  ///
  /// Every line must be right: an administrator who lists an authority means it.
  public init(_ content: [UInt8]) throws(Fault) {
    var keys: [PublicKey] = []
    for entry in AuthorizedKeys(content[...]) {
      switch entry {
      case .refused(let reason, let line): throw Fault(line: line, reason: reason)
      case .key(let key, let options, let line):
        guard options == KeyOptions() else {
          throw Fault(line: line, reason: "options have no place here: a certificate says what it allows")
        }
        keys.append(key)
      }
    }
    self.keys = keys
  }
}
