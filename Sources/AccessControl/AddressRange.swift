/// All addresses that begin with the same bits: `192.0.2.0/24`, `2001:db8::/32`, or one address alone. RFC 4632, RFC 4291
///
/// A range is of IPv4 or of IPv6, and holds no address of the other: `::/0` holds no IPv4 address. What is written as a
/// range of IPv4-mapped addresses, as `::ffff:192.0.2.0/120`, is the range of IPv4.
public struct AddressRange: Hashable, Sendable {
  /// Its first address; all bits after the prefix are 0.
  public let base: IPAddress
  /// How many bits its addresses have in common: at most 32 for IPv4, at most 128 for IPv6.
  public let prefixLength: Int

  /// One address alone.
  public init(_ address: IPAddress) {
    base = address
    prefixLength = address.bitWidth
  }

  /// The range of `prefixLength` bits that holds `address`; a longer prefix than the address is one address alone.
  public init(around address: IPAddress, prefixLength: Int) {
    self.prefixLength = min(max(prefixLength, 0), address.bitWidth)
    base = IPAddress(bits: address.bits & ~Self.hostMask(address, self.prefixLength))
  }

  /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
  ///
  /// Throws for a range that has bits set after its prefix, as `192.0.2.1/24`: it is a slip, and which of two ranges was
  /// meant cannot be known. sshd refuses it as well.
  public init(_ text: some StringProtocol) throws(AddressRangeError) {
    let text = Array(text.utf8.prefix(64))
    let slash = text.firstIndex(of: UInt8(ascii: "/"))
    guard let address = IPAddress(String(decoding: text[..<(slash ?? text.endIndex)], as: UTF8.self))
    else { throw .notAnAddress }
    guard let slash else {
      self.init(address)
      return
    }
    let digits = text[(slash + 1)...]
    // How the address was written says how long its prefix may be.
    let isMapped = address.isIPv4 && text[..<slash].contains(UInt8(ascii: ":"))
    let limit = isMapped ? 128 : address.bitWidth
    guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.first != 0x30 || digits.count == 1, let length = Int(String(decoding: digits, as: UTF8.self)),
      length <= limit
    else { throw .badPrefixLength(limit: limit) }
    // Shorter than the prefix of all mapped addresses: it would be neither one family nor the other.
    guard !isMapped || length >= 96 else { throw .badMappedPrefix }
    self.init(around: address, prefixLength: isMapped ? length - 96 : length)
    guard base == address else { throw .bitsAfterPrefix(self) }
  }

  /// True when `address` is in the range.
  public func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 == base.isIPv4 && (address.bits ^ base.bits) & ~Self.hostMask(base, prefixLength) == 0
  }

  /// The bits after the prefix.
  private static func hostMask(_ address: IPAddress, _ prefixLength: Int) -> UInt128 {
    let hostBits = address.bitWidth - prefixLength
    return hostBits == 128 ? .max : UInt128(1) << UInt128(hostBits) - 1
  }
}

extension AddressRange: CustomStringConvertible {
  /// `192.0.2.0/24`; an address alone without its length.
  public var description: String { prefixLength == base.bitWidth ? "\(base)" : "\(base)/\(prefixLength)" }
}

/// Why a text is no range of addresses. Described as what follows the text in a sentence.
public enum AddressRangeError: Error, Equatable, Sendable, CustomStringConvertible {
  case notAnAddress
  /// After `/` stands something else than a number up to `limit`.
  case badPrefixLength(limit: Int)
  /// A range of IPv4-mapped addresses that holds others too.
  case badMappedPrefix
  /// The address has bits set after the prefix; the value is the range around it.
  case bitsAfterPrefix(AddressRange)

  public var description: String {
    switch self {
    case .notAnAddress: "is no address and no range of addresses, as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
    case .badPrefixLength(let limit): "has no length of a prefix, from 0 to \(limit), after its '/'"
    case .badMappedPrefix: "is of IPv4-mapped addresses, whose prefix has 96 to 128 bits"
    case .bitsAfterPrefix(let range): "has bits set after its prefix; the range around this address is \(range)"
    }
  }
}
