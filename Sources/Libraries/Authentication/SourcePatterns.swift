import AccessControl
import Filter

/// The pattern list of `from=`: where a key may be used from. sshd(8); ssh_config(5), PATTERNS
///
/// A pattern is an address range, or a text with `*` and `?` that is compared with the address in its text form; `!` in
/// front negates it. Host names are not looked up, as with `UseDNS no` in sshd, so a pattern for a host name matches
/// nothing.
public struct SourcePatterns: Equatable, Sendable {
  private enum Place: Equatable, Sendable {
    case range(AddressRange)
    case text(NamePattern)
  }

  private struct Pattern: Equatable, Sendable {
    let isNegated: Bool
    let place: Place
  }

  private let patterns: [Pattern]

  /// Parses patterns separated by commas.
  ///
  /// - Throws: `KeyOptionError` for an empty pattern or an invalid range.
  public init(_ text: [UInt8]) throws(KeyOptionError) {
    var patterns: [Pattern] = []
    for (index, part) in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).enumerated() {
      let isNegated = part.first == UInt8(ascii: "!")
      let pattern = part.dropFirst(isNegated ? 1 : 0)
      guard !pattern.isEmpty else { throw KeyOptionError("from= has an empty pattern") }
      patterns.append(Pattern(isNegated: isNegated, place: try Self.place(pattern, number: index + 1)))
    }
    self.patterns = patterns
  }

  /// True if at least one pattern matches `address` and no negated one does.
  public func contains(_ address: IPAddress) -> Bool {
    let written = "\(address)"
    let matching = patterns.filter { pattern in
      switch pattern.place {
      case .range(let range): range.contains(address)
      case .text(let pattern): pattern.matches(written)
      }
    }
    return !matching.isEmpty && !matching.contains(where: \.isNegated)
  }

  private static func place(_ pattern: ArraySlice<UInt8>, number: Int) throws(KeyOptionError) -> Place {
    let text = String(decoding: pattern.lowercased, as: UTF8.self)
    do throws(AddressRangeError) {
      return .range(try AddressRange(text))
    } catch {
      // An address contains no slash, so this was meant as a range.
      guard error == .notAnAddress, !pattern.contains(UInt8(ascii: "/")) else {
        let why = if case .bitsAfterPrefix = error { "has bits set after its prefix" } else { "\(error)" }
        throw KeyOptionError("pattern \(number) of from= \(why)")
      }
      return .text(NamePattern(text))
    }
  }
}
