import AccessControl
import Filter

/// Why text is not a user pattern.
public enum UserPatternError: Error, Equatable, Sendable {
  /// The name is empty, longer than ``UserPattern/longest``, or contains a control character.
  case name
  /// The text after the last `@` looks like an address but is not valid.
  case address(AddressRangeError)
  /// The text begins with `!`.
  case negated
}

/// An entry in a list of users: a name or pattern, optionally followed by `@` and an address range. `anna`, `ops-*`,
/// `backup@192.0.2.0/24`
///
/// An `@` that no address follows is part of the name, because some name services have such names: `anna@example.org`.
public struct UserPattern: Hashable, Sendable, CustomStringConvertible {
  /// Maximum length of the name in bytes.
  public static let longest = 256

  /// The name, or a pattern with `*` and `?`.
  public let name: NamePattern
  /// Where the user must connect from; nil: anywhere.
  public let addresses: AddressRange?

  /// An entry of these parts. The name is not checked.
  public init(name: NamePattern, addresses: AddressRange?) {
    self.name = name
    self.addresses = addresses
  }

  /// Parses an entry.
  ///
  /// - Throws: `UserPatternError`: `negated` if it begins with `!`, `address` if the part after the last `@` is an
  ///   invalid address range, `name` if the name is empty, too long or contains control characters.
  public init(_ text: String) throws(UserPatternError) {
    if text.hasPrefix("!") { throw .negated }
    var name = text[...]
    var addresses: AddressRange?
    if let at = text.lastIndex(of: "@") {
      let place = text[text.index(after: at)...]
      do throws(AddressRangeError) {
        addresses = try AddressRange(place)
        name = text[..<at]
      } catch {
        if Self.isMeantAsAddress(place) { throw .address(error) }
      }
    }
    guard Self.isName(name) else { throw .name }
    self.name = NamePattern(String(name))
    self.addresses = addresses
  }

  /// True if the pattern matches `user` connecting from `address`.
  public func matches(_ user: String, from address: IPAddress) -> Bool {
    name.matches(user) && addresses?.contains(address) ?? true
  }

  /// The entry in the form that ``init(_:)`` parses.
  public var description: String { addresses.map { "\(name)@\($0)" } ?? name.description }

  /// True for a valid name or name pattern: 1…256 bytes without control characters, not beginning with `!`.
  public static func isName(_ text: some StringProtocol) -> Bool {
    (1...longest).contains(text.utf8.count) && text.first != "!"
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  /// True for digits and dots, and for text with `/`, `:`, `*` or `?`, as in host patterns of sshd: none of these is a
  /// domain in a user name.
  private static func isMeantAsAddress(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e } || text.contains { "/:*?".contains($0) }
  }
}
