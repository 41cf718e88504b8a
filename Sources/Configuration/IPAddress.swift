/// The bytes of a numeric address: 4 for IPv4, 16 for IPv6 (RFC 4291, section 2.2). Without zone and brackets.
func addressBytes(_ text: Substring) -> [UInt8]? { text.contains(":") ? ipv6(text) : ipv4(text) }

/// Four decimal numbers without leading zeros, which other programs would read as octal.
private func ipv4(_ text: Substring) -> [UInt8]? {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count == 4 else { return nil }
  var bytes: [UInt8] = []
  for part in parts {
    guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), part == "0" || part.first != "0",
      let byte = UInt8(part)
    else { return nil }
    bytes.append(byte)
  }
  return bytes
}

private func ipv6(_ text: Substring) -> [UInt8]? {
  guard text.utf8.count <= 45, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
  guard let gap = doubleColon(in: text) else {
    let bytes = groups(text)
    return bytes?.count == 16 ? bytes : nil
  }
  let head = text[..<gap]
  let tail = text[gap...].dropFirst(2)
  guard let front = head.isEmpty ? [] : groups(head, mayEndInIPv4: false), let back = tail.isEmpty ? [] : groups(tail),
    front.count + back.count <= 14
  else { return nil }
  return front + Array(repeating: 0, count: 16 - front.count - back.count) + back
}

private func doubleColon(in text: Substring) -> Substring.Index? {
  text.indices.first { text[$0...].hasPrefix("::") }
}

private func groups(_ text: Substring, mayEndInIPv4: Bool = true) -> [UInt8]? {
  let parts = text.split(separator: ":", omittingEmptySubsequences: false)
  var bytes: [UInt8] = []
  for (index, part) in parts.enumerated() {
    if mayEndInIPv4, index == parts.count - 1, part.contains(".") {
      guard let last = ipv4(part) else { return nil }
      bytes += last
    } else {
      guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit), let group = UInt16(part, radix: 16)
      else { return nil }
      bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
    }
  }
  return bytes
}

/// One entry of `server.bind_address`: an address, and a port where the entry has its own.
struct BindChoice: Equatable, Sendable {
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
    guard addressBytes(address) != nil else { return nil }
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
