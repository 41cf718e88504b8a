/// Reads the content of an authorized_keys file line by line; the format is in sshd(8), AUTHORIZED_KEYS FILE FORMAT.
///
/// One line is one key with its options, whole and understood, or it is refused. Nothing is copied but the key of the
/// line at hand.
public struct AuthorizedKeys: Sequence, IteratorProtocol, Sendable {
  /// A line that is neither blank nor a comment.
  public enum Entry: Equatable, Sendable {
    case key(PublicKey, KeyOptions, line: Int)
    /// `reason` is for people.
    case refused(reason: String, line: Int)
  }

  /// The longest line, in bytes without its end.
  public static let lineLimit = TextLines.limit

  private var lines: TextLines

  /// Reads `content` from its start.
  public init(_ content: ArraySlice<UInt8>) { lines = TextLines(content) }

  /// The next key or refused line; nil at the end.
  public mutating func next() -> Entry? {
    while let line = lines.next() {
      guard let text = line.text else {
        return .refused(reason: "the line is longer than \(Self.lineLimit) bytes", line: line.number)
      }
      guard let first = text.first, first != UInt8(ascii: "#") else { continue }
      do throws(KeyOptionError) {
        let (key, options) = try Self.read(text)
        return .key(key, options, line: line.number)
      } catch { return .refused(reason: error.reason, line: line.number) }
    }
    return nil
  }

  private static func read(_ text: ArraySlice<UInt8>) throws(KeyOptionError) -> (PublicKey, KeyOptions) {
    if text.contains(0) { throw KeyOptionError("the line holds a NUL byte") }
    var rest = text
    var options = KeyOptions()
    if keyType(at: rest) == nil {
      options = try KeyOptions(reading: &rest)
      rest = rest.drop(while: isBlank)
    }
    guard let name = keyType(at: rest) else { throw KeyOptionError("no key follows the options") }
    if Certificate.types.contains(name) {
      throw KeyOptionError("a certificate; what belongs here is the key of its authority, with cert-authority")
    }
    guard PublicKey.types.contains(name) else { throw KeyOptionError("keys of type \(name) are not accepted") }
    return (try usableKey(rest), options)
  }

  private static func usableKey(_ text: ArraySlice<UInt8>) throws(KeyOptionError) -> PublicKey {
    let key: PublicKey
    do throws(PublicKeyError) { key = try PublicKey(text: text) } catch { throw KeyOptionError(error.description) }
    guard !key.isTooSmall else {
      throw KeyOptionError("the RSA key has \(key.bits) bits; \(PublicKey.minimumRSABits) are the least")
    }
    return key
  }

  /// The first word when it looks like a key type: accepted ones, and those of OpenSSH that we do not accept.
  private static func keyType(at text: ArraySlice<UInt8>) -> String? {
    let word = text.prefix { !isBlank($0) }
    guard word.count <= 64, let name = String(validating: word, as: UTF8.self) else { return nil }
    let isKnown = PublicKey.types.contains(name) || Certificate.types.contains(name) || refusedTypes.contains(name)
    return isKnown ? name : nil
  }

  private static let refusedTypes = ["ssh-dss", "ssh-dss-cert-v01@openssh.com"]
}
