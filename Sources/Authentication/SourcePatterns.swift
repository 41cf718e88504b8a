import AccessControl
import Filter

/// Where a key may be used from: the patterns of `from=`, sshd(8) and ssh_config(5), PATTERNS.
///
/// Each is a range of addresses, or has `*` and `?` and stands for an address as it is written; one with `!` in front
/// excludes. Names of hosts are not looked up, as with sshd's `UseDNS no`: a pattern for one matches no address.
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

  /// Reads patterns that commas separate. Throws for an empty one, and for a range that is none.
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

  /// True when one of the patterns is of `address`, and none that excludes is.
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
      // No address is written with a slash: this was meant as a range.
      guard error == .notAnAddress, !pattern.contains(UInt8(ascii: "/")) else {
        let why = if case .bitsAfterPrefix = error { "has bits set after its prefix" } else { "\(error)" }
        throw KeyOptionError("pattern \(number) of from= \(why)")
      }
      return .text(NamePattern(text))
    }
  }
}
