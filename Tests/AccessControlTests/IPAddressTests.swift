import AccessControl
import Testing
import Wire

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("192.0.2.1", "192.0.2.1"), ("::", "::"),
    ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8::ABcd", "2001:db8::abcd"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1::", "1::"), ("1::8", "1::8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
    ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8"), ("0001:0002::", "1:2::"),
    ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"), ("::192.0.2.1", "::c000:201"),
    ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"), ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
  ])
  func `an address is parsed from every notation and printed in one`(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
    #expect(IPAddress(bytes: address.bytes) == address)
    #expect(address.bytes.count * 8 == address.bitWidth)
    #expect(address.isIPv4 == !canonical.contains(":"))
  }

  @Test(arguments: [
    "", " ", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "1.2.3.-4",
    "1..2.3", "1.2.3.", "[::1]", ":", ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "::g", "::+1", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", ":1::",
    "1:", "::１", "1.2.3.４", "0x7f.0.0.1", "127.1", "2130706433", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    "0000:0000:0000:0000:0000:0000:255.255.255.2555", "1.2.3.4\u{0}",
  ])
  func `text that is not an address is refused`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func `an IPv4-mapped address is the IPv4 address`() {
    #expect(IPAddress("::ffff:10.0.0.1") == IPAddress("10.0.0.1"))
    #expect(IPAddress(bytes: Array(repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1]) == IPAddress("10.0.0.1"))
    #expect(IPAddress("::10.0.0.1") != IPAddress("10.0.0.1"))
    #expect(IPAddress("64:ff9b::10.0.0.1") != IPAddress("10.0.0.1"))
  }

  @Test(arguments: [0, 1, 3, 5, 15, 17, 64]) func `other numbers of bytes are not an address`(count: Int) {
    #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
  }

  @Test func `an address survives encoding and decoding`() throws {
    for text in ["192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4"] {
      let address = try #require(IPAddress(text))
      #expect(try IPAddress(wireBytes: address.wireBytes[...]) == address)
    }
    #expect(throws: WireError.malformed) { try IPAddress(wireBytes: [0, 0, 0, 3, 1, 2, 3]) }
    #expect(throws: WireError.tooLong) { try IPAddress(wireBytes: [0, 0, 0, 17] + Array(repeating: 0, count: 17)) }
  }
}
