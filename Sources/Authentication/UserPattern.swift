import AccessControl
import Filter

/// Why a text names no users.
public enum UserPatternError: Error, Equatable, Sendable {
  /// Empty, longer than ``UserPattern/longest``, or with a control character.
  case name
  /// What stands behind the last `@` is meant as an address, and is none.
  case address(AddressRangeError)
  /// Begins with `!`.
  case negated
}

/// Users of a list: a name or a pattern, and after `@` where they come from. `anna`, `ops-*`, `backup@192.0.2.0/24`
///
/// An `@` without an address behind it belongs to the name, as some name services have it: `anna@example.org`.
public struct UserPattern: Hashable, Sendable, CustomStringConvertible {
  /// Bytes of the name.
  public static let longest = 256

  public let name: NamePattern
  /// nil: wherever they come from.
  public let addresses: AddressRange?

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

  /// True when the list means `user` who comes from `address`.
  public func matches(_ user: String, from address: IPAddress) -> Bool {
    name.matches(user) && addresses?.contains(address) ?? true
  }

  /// As ``init(_:)`` reads it.
  public var description: String { addresses.map { "\(name)@\($0)" } ?? name.description }

  /// True for what can be a name or a pattern of one: 1 to 256 bytes, no control characters, no `!` first.
  public static func isName(_ text: some StringProtocol) -> Bool {
    (1...longest).contains(text.utf8.count) && text.first != "!"
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  /// Digits and dots, anything with `/` or `:`, and patterns, as lists of sshd have them for hosts: no domain of users.
  private static func isMeantAsAddress(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e } || text.contains { "/:*?".contains($0) }
  }
}
