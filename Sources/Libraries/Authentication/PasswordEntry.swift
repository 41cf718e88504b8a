import Wire

/// Why text is not a password hash that we accept.
public enum PasswordEntryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An unsupported scheme, such as `$6$` or `$argon2i$`.
  case scheme
  /// The text does not have the format of its scheme.
  case form
  /// A parameter is too weak to be safe or too expensive to compute. The text names it and its permitted range.
  case range(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .scheme: "neither Argon2id ('$argon2id$v=19$…') nor bcrypt ('$2b$…'); 'bssh-server hash-password' creates one"
    case .form: "the hash is truncated or damaged; 'bssh-server hash-password' creates one"
    case .range(let what): what
    }
  }
}

/// A password hash in the configuration: Argon2id as a PHC string, or bcrypt.
///
/// The limits keep a typing error from blocking logins: 8 KiB…1 GiB of memory, 1…64 passes, 1…16 lanes, bcrypt cost
/// 4…16.
public enum PasswordEntry: Equatable, Sendable {
  /// Argon2id, version 0x13. RFC 9106
  case argon2id(Argon2id)
  /// The whole string for crypt(3), and its cost as the base-2 logarithm of the rounds. crypt(5)
  case bcrypt(String, cost: Int)

  /// The parameters, salt and tag of an Argon2id hash.
  public struct Argon2id: Equatable, Sendable {
    /// Memory in KiB.
    public var memory: UInt32
    /// Number of passes over the memory.
    public var passes: UInt32
    /// Degree of parallelism.
    public var lanes: UInt32
    /// 8…64 bytes.
    public var salt: [UInt8]
    /// The hash itself, 16…64 bytes.
    public var tag: [UInt8]

    /// A hash whose values the caller has checked.
    public init(memory: UInt32, passes: UInt32, lanes: UInt32, salt: [UInt8], tag: [UInt8]) {
      self.memory = memory
      self.passes = passes
      self.lanes = lanes
      self.salt = salt
      self.tag = tag
    }

    /// The hash as a PHC string.
    public var text: String {
      let salt = String(decoding: Base64.encode(salt, padded: false), as: UTF8.self)
      let tag = String(decoding: Base64.encode(tag, padded: false), as: UTF8.self)
      return "$argon2id$v=19$m=\(memory),t=\(passes),p=\(lanes)$\(salt)$\(tag)"
    }
  }

  /// Parses a password hash.
  ///
  /// - Throws: `PasswordEntryError.scheme` if the scheme is not supported, `form` if the text is malformed, `range` if
  ///   a parameter is out of its limits.
  public init(_ text: String) throws(PasswordEntryError) {
    let parts = text.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false).map(Array.init)
    guard parts.count >= 2, parts[0].isEmpty else { throw .scheme }
    switch String(decoding: parts[1], as: UTF8.self) {
    case "argon2id": self = .argon2id(try Self.argon2id(parts))
    case "2a", "2b", "2y": self = .bcrypt(text, cost: try Self.bcryptCost(parts))
    default: throw .scheme
    }
  }

  private static func argon2id(_ parts: [[UInt8]]) throws(PasswordEntryError) -> Argon2id {
    guard parts.count == 6, parts[2].elementsEqual("v=19".utf8) else { throw .form }
    let costs = parts[3].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard costs.count == 3, let memory = number(costs[0], "m="), let passes = number(costs[1], "t="),
      let lanes = number(costs[2], "p="), let salt = Base64.decode(parts[4], padded: false),
      let tag = Base64.decode(parts[5], padded: false)
    else { throw .form }
    guard (8...1 << 20).contains(memory) else { throw .range("the memory m=\(memory) is not in 8…1048576 (KiB)") }
    guard (1...64).contains(passes) else { throw .range("the passes t=\(passes) are not in 1…64") }
    guard (1...16).contains(lanes) else { throw .range("the lanes p=\(lanes) are not in 1…16") }
    guard memory >= 8 * lanes else { throw .range("the memory m=\(memory) is less than 8 KiB for each of p=\(lanes)") }
    guard (8...64).contains(salt.count) else { throw .range("the salt has \(salt.count) bytes, not 8…64") }
    guard (16...64).contains(tag.count) else { throw .range("the tag has \(tag.count) bytes, not 16…64") }
    return Argon2id(memory: memory, passes: passes, lanes: lanes, salt: salt, tag: tag)
  }

  private static func bcryptCost(_ parts: [[UInt8]]) throws(PasswordEntryError) -> Int {
    let letters = parts.count == 4 ? parts[3] : []
    guard letters.count == 53, letters.allSatisfy(isBcryptDigit), parts[2].count == 2,
      let cost = digits(parts[2][...]).map(Int.init)
    else { throw .form }
    guard (4...16).contains(cost) else { throw .range("the bcrypt cost \(cost) is not in 4…16") }
    return cost
  }

  /// The number after `prefix`; nil if it has leading zeros.
  private static func number(_ text: ArraySlice<UInt8>, _ prefix: String) -> UInt32? {
    guard text.starts(with: prefix.utf8) else { return nil }
    let text = text.dropFirst(prefix.utf8.count)
    return text.first == UInt8(ascii: "0") && text.count > 1 ? nil : digits(text)
  }

  private static func digits(_ text: ArraySlice<UInt8>) -> UInt32? {
    guard (1...9).contains(text.count), text.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return text.reduce(0) { $0 * 10 + UInt32($1 - 48) }
  }

  private static func isBcryptDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "/"):
      true
    default: false
    }
  }
}
