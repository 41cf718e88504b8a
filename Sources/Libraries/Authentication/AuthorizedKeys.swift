/// Parses the content of an authorized_keys file line by line. sshd(8), AUTHORIZED_KEYS FILE FORMAT
///
/// A line that is not understood completely is refused as a whole. The content is not copied, except for the key of the
/// current line.
public struct AuthorizedKeys: Sequence, IteratorProtocol, Sendable {
  /// A line that is neither blank nor a comment.
  public enum Entry: Equatable, Sendable {
    /// A key with its options.
    case key(PublicKey, KeyOptions, line: Int)
    /// A line that is not understood. `reason` is for people and quotes nothing from the line.
    case refused(reason: String, line: Int)
  }

  /// Maximum length in bytes of options, type and key; a comment may exceed it.
  public static let lineLimit = TextLines.limit

  private var lines: TextLines

  /// Starts at the beginning of `content`.
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
    if line.text.contains(0) { throw KeyOptionError("the line contains a NUL byte") }
    var rest = line.text
    var options = KeyOptions()
    if keyType(at: rest) == nil {
      options = try KeyOptions(reading: &rest)
      rest = rest.drop(while: isBlank)
    }
    guard let name = keyType(at: rest) else { throw KeyOptionError("no key follows the options") }
    if Certificate.types.contains(name) {
      throw KeyOptionError("a certificate; use its CA key with cert-authority instead")
    }
    guard PublicKey.types.contains(name) else { throw KeyOptionError("keys of type \(name) are not accepted") }
    if line.isCut {
      // Only a blank after the key shows that the cut did not fall inside it.
      let key = rest.dropFirst(name.utf8.count).drop(while: isBlank)
      guard key.contains(where: isBlank) else { throw KeyOptionError("the end of the key is missing") }
    }
    return (try usableKey(rest), options)
  }

  private static func usableKey(_ text: ArraySlice<UInt8>) throws(KeyOptionError) -> PublicKey {
    let key: PublicKey
    do throws(PublicKeyError) { key = try PublicKey(text: text) } catch { throw KeyOptionError(error.description) }
    guard !key.isTooSmall else {
      throw KeyOptionError("the RSA key has \(key.bits) bits; at least \(PublicKey.minimumRSABits) are required")
    }
    return key
  }

  /// The first word, if it is the name of a key type: one that we accept, or one of OpenSSH that we refuse.
  private static func keyType(at text: ArraySlice<UInt8>) -> String? {
    let word = text.prefix { !isBlank($0) }
    guard word.count <= 64, let name = String(validating: word, as: UTF8.self) else { return nil }
    let isKnown = PublicKey.types.contains(name) || Certificate.types.contains(name) || refusedTypes.contains(name)
    return isKnown ? name : nil
  }

  private static let refusedTypes = ["ssh-dss", "ssh-dss-cert-v01@openssh.com"]
}
