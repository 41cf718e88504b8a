import AccessControl
import Testing

@testable import Model

@Suite struct ForwardingRightsTests {
  private static func place(_ text: String) throws -> ForwardingPlace { try ForwardingPlace(Array(text.utf8)) }

  private static func rights(_ lists: [String]...) throws -> ForwardingRights {
    ForwardingRights(
      permitOpen: try lists.enumerated().map { PlaceList("list \($0.offset)", try $0.element.map(place)) })
  }

  private static func denied(by number: Int) -> ForwardingRights.Decision {
    .denied(ForwardRefusal(.targetNotPermitted, rule: "list \(number)"))
  }

  private static func decide(_ rights: ForwardingRights, _ host: String, _ port: UInt16) -> ForwardingRights.Decision {
    rights.decision(host: Array(host.utf8), port: port)
  }

  // MARK: Places

  static let places: [(text: String, place: ForwardingPlace)] = [
    ("db:5432", ForwardingPlace(.name(Array("db".utf8)), port: 5432)),
    ("DB.Example:1", ForwardingPlace(.name(Array("db.example".utf8)), port: 1)),
    ("db:*", ForwardingPlace(.name(Array("db".utf8)), port: nil)),
    ("*:65535", ForwardingPlace(.any, port: 65535)), ("*:*", ForwardingPlace(.any, port: nil)),
    ("[*]:1", ForwardingPlace(.any, port: 1)), ("[db]:1", ForwardingPlace(.name(Array("db".utf8)), port: 1)),
    ("192.0.2.1:22", ForwardingPlace(.addresses(range("192.0.2.1")), port: 22)),
    ("192.0.2.0/24:22", ForwardingPlace(.addresses(range("192.0.2.0/24")), port: 22)),
    ("[2001:db8::1]:22", ForwardingPlace(.addresses(range("2001:db8::1")), port: 22)),
    ("[2001:DB8:0::/32]:*", ForwardingPlace(.addresses(range("2001:db8::/32")), port: nil)),
    ("[::ffff:192.0.2.1]:22", ForwardingPlace(.addresses(range("192.0.2.1")), port: 22)),
    ("[::ffff:192.0.2.0/120]:22", ForwardingPlace(.addresses(range("192.0.2.0/24")), port: 22)),
    // What no system takes for an address is a name, which is asked for byte by byte.
    ("127.1:80", ForwardingPlace(.name(Array("127.1".utf8)), port: 80)),
    (
      "\(String(repeating: "a", count: 255)):80", ForwardingPlace(.name([UInt8](repeating: 0x61, count: 255)), port: 80)
    ),
  ]

  @Test(arguments: places.indices) func `a place is a host and a port, and reads back what it prints`(index: Int) throws
  {
    let (text, place) = Self.places[index]
    #expect(try Self.place(text) == place)
    #expect(try Self.place("\(place)") == place)
  }

  @Test(
    arguments: [
      ("", .noPlace), ("db", .noPlace), ("80", .noPlace), ("[::1]", .noPort), ("[::1]80", .noPort), ("[::1", .badPort),
      ("db:", .badPort), ("db:0", .badPort), ("db:65536", .badPort), ("db:-1", .badPort), ("db:+1", .badPort),
      ("db: 1", .badPort), ("db:ssh", .badPort), ("db:1-2", .badPort), ("db:000080", .badPort), ("db:1:2", .badPort),
      ("::1:80", .badHost), ("2001:db8::1:80", .badPort), (":80", .badHost), ("[]:80", .badHost), ("a\0:80", .badHost),
      ("\(String(repeating: "a", count: 256)):80", .badHost),
      ("db/24:80", .badRange(.notAnAddress)), ("192.0.2.1/24:80", .badRange(.bitsAfterPrefix(range("192.0.2.0/24")))),
      ("192.0.2.0/33:80", .badRange(.badPrefixLength(limit: 32))),
    ] as [(String, ForwardingPlaceError)])
  func `what is no place is refused, and the reason quotes nothing`(text: String, error: ForwardingPlaceError) {
    #expect(throws: error) { try Self.place(text) }
    #expect(text.isEmpty || !error.description.contains(text))
  }

  @Test func `a name that is not UTF-8 is refused`() {
    #expect(throws: ForwardingPlaceError.badHost) { try ForwardingPlace([0xff] + Array(":80".utf8)) }
  }

  @Test func `a port alone is a place only where that is permitted`() throws {
    #expect(try ForwardingPlace(Array("8080".utf8), portAlone: true) == ForwardingPlace(.any, port: 8080))
    #expect(try ForwardingPlace(Array("*".utf8), portAlone: true) == ForwardingPlace(.any, port: nil))
    #expect(throws: ForwardingPlaceError.noPlace) { try Self.place("8080") }
  }

  // MARK: Names

  @Test func `without a list everything is permitted, and an empty list permits nothing`() throws {
    let all = ForwardingRights()
    for host in ["db", "192.0.2.1", "::1", "fe80::1%eth0", ""] {
      #expect(Self.decide(all, host, 1) == .permitted)
      #expect(Self.decide(try Self.rights([]), host, 1) == Self.denied(by: 0))
    }
  }

  @Test(arguments: ["db", "DB", "dB"]) func `a name is compared without case`(host: String) throws {
    #expect(Self.decide(try Self.rights(["Db:1"]), host, 1) == .permitted)
  }

  /// Each is another way to write, or to reach, what the rule `localhost:80` names.
  @Test(
    arguments: [
      "localhost.", "127.0.0.1", "::1", "::ffff:127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost.localdomain",
      "xlocalhost", "localhos", "", "localhost ", " localhost", "localhost\0", "localhost%lo", "[localhost]", "*",
      // Fullwidth and long s: equal after Unicode's case folding, and not to us.
      "ｌocalhost", "localho\u{17f}t",
    ])
  func `a name is compared byte by byte, and is not an address that it may have`(host: String) throws {
    #expect(Self.decide(try Self.rights(["localhost:80"]), host, 80) == Self.denied(by: 0))
  }

  @Test func `a name with a composed character is not the name with the decomposed one`() throws {
    let rights = try Self.rights(["caf\u{e9}:1"])
    #expect(Self.decide(rights, "caf\u{e9}", 1) == .permitted)
    #expect(Self.decide(rights, "cafe\u{301}", 1) == Self.denied(by: 0))
  }

  @Test func `a port is compared, unless it is a star`() throws {
    let rights = try Self.rights(["a:1", "b:*", "*:7"])
    for (host, port, isPermitted) in [
      ("a", 1, true), ("a", 2, false), ("b", 1, true), ("b", 65535, true), ("c", 7, true), ("c", 8, false),
      ("192.0.2.1", 7, true), ("fe80::1%eth0", 7, true),
    ] as [(String, UInt16, Bool)] {
      #expect(Self.decide(rights, host, port) == (isPermitted ? .permitted : Self.denied(by: 0)), "\(host):\(port)")
    }
  }

  // MARK: Addresses

  @Test func `an address that is asked for is compared with addresses and ranges at once`() throws {
    let rights = try Self.rights(["192.0.2.0/24:1", "[2001:db8::/32]:1", "10.0.0.1:1"])
    for (host, isPermitted) in [
      ("192.0.2.0", true), ("192.0.2.255", true), ("192.0.3.0", false), ("::ffff:192.0.2.7", true),
      ("::ffff:c000:207", true), ("::FFFF:192.0.2.7", true), ("0:0:0:0:0:ffff:192.0.2.7", true), ("::192.0.2.7", false),
      ("64:ff9b::192.0.2.7", false), ("2001:db8::1", true), ("2001:DB8:0:0::1", true), ("2001:db9::1", false),
      ("10.0.0.1", true), ("10.0.0.2", false),
    ] {
      #expect(Self.decide(rights, host, 1) == (isPermitted ? .permitted : Self.denied(by: 0)), "\(host)")
      #expect(Self.decide(rights, host, 2) == Self.denied(by: 0), "\(host)")
    }
  }

  @Test func `a name is resolved only where some rule is about addresses at its port`() throws {
    let rights = try Self.rights(["192.0.2.1:1", "db:2"])
    #expect(Self.decide(rights, "other", 1) == .byAddress)
    #expect(Self.decide(rights, "other", 2) == Self.denied(by: 0))
    #expect(Self.decide(rights, "db", 1) == .byAddress)
    #expect(Self.decide(rights, "db", 2) == .permitted)
    // Not in the form of an address, so it may have any: the system decides what 127.1 is.
    #expect(Self.decide(rights, "127.1", 1) == .byAddress)
  }

  @Test func `of the addresses of a name, those of the rules are permitted, so that rebinding gains nothing`() throws {
    let rights = try Self.rights(["192.0.2.0/24:80", "inner:80"])
    let refusal = ForwardRefusal(.targetNotPermitted, rule: "list 0")
    for (host, address, isPermitted) in [
      ("evil", "192.0.2.9", true), ("evil", "::ffff:192.0.2.9", true), ("evil", "127.0.0.1", false),
      ("evil", "::1", false), ("evil", "10.0.0.1", false), ("evil", "::192.0.2.9", false),
      // A name in a rule has every address.
      ("inner", "10.0.0.1", true), ("INNER", "::1", true), ("inner.", "10.0.0.1", false),
      // What is connected to counts, also where an address is asked for: a connection to 0.0.0.0 is one to 127.0.0.1.
      ("192.0.2.9", "127.0.0.1", false), ("0.0.0.0", "127.0.0.1", false), ("0.0.0.0", "192.0.2.9", true),
    ] {
      let address = try #require(IPAddress(address))
      let found = rights.refusal(ofHost: Array(host.utf8), port: 80, at: address)
      #expect(found == (isPermitted ? nil : refusal), "\(host) at \(address)")
      #expect(rights.refusal(ofHost: Array(host.utf8), port: 81, at: address) == refusal)
    }
  }

  @Test(arguments: ["fe80::1%eth0", "fe80::1%1", "::1%lo", "127.0.0.1%lo", "db%1", "%"])
  func `a host with a zone is permitted by no rule but the star`(host: String) throws {
    let address = try #require(IPAddress("fe80::1"))
    for rule in ["[fe80::/10]:1", "[::/0]:1", "0.0.0.0/0:1", "[\(host)]:1"] {
      let rights = try Self.rights([rule])
      #expect(Self.decide(rights, host, 1) == Self.denied(by: 0), "\(rule)")
      #expect(rights.refusal(ofHost: Array(host.utf8), port: 1, at: address) != nil)
    }
    #expect(Self.decide(try Self.rights(["*:1"]), host, 1) == .permitted)
  }

  @Test func `a range of one family has no address of the other`() throws {
    let four = try Self.rights(["0.0.0.0/0:1"])
    #expect(Self.decide(four, "::1", 1) == Self.denied(by: 0))
    #expect(Self.decide(four, "::ffff:127.0.0.1", 1) == .permitted)
    let six = try Self.rights(["[::/0]:1"])
    #expect(Self.decide(six, "127.0.0.1", 1) == Self.denied(by: 0))
    #expect(Self.decide(six, "::ffff:127.0.0.1", 1) == Self.denied(by: 0))
  }

  // MARK: Several lists

  @Test func `every list must permit a target, and the first that does not is named`() throws {
    let rights = try Self.rights(["a:*", "b:1"], ["*:1"], ["a:1", "b:2"])
    for (host, port, list) in [("a", 1, nil), ("a", 2, 1), ("b", 1, 2), ("b", 2, 0), ("c", 1, 0)]
      as [(String, UInt16, Int?)]
    {
      #expect(Self.decide(rights, host, port) == list.map(Self.denied) ?? .permitted, "\(host):\(port)")
    }
  }

  @Test func `an address must be permitted by every list that is about addresses`() throws {
    let rights = try Self.rights(["10.0.0.0/8:1", "db:1"], ["10.1.0.0/16:1"])
    #expect(Self.decide(rights, "db", 1) == .byAddress)
    for (host, address, list) in [
      ("db", "10.1.0.1", nil), ("db", "10.2.0.1", 1), ("x", "10.1.0.1", nil), ("x", "11.0.0.1", 0),
      ("db", "11.0.0.1", 1),
    ] as [(String, String, Int?)] {
      let found = rights.refusal(ofHost: Array(host.utf8), port: 1, at: try #require(IPAddress(address)))
      #expect(found == list.map { ForwardRefusal(.targetNotPermitted, rule: "list \($0)") }, "\(host) at \(address)")
    }
  }

  // MARK: Rights

  @Test func `a login that may not forward is denied whatever the lists say, with the rule`() throws {
    var rights = try Self.rights(["*:*"])
    rights.tcpDeniedBy = "sftp_only"
    let refusal = ForwardRefusal(.notPermitted, rule: "sftp_only")
    #expect(Self.decide(rights, "db", 1) == .denied(refusal))
    #expect(rights.refusal(ofHost: Array("db".utf8), port: 1, at: .unspecified) == refusal)
    #expect(rights.socketRefusal == nil)
    rights.socketsDeniedBy = "forwarding.unix_sockets"
    #expect(rights.socketRefusal == ForwardRefusal(.notPermitted, rule: "forwarding.unix_sockets"))
  }

  @Test func `none forwards nothing`() {
    #expect(Self.decide(.none, "db", 1) == .denied(ForwardRefusal(.notPermitted, rule: "forwarding.tcp")))
    #expect(ForwardingRights.none.socketRefusal != nil)
  }
}

/// A range that is one.
private func range(_ text: String) -> AddressRange {
  do { return try AddressRange(text) } catch { fatalError("\(text) \(error)") }
}
