/// The CA keys that are trusted for every user: `auth.publickey.trusted_user_ca_keys`.
public struct TrustedAuthorities: Equatable, Sendable {
  /// Maximum size of the file in bytes.
  public static let sizeLimit = 1 << 20

  /// The CA keys, in the order of the file.
  public let keys: [PublicKey]

  /// The first faulty line of the file.
  public struct ParseError: Error, Equatable, Sendable {
    /// Its number, counted from 1.
    public let line: Int
    /// What is wrong, as text for people.
    public let reason: String
  }

  /// No CA keys.
  public init() { keys = [] }

  /// Parses a file with one public key per line. Blank lines and comments are skipped.
  ///
  /// A faulty line is an error rather than skipped: an administrator who lists a CA key expects it to work.
  ///
  /// - Throws: `ParseError` for the first line that is not understood or has options.
  public init(_ content: [UInt8]) throws(ParseError) {
    var keys: [PublicKey] = []
    for entry in AuthorizedKeys(content[...]) {
      switch entry {
      case .refused(let reason, let line): throw ParseError(line: line, reason: reason)
      case .key(let key, let options, let line):
        guard options == KeyOptions() else {
          throw ParseError(line: line, reason: "options are not allowed here: certificates contain their permissions")
        }
        keys.append(key)
      }
    }
    self.keys = keys
  }
}
