import Testing

@testable import Configuration

@Suite struct BindChoiceTests {
  @Test(arguments: [
    ("0.0.0.0", nil, "0.0.0.0"), ("192.0.2.1:22", 22, "192.0.2.1"), ("::", nil, "::"), ("::1", nil, "::1"),
    ("[::1]", nil, "::1"), ("[::1]:65535", 65535, "::1"), ("[2001:db8::1]:22", 22, "2001:db8::1"),
    ("1:2:3:4:5:6:7:8", nil, "1:2:3:4:5:6:7:8"), ("::ffff:192.0.2.1", nil, "::ffff:192.0.2.1"),
    ("fe80::1%eth0", nil, "fe80::1%eth0"), ("[fe80::1%eth0]:22", 22, "fe80::1%eth0"),
    ("[febf::1%enp0s31f6.100]", nil, "febf::1%enp0s31f6.100"), ("fe80::1%2", nil, "fe80::1%2"),
    ("1::8", nil, "1::8"), ("1::", nil, "1::"), ("1:2:3:4:5:6:192.0.2.1", nil, "1:2:3:4:5:6:192.0.2.1"),
  ])
  func `an address with or without a port is parsed`(text: String, port: UInt16?, address: String) throws {
    let choice = try #require(BindChoice(text))
    #expect(choice.port == port)
    #expect(choice.address == address)
    #expect(BindChoice(choice.text) == choice)
  }

  @Test(arguments: [
    "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
    "1.2.3.4:+1", "[1.2.3.4]", "[::1", "[::1]22", "[::1]:", ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "::g", "2001:db8::1%eth0", "::1%lo", "192.0.2.1%eth0",
    "fe80::1%", "fe80::1%a/b",
    "fe80::1%0123456789abcdef", "fe80::1%a%b", "[fe80::1%eth0:22", "fe80::1%a b", "fec0::1%eth0", "%eth0", "::1.2.3",
    "1.2.3.4::", ":1::", "::１",
    "*", "+1.2.3.4",
  ])
  func `other text is refused`(text: String) {
    #expect(BindChoice(text) == nil)
  }
}
