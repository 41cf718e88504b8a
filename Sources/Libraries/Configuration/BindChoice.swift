import AccessControl

/// An entry of `server.bind_address`: an address with or without a port.
struct BindChoice: Hashable, Sendable {
  /// A link-local address can have a zone after a percent sign: `fe80::1%eth0`.
  var address: String
  var port: UInt16?

  init(address: String, port: UInt16? = nil) {
    self.address = address
    self.port = port
  }

  /// Parses `192.0.2.1`, `192.0.2.1:22`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:22` or `[fe80::1%eth0]:22`; nil
  /// for other text.
  init?(_ text: String) {
    var port: Substring?
    let address: Substring
    if text.hasPrefix("[") {
      guard let close = text.firstIndex(of: "]") else { return nil }
      address = text[text.index(after: text.startIndex)..<close]
      guard address.contains(":") else { return nil }
      let rest = text[text.index(after: close)...]
      if !rest.isEmpty {
        guard rest.first == ":" else { return nil }
        port = rest.dropFirst()
      }
    } else if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
      address = text[..<colon]
      port = text[text.index(after: colon)...]
    } else {
      address = text[...]
    }
    let parts = address.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let plain = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    if parts.count > 1 {
      guard plain.isLinkLocal, Self.isInterface(parts[1]) else { return nil }
    }
    self.address = String(address)
    if let port {
      guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port), number > 0
      else { return nil }
      self.port = number
    }
  }

  /// True if the kernel accepts this name for an interface: at most 15 bytes, without slash, colon and blanks.
  private static func isInterface(_ name: Substring) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"/:%[]".utf8.contains($0) }
  }

  /// The address without its zone, and the zone.
  var place: (IPAddress?, Substring) {
    let parts = address.split(separator: "%", maxSplits: 1)
    return (parts.first.flatMap { IPAddress($0) }, parts.count > 1 ? parts[1] : "")
  }

  /// The text that ``init(_:)`` parses.
  var text: String {
    let host = address.contains(":") ? "[\(address)]" : address
    return port.map { "\(host):\($0)" } ?? host
  }
}
