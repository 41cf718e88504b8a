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

  /// Bytes of a line before its comment, at most: options, type and key.
  public static let lineLimit = TextLines.limit

  private var lines: TextLines

  /// Reads `content` from its start.
  public init(_ content: ArraySlice<UInt8>) { lines = TextLines(content) }

  /// The next key or refused line; nil at the end.
  public mutating func next() -> Entry? {
    while let line = lines.next() {
      if line.text.first == UInt8(ascii: "#") || (line.text.isEmpty && !line.isCut) { continue }
      do throws(KeyOptionError) {
        let (key, options) = try Self.read(line)
        return .key(key, options, line: line.number)
      } catch {
        let reason = line.isCut ? "the line is longer than \(Self.lineLimit) bytes before its comment" : error.reason
        return .refused(reason: reason, line: line.number)
      }
    }
    return nil
  }

  private static func read(_ line: TextLines.Line) throws(KeyOptionError) -> (PublicKey, KeyOptions) {
    if line.text.contains(0) { throw KeyOptionError("the line holds a NUL byte") }
    var rest = line.text
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
    if line.isCut {
      // The key is whole only where something follows it.
      let key = rest.dropFirst(name.utf8.count).drop(while: isBlank)
      guard key.contains(where: isBlank) else { throw KeyOptionError("the key does not end") }
    }
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
