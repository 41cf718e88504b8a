/// Which addresses may connect at all, whatever they could prove: `security.allowed_ips` and `security.blocked_ips`.
public struct ConnectionGate: Sendable {
  /// What it says of an address.
  public enum Verdict: Hashable, Sendable {
    case open
    /// It is in this range of the addresses that are blocked.
    case blocked(AddressRange)
    /// Only some addresses are allowed, and it is none of them.
    case notAllowed
  }

  private let allowed: RangeTrie
  private let blocked: RangeTrie

  /// - Parameters:
  ///   - allowed: if there are any, only these may connect.
  ///   - blocked: these may not, also where they are allowed.
  public init(allowed: [AddressRange] = [], blocked: [AddressRange] = []) {
    self.allowed = RangeTrie(allowed)
    self.blocked = RangeTrie(blocked)
  }

  /// Whether `address` may connect.
  public func verdict(on address: IPAddress) -> Verdict {
    if let range = blocked.smallest(around: address) { return .blocked(range) }
    return allowed.isEmpty || allowed.contains(address) ? .open : .notAllowed
  }
}
