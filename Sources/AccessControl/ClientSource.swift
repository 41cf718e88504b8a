/// Whoever can be told apart by where connections come from: an IPv4 address, or the /64 of an IPv6 address, since that
/// is the least that one customer or machine has.
public struct ClientSource: Hashable, Sendable, CustomStringConvertible {
  /// Of IPv6, the first address of the /64.
  private let bits: UInt128

  /// The source that `address` belongs to.
  public init(_ address: IPAddress) { bits = AddressRange(around: address, prefixLength: 64).base.bits }

  /// All its addresses.
  public var range: AddressRange { AddressRange(around: IPAddress(bits: bits), prefixLength: 64) }

  /// The /24 of IPv4 or the /48 of IPv6 that it is in: what one customer of a provider can have several sources in.
  public var network: AddressRange {
    let base = IPAddress(bits: bits)
    return AddressRange(around: base, prefixLength: base.isIPv4 ? 24 : 48)
  }

  /// `192.0.2.1`, `2001:db8::/64`.
  public var description: String { range.description }
}
