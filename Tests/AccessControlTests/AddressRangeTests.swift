import AccessControl
import Testing
import Wire

@Suite struct AddressRangeTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.1/32", "192.0.2.1"), ("192.0.2.0/24", "192.0.2.0/24"),
    ("0.0.0.0/0", "0.0.0.0/0"), ("128.0.0.0/1", "128.0.0.0/1"), ("::/0", "::/0"), ("::1/128", "::1"),
    ("2001:DB8::/32", "2001:db8::/32"), ("8000::/1", "8000::/1"), ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    ("::ffff:0:0/96", "0.0.0.0/0"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1/128", "192.0.2.1"),
  ])
  func `a range is parsed from every notation and printed in one`(text: String, canonical: String) throws {
    let range = try AddressRange(text)
    #expect(range.description == canonical)
    #expect(try AddressRange(canonical) == range)
    #expect(try AddressRange(wireBytes: range.wireBytes[...]) == range)
    #expect(range.contains(range.base))
  }

  @Test(
    arguments: [
      ("", .notAnAddress), ("/24", .notAnAddress), ("host/24", .notAnAddress), ("192.0.2/24", .notAnAddress),
      ("10.*", .notAnAddress), ("10.0.0.0-10.0.0.9", .notAnAddress), ("[::1]/128", .notAnAddress),
      ("192.0.2.0/33", .badPrefixLength(limit: 32)), ("192.0.2.0/", .badPrefixLength(limit: 32)),
      ("192.0.2.0/024", .badPrefixLength(limit: 32)), ("192.0.2.0/+4", .badPrefixLength(limit: 32)),
      ("192.0.2.0/-1", .badPrefixLength(limit: 32)), ("192.0.2.0/24/24", .badPrefixLength(limit: 32)),
      ("192.0.2.0/255.255.255.0", .badPrefixLength(limit: 32)), ("192.0.2.0/24 ", .badPrefixLength(limit: 32)),
      ("::/129", .badPrefixLength(limit: 128)), ("::/9999999999", .badPrefixLength(limit: 128)),
      ("::ffff:10.0.0.0/129", .badPrefixLength(limit: 128)), ("::ffff:10.0.0.0/24", .badMappedPrefix),
      ("192.0.2.1/24", .bitsAfterPrefix(AddressRange(around: IPAddress("192.0.2.1")!, prefixLength: 24))),
      ("0.0.0.1/0", .bitsAfterPrefix(AddressRange(around: IPAddress("0.0.0.0")!, prefixLength: 0))),
      ("2001:db8::1/64", .bitsAfterPrefix(AddressRange(around: IPAddress("2001:db8::")!, prefixLength: 64))),
    ] as [(String, AddressRangeError)])
  func `text that is not a range is refused with the reason`(text: String, error: AddressRangeError) {
    #expect(throws: error) { try AddressRange(text) }
  }

  @Test func `a range with bits after its prefix is refused and the error names the range around it`() {
    #expect(throws: AddressRangeError.self) { try AddressRange("192.0.2.77/24") }
    do { _ = try AddressRange("192.0.2.77/24") } catch {
      #expect(error.description == "has bits set after its prefix; the range around this address is 192.0.2.0/24")
    }
  }

  @Test(arguments: [
    ("192.0.2.0/24", "192.0.2.0", true), ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
    ("192.0.2.0/24", "192.0.1.255", false), ("0.0.0.0/0", "255.255.255.255", true), ("192.0.2.7", "192.0.2.7", true),
    ("192.0.2.7", "192.0.2.6", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/32", "2001:db9::", false), ("::/0", "2001:db8::1", true),
    ("192.0.2.0/24", "::ffff:192.0.2.9", true), ("::ffff:192.0.2.0/120", "192.0.2.9", true),
    // A range contains only addresses of its own family.
    ("::/0", "192.0.2.1", false), ("::/0", "::ffff:192.0.2.1", false), ("0.0.0.0/0", "::1", false),
    ("::/80", "192.0.2.1", false),
  ])
  func `a range contains exactly its addresses`(range: String, address: String, isIn: Bool) throws {
    #expect(try AddressRange(range).contains(#require(IPAddress(address))) == isIn)
  }

  @Test func `a range around an address contains it`() throws {
    for text in ["192.0.2.77", "2001:db8:1:2:3:4:5:6"] {
      let address = try #require(IPAddress(text))
      for length in -1...129 {
        let range = AddressRange(around: address, prefixLength: length)
        #expect(range.contains(address))
        #expect(range.prefixLength == min(max(length, 0), address.bitWidth))
        #expect(try AddressRange(range.description) == range)
      }
      #expect(AddressRange(around: address, prefixLength: 128) == AddressRange(address))
    }
  }

  @Test(
    arguments: [
      [0, 0, 0, 4, 192, 0, 2, 1, 24], [0, 0, 0, 4, 192, 0, 2, 0, 33], [0, 0, 0, 5, 1, 2, 3, 4, 5, 8], [0, 0, 0, 4, 1],
    ] as [[UInt8]])
  func `a malformed message does not decode to a range`(bytes: [UInt8]) {
    #expect(throws: WireError.self) { try AddressRange(wireBytes: bytes[...]) }
  }
}
