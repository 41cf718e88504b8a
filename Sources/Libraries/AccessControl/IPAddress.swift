/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) is treated as IPv4.
public struct IPAddress: Hashable, Sendable {
  /// 128 bits; IPv4 addresses in IPv4-mapped form, so that equal addresses have equal bits.
  let bits: UInt128

  init(bits: UInt128) { self.bits = bits }

  /// An address from 4 bytes (IPv4) or 16 bytes (IPv6) in network byte order; nil for any other length.
  public init?(bytes: some Collection<UInt8>) {
    let number = bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    switch bytes.count {
    case 4: bits = Self.mappedPrefix | number
    case 16: bits = number
    default: return nil
    }
  }

  /// Parses `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`, without brackets or zone. RFC 4291, section 2.2
  ///
  /// Leading zeros in IPv4 are refused, because other programs read them as octal. nil for text that is not an address.
  public init?(_ text: some StringProtocol) {
    let text = Array(text.utf8.prefix(46))
    guard text.count <= 45 else { return nil }
    if text.contains(UInt8(ascii: ":")) {
      guard let bits = ipv6(text[...]) else { return nil }
      self.bits = bits
    } else {
      guard let number = ipv4(text[...]) else { return nil }
      bits = Self.mappedPrefix | UInt128(number)
    }
  }

  /// True for IPv4, including IPv4-mapped IPv6 addresses.
  public var isIPv4: Bool { bits >> 32 == Self.mappedPrefix >> 32 }

  /// True for `fe80::/10`, whose addresses are unique only on one link. RFC 4291, section 2.5.6
  public var isLinkLocal: Bool { bits >> 118 == 0x3fa }

  /// 32 for IPv4, 128 for IPv6.
  public var bitWidth: Int { isIPv4 ? 32 : 128 }

  /// 4 or 16 bytes in network byte order.
  public var bytes: [UInt8] {
    stride(from: bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt128($0)) }
  }

  /// `::`, which is never the source of a packet. RFC 4291, section 2.5.2
  public static let unspecified = IPAddress(bits: 0)

  /// `::ffff:0:0`, the prefix of IPv4-mapped addresses.
  static let mappedPrefix = UInt128(0xffff) << 32
}

extension IPAddress: CustomStringConvertible {
  /// The canonical text of RFC 5952: lower case, no leading zeros, the longest run of zeros as `::`.
  public var description: String {
    if isIPv4 { return bytes.map { "\($0)" }.joined(separator: ".") }
    let groups = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: bits >> UInt128($0)) }
    let gap = Self.longestRunOfZeros(groups)
    let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    return gap.count < 2 ? text(groups[...]) : text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
  }

  private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    for (i, group) in groups.enumerated() {
      if group != 0 { start = i + 1 } else if i + 1 - start > longest.count { longest = start..<i + 1 }
    }
    return longest
  }
}

/// Four decimal numbers from 0 to 255 without leading zeros.
private func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
  let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  guard parts.count == 4 else { return nil }
  var number: UInt32 = 0
  for part in parts {
    guard part.allSatisfy({ (0x30...0x39).contains($0) }), part.first != 0x30 || part.count == 1,
      let byte = UInt8(String(decoding: part, as: UTF8.self))
    else { return nil }
    number = number << 8 | UInt32(byte)
  }
  return number
}

/// Eight groups, or fewer around one `::`; the last two may be written as an IPv4 address.
private func ipv6(_ text: ArraySlice<UInt8>) -> UInt128? {
  let colon = UInt8(ascii: ":")
  let gap = zip(text.indices, text.indices.dropFirst()).first { text[$0] == colon && text[$1] == colon }?.0
  guard let gap else {
    let all = groups(text)
    return all?.count == 8 ? all.map { joined($0) } : nil
  }
  let head = text[..<gap]
  let tail = text[(gap + 2)...]
  guard let front = head.isEmpty ? [] : groups(head, mayEndInIPv4: false), let back = tail.isEmpty ? [] : groups(tail),
    front.count + back.count <= 7
  else { return nil }
  return joined(front + Array(repeating: 0, count: 8 - front.count - back.count) + back)
}

private func joined(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }

private func groups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool = true) -> [UInt16]? {
  let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  var groups: [UInt16] = []
  for (index, part) in parts.enumerated() {
    if mayEndInIPv4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
      guard let last = ipv4(part) else { return nil }
      groups += [UInt16(last >> 16), UInt16(last & 0xffff)]
    } else {
      // Swift's own initializer would accept a sign.
      guard (1...4).contains(part.count), part.allSatisfy({ isHexDigit($0) }),
        let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
      else { return nil }
      groups.append(group)
    }
  }
  return groups
}

private func isHexDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
  default: false
  }
}
