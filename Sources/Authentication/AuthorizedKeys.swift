/// Reads the content of an authorized_keys file line by line; the format is in sshd(8), AUTHORIZED_KEYS FILE FORMAT.
///
/// One line is one key, whole and understood, or it is refused: a line with options is refused because no option is
/// enforced yet, and an option ignored is a hole. Nothing is copied but the key of the line at hand.
public struct AuthorizedKeys: Sequence, IteratorProtocol, Sendable {
  /// A line that is neither blank nor a comment.
  public enum Entry: Equatable, Sendable {
    case key(PublicKey, line: Int)
    /// `reason` is for people.
    case refused(reason: String, line: Int)
  }

  /// The longest line, in bytes without its end.
  public static let lineLimit = 8 << 10

  private var rest: ArraySlice<UInt8>
  private var line = 0

  /// Reads `content` from its start.
  public init(_ content: ArraySlice<UInt8>) { rest = content }

  /// The next key or refused line; nil at the end.
  public mutating func next() -> Entry? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n"))
      var text = rest[..<(end ?? rest.endIndex)]
      rest = end.map { rest[($0 + 1)...] } ?? []
      line += 1
      if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
      guard text.count <= Self.lineLimit else {
        return .refused(reason: "the line is longer than \(Self.lineLimit) bytes", line: line)
      }
      text = text.drop(while: isBlank)
      guard let first = text.first, first != UInt8(ascii: "#") else { continue }
      switch Self.read(text) {
      case .success(let key): return .key(key, line: line)
      case .failure(let refusal): return .refused(reason: refusal.reason, line: line)
      }
    }
    return nil
  }

  /// Looks for a key with this blob; `warn` gets `path:line: reason` for each refused line that is passed.
  public static func contains(
    _ blob: [UInt8], in content: ArraySlice<UInt8>, path: String, warn: (String) -> Void
  ) -> Bool {
    for entry in AuthorizedKeys(content) {
      switch entry {
      case .key(let key, _): if key.blob == blob { return true }
      case .refused(let reason, let line): warn("\(path):\(line): \(reason)")
      }
    }
    return false
  }

  private struct Refusal: Error { let reason: String }

  private static func read(_ text: ArraySlice<UInt8>) -> Result<PublicKey, Refusal> {
    if text.contains(0) { return .failure(Refusal(reason: "the line holds a NUL byte")) }
    if let name = keyType(at: text) {
      guard PublicKey.types.contains(name) else {
        return .failure(Refusal(reason: "keys of type \(name) are not accepted"))
      }
      do throws(PublicKeyError) {
        let key = try PublicKey(text: text)
        guard !key.isTooSmall else {
          let reason = "the RSA key has \(key.bits) bits; \(PublicKey.minimumRSABits) are the least"
          return .failure(Refusal(reason: reason))
        }
        return .success(key)
      } catch { return .failure(Refusal(reason: error.description)) }
    }
    guard let end = endOfOptions(text) else { return .failure(Refusal(reason: "a quotation mark is not closed")) }
    guard keyType(at: text[end...].drop(while: isBlank)) != nil else {
      return .failure(Refusal(reason: "neither a key nor options followed by a key"))
    }
    return .failure(Refusal(reason: "the key has options, and options are not enforced yet: the line is not used"))
  }

  /// The first word when it looks like a key type: accepted ones, and those of OpenSSH that we do not accept.
  private static func keyType(at text: ArraySlice<UInt8>) -> String? {
    let word = text.prefix { !isBlank($0) }
    guard word.count <= 64, let name = String(validating: word, as: UTF8.self) else { return nil }
    return PublicKey.types.contains(name) || refusedTypes.contains(name) ? name : nil
  }

  private static let refusedTypes =
    ["ssh-dss", "ssh-dss-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com"]
    + ["sk-ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"]
    + PublicKey.Curve.allCases.map { "ecdsa-sha2-\($0.rawValue)-cert-v01@openssh.com" }

  /// Where the options end: at the first blank outside quotation marks, `\"` not being one. Nil: never.
  private static func endOfOptions(_ text: ArraySlice<UInt8>) -> Int? {
    var isQuoted = false
    var isEscaped = false
    for (index, byte) in zip(text.indices, text) {
      if isEscaped {
        isEscaped = false
        if byte == UInt8(ascii: "\"") { continue }
      }
      switch byte {
      case UInt8(ascii: "\\"): isEscaped = true
      case UInt8(ascii: "\""): isQuoted.toggle()
      case _ where isBlank(byte) && !isQuoted: return index
      default: break
      }
    }
    return isQuoted ? nil : text.endIndex
  }
}
