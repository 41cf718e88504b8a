import AccessControl
import Model

// `forwarding`: keys and entries without effect, and those that permit more than they seem to.
extension Checks {
  /// Warns about what the keys of forwarding do together; of a block, if it changes something.
  mutating func checkForwarding(_ variants: [Settings]) {
    for (number, variant) in variants.enumerated() {
      guard number == 0 || variant.forwarding != variants[0].forwarding else { continue }
      block = number == 0 ? nil : number - 1
      check(variant.forwarding)
    }
    block = nil
  }

  private mutating func check(_ forwarding: Settings.Forwarding) {
    guard let places = forwarding.permitOpen else { return }
    let key = "forwarding.permit_open"
    if forwarding.tcp == .no { return warning(key, "has no effect: forwarding.tcp is no") }
    if forwarding.unixSockets == .local {
      warning("forwarding.unix_sockets", "permits every socket of the account's: forwarding.permit_open lists none")
    }
    for (index, place) in places.enumerated() {
      if let reason = Self.reason(place) { warning(key, index: index, reason) }
      if let other = places.first(where: { $0 != place && $0.covers(place) }) {
        warning(key, index: index, "has no effect: \(other) permits it already")
      }
    }
  }

  /// Why nothing can be reached by a place; nil: something can.
  private static func reason(_ place: ForwardingPlace) -> String? {
    switch place.host {
    case .any: return nil
    case .name(let name):
      return name.last == UInt8(ascii: ".")
        ? "matches only a client that asks with the dot at the end: names are not resolved to be compared" : nil
    case .addresses(let range):
      if range.base.isLinkLocal, range.prefixLength >= 10 {
        return "can never match: a link-local address needs a zone, and no address with a zone is connected to"
      }
      return range == AddressRange(.unspecified) || "\(range)" == "0.0.0.0"
        ? "can never match: a connection to \(range) is one to the loopback address" : nil
    }
  }
}

extension ForwardingPlace {
  /// True if the place permits everything that the other one does.
  fileprivate func covers(_ other: ForwardingPlace) -> Bool {
    guard port == nil || port == other.port else { return false }
    switch (host, other.host) {
    case (.any, _): return true
    case (.addresses(let range), .addresses(let inner)):
      return range.prefixLength <= inner.prefixLength && range.contains(inner.base)
    case (.name(let name), .name(let inner)): return name == inner
    default: return false
    }
  }
}
