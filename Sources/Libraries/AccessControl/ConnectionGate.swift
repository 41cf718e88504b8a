/// Which addresses may connect at all, regardless of authentication: `security.allowed_ips` and `security.blocked_ips`.
public struct ConnectionGate: Sendable {
  /// The decision about an address.
  public enum Verdict: Hashable, Sendable {
    /// The address may connect.
    case open
    /// The address is in this blocked range.
    case blocked(AddressRange)
    /// There is a list of allowed addresses, and the address is not in it.
    case notAllowed
  }

  private let allowed: RangeTrie
  private let blocked: RangeTrie

  /// - Parameters:
  ///   - allowed: if not empty, only these addresses may connect.
  ///   - blocked: these addresses may not connect, even if they are allowed.
  public init(allowed: [AddressRange] = [], blocked: [AddressRange] = []) {
    self.allowed = RangeTrie(allowed)
    self.blocked = RangeTrie(blocked)
  }

  /// Decides whether `address` may connect.
  public func verdict(on address: IPAddress) -> Verdict {
    if let range = blocked.smallest(around: address) { return .blocked(range) }
    return allowed.isEmpty || allowed.contains(address) ? .open : .notAllowed
  }
}
