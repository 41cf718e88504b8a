import AccessControl

/// One entry of `server.bind_address`: an address, and a port where the entry has its own.
struct BindChoice: Hashable, Sendable {
  var address: String
  var port: UInt16?

  init(address: String, port: UInt16? = nil) {
    self.address = address
    self.port = port
  }

  /// `192.0.2.1`, `192.0.2.1:22`, `[2001:db8::1]`, `[2001:db8::1]:22`, and `2001:db8::1` as well.
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
    guard IPAddress(address) != nil else { return nil }
    self.address = String(address)
    if let port {
      guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port), number > 0
      else { return nil }
      self.port = number
    }
  }

  /// As ``init(_:)`` reads it.
  var text: String {
    let host = address.contains(":") ? "[\(address)]" : address
    return port.map { "\(host):\($0)" } ?? host
  }
}
