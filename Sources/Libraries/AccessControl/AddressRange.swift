/// An address prefix: `192.0.2.0/24`, `2001:db8::/32`, or a single address. RFC 4632, RFC 4291
///
/// A range belongs to one family and contains no address of the other: `::/0` contains no IPv4 address. A range of
/// IPv4-mapped addresses, such as `::ffff:192.0.2.0/120`, is an IPv4 range.
public struct AddressRange: Hashable, Sendable {
  /// The first address; all bits after the prefix are 0.
  public let base: IPAddress
  /// Length of the prefix in bits: 0…32 for IPv4, 0…128 for IPv6.
  public let prefixLength: Int

  /// The range that contains only `address`.
  public init(_ address: IPAddress) {
    base = address
    prefixLength = address.bitWidth
  }

  /// The range of `prefixLength` bits that contains `address`. A length outside of the family's limits is clamped.
  public init(around address: IPAddress, prefixLength: Int) {
    self.prefixLength = min(max(prefixLength, 0), address.bitWidth)
    base = IPAddress(bits: address.bits & ~Self.hostMask(address, self.prefixLength))
  }

  /// Parses `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`.
  ///
  /// Bits set after the prefix, as in `192.0.2.1/24`, are an error, because it is unclear which range was meant. sshd
  /// refuses them too.
  ///
  /// - Throws: `AddressRangeError`, see its cases.
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
    // The notation of the address determines the maximum length of the prefix.
    let isMapped = address.isIPv4 && text[..<slash].contains(UInt8(ascii: ":"))
    let limit = isMapped ? 128 : address.bitWidth
    guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.first != 0x30 || digits.count == 1, let length = Int(String(decoding: digits, as: UTF8.self)),
      length <= limit
    else { throw .badPrefixLength(limit: limit) }
    // A shorter prefix would contain addresses other than the IPv4-mapped ones.
    guard !isMapped || length >= 96 else { throw .badMappedPrefix }
    self.init(around: address, prefixLength: isMapped ? length - 96 : length)
    guard base == address else { throw .bitsAfterPrefix(self) }
  }

  /// True if `address` is in the range.
  public func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 == base.isIPv4 && (address.bits ^ base.bits) & ~Self.hostMask(base, prefixLength) == 0
  }

  /// The mask of the bits after the prefix.
  private static func hostMask(_ address: IPAddress, _ prefixLength: Int) -> UInt128 {
    let hostBits = address.bitWidth - prefixLength
    return hostBits == 128 ? .max : UInt128(1) << UInt128(hostBits) - 1
  }
}

extension AddressRange: CustomStringConvertible {
  /// `192.0.2.0/24`, or a single address without a prefix length.
  public var description: String { prefixLength == base.bitWidth ? "\(base)" : "\(base)/\(prefixLength)" }
}

/// Why text is not an address range. The description continues a sentence that begins with the text.
public enum AddressRangeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The part before `/` is not an address.
  case notAnAddress
  /// The part after `/` is not a number from 0 to `limit`.
  case badPrefixLength(limit: Int)
  /// The range contains both IPv4-mapped and other addresses.
  case badMappedPrefix
  /// The address has bits set after the prefix. The value is the range that contains it.
  case bitsAfterPrefix(AddressRange)

  public var description: String {
    switch self {
    case .notAnAddress: "is neither an address nor a range, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
    case .badPrefixLength(let limit): "has no prefix length from 0 to \(limit) after '/'"
    case .badMappedPrefix: "is a range of IPv4-mapped addresses, whose prefix must have 96 to 128 bits"
    case .bitsAfterPrefix(let range): "has bits set after its prefix; the range around this address is \(range)"
    }
  }
}
