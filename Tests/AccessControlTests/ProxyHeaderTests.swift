import AccessControl
import Testing

@Suite struct ProxyHeaderTests {
  private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

  /// A version 2 header.
  private static func binary(
    _ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil
  ) -> [UInt8] {
    let length = length ?? rest.count
    return signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + rest
  }

  private static func text(_ line: String) -> [UInt8] { Array("\(line)\r\n".utf8) }

  private static func endpoint(_ address: String, _ port: UInt16) -> ProxyHeader.Endpoint {
    ProxyHeader.Endpoint(address: IPAddress(address)!, port: port)
  }

  private static let ipv4: [UInt8] = [203, 0, 113, 7, 192, 0, 2, 1, 0xc8, 0x70, 0, 22]
  private static let ipv6: [UInt8] =
    [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7] + [0x20, 0x01, 0x0d, 0xb8]
    + [UInt8](repeating: 0, count: 11) + [1] + [0xc8, 0x70, 0, 22]

  private static let forwarded4 = ProxyHeader.forwarded(
    client: endpoint("203.0.113.7", 51312), server: endpoint("192.0.2.1", 22))
  private static let forwarded6 = ProxyHeader.forwarded(
    client: endpoint("2001:db8::7", 51312), server: endpoint("2001:db8::1", 22))

  /// Headers as load balancers send them.
  static let good: [([UInt8], ProxyHeader)] = [
    (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312 22"), forwarded4),
    (text("PROXY TCP6 2001:db8::7 2001:db8::1 51312 22"), forwarded6),
    (text("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 51312 22"), forwarded4),
    (
      text("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0"),
      .forwarded(client: endpoint("255.255.255.255", 65535), server: endpoint("0.0.0.0", 0))
    ),
    (text("PROXY UNKNOWN"), .own),
    (text("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"), .own),
    // The longest line.
    (text("PROXY UNKNOWN " + String(repeating: "x", count: 91)), .own),
    (binary(0x21, 0x11, ipv4), forwarded4),
    (binary(0x21, 0x21, ipv6), forwarded6),
    // With extensions after the addresses: a checksum, a unique ID, padding.
    (binary(0x21, 0x11, ipv4 + [3, 0, 4, 1, 2, 3, 4] + [5, 0, 2, 9, 9] + [4, 0, 0]), forwarded4),
    (binary(0x21, 0x11, ipv4 + [UInt8](repeating: 0xff, count: 536 - 16 - 12)), forwarded4),
    (binary(0x20, 0x00, []), .own),
    (binary(0x20, 0x11, ipv4), .own),
    (binary(0x20, 0xff, [1, 2, 3]), .own),
    (binary(0x21, 0x00, []), .own),
    (binary(0x21, 0x01, [1]), .own),
    (binary(0x21, 0x31, [UInt8](repeating: 0x2f, count: 216)), .own),
  ]

  @Test(arguments: good) func `a valid header is parsed`(bytes: [UInt8], header: ProxyHeader) throws {
    var parser = ProxyHeaderParser()
    let (count, found) = try parser.parse(bytes)
    #expect(count == bytes.count && found == header)
  }

  @Test(arguments: good)
  func `a header split anywhere parses the same and nothing after it is consumed`(
    bytes: [UInt8], header: ProxyHeader
  ) throws {
    let behind = Array("SSH-2.0-x\r\n".utf8)
    for cut in 0...bytes.count {
      var parser = ProxyHeaderParser()
      var (count, found) = try parser.parse(bytes[..<cut])
      #expect(count == cut && (found == nil) == (cut < bytes.count))
      if found == nil { (count, found) = try parser.parse(bytes[cut...] + behind) } else { count = 0 }
      #expect(count == bytes.count - cut && found == header)
    }
    var parser = ProxyHeaderParser()
    for (index, byte) in bytes.enumerated() {
      #expect(parser.room == ProxyHeaderParser.binaryLimit - index)
      let (count, found) = try parser.parse([byte])
      #expect(count == 1 && found == (index == bytes.count - 1 ? header : nil))
    }
  }

  static let bad: [([UInt8], ProxyHeaderError)] = [
    (Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), .notAHeader), (Array("GET / HTTP/1.1\r\n".utf8), .notAHeader),
    (Array("PROXZ".utf8), .notAHeader), (Array("proxy ".utf8), .notAHeader), ([0], .notAHeader),
    ([0x0d, 0x0a, 0x0d, 0x0b], .notAHeader), (Array("PROXY\r\n".utf8), .notAHeader),
    (text("PROXY "), .malformed), (text("PROXY TCP5 1.2.3.4 1.2.3.4 1 2"), .malformed),
    (text("PROXY TCP4"), .malformed), (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312"), .malformed),
    (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312 22 "), .malformed),
    (text("PROXY  TCP4 203.0.113.7 192.0.2.1 51312 22"), .malformed),
    (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312 022"), .malformed),
    (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312 65536"), .malformed),
    (text("PROXY TCP4 203.0.113.7 192.0.2.1 51312 -1"), .malformed),
    (text("PROXY TCP4 203.0.113.007 192.0.2.1 51312 22"), .malformed),
    (text("PROXY TCP4 2001:db8::7 2001:db8::1 51312 22"), .malformed),
    (text("PROXY TCP6 203.0.113.7 192.0.2.1 51312 22"), .malformed),
    (text("PROXY TCP4 host 192.0.2.1 51312 22"), .malformed),
    (text("PROXY UNKNOWN\tx"), .malformed), (text("PROXY unknown"), .malformed),
    (Array("PROXY UNKNOWN\n".utf8), .malformed), (Array("PROXY UNKNOWN\rx".utf8), .malformed),
    (Array("PROXY UNKNOWN \r\r\n".utf8), .malformed), (Array("PROXY \n".utf8), .malformed),
    (text("PROXY UNKNOWN " + String(repeating: "x", count: 92)), .tooLong),
    (Array("PROXY ".utf8) + [UInt8](repeating: 0x20, count: 500), .tooLong),
    (binary(0x11, 0x11, ipv4), .malformed), (binary(0x31, 0x11, ipv4), .malformed),
    (binary(0x22, 0x11, ipv4), .malformed), (binary(0x2f, 0x11, ipv4), .malformed),
    (binary(0x21, 0x41, ipv4), .malformed), (binary(0x21, 0x13, ipv4), .malformed),
    (binary(0x21, 0x12, ipv4), .notAStream), (binary(0x21, 0x22, ipv6), .notAStream),
    (binary(0x21, 0x11, Array(ipv4.dropLast())), .malformed), (binary(0x21, 0x21, ipv4), .malformed),
    (binary(0x21, 0x11, ipv4, length: 521), .tooLong), (binary(0x20, 0x00, [], length: 65535), .tooLong),
  ]

  @Test(arguments: bad)
  func `an invalid header is refused in one piece and byte by byte`(bytes: [UInt8], error: ProxyHeaderError) {
    var whole = ProxyHeaderParser()
    #expect(throws: error) { try whole.parse(bytes) }
    var parser = ProxyHeaderParser()
    #expect(throws: error) { for byte in bytes { _ = try parser.parse([byte]) } }
  }

  @Test func `no header exceeds the stated room`() throws {
    for start in [Array("PROXY ".utf8), Self.binary(0x21, 0x11, [], length: 520)] {
      var parser = ProxyHeaderParser()
      var taken = 0
      var isOver = false
      let bytes = start + [UInt8](repeating: 0x78, count: 2000)
      while !isOver {
        do {
          let (count, header) = try parser.parse(bytes[taken..<taken + 1])
          taken += count
          isOver = header != nil
        } catch { isOver = true }
        #expect(taken <= ProxyHeaderParser.binaryLimit && parser.room >= 0)
      }
    }
  }

  @Test func `an incomplete header is not reported`() throws {
    for (bytes, _) in Self.good {
      var parser = ProxyHeaderParser()
      #expect(try parser.parse(bytes.dropLast()).header == nil)
      #expect(try parser.parse([]).header == nil)
    }
  }
}
