/// A party that can be told apart by address: an IPv4 address, or the /64 of an IPv6 address, because that is the least
/// that a customer or host is assigned.
public struct ClientSource: Hashable, Sendable, CustomStringConvertible {
  /// For IPv6, the first address of the /64.
  private let bits: UInt128

  /// The source to which `address` belongs.
  public init(_ address: IPAddress) { bits = AddressRange(around: address, prefixLength: 64).base.bits }

  /// All addresses of the source.
  public var range: AddressRange { AddressRange(around: IPAddress(bits: bits), prefixLength: 64) }

  /// The IPv4 /24 or IPv6 /48 around the source, in which one customer of a provider can have several sources.
  public var network: AddressRange {
    let base = IPAddress(bits: bits)
    return AddressRange(around: base, prefixLength: base.isIPv4 ? 24 : 48)
  }

  /// `192.0.2.1` or `2001:db8::/64`.
  public var description: String { range.description }
}
