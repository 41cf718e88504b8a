import Model
import Testing

@testable import Authentication

@Suite struct KeyOptionsTests {
  /// The parsed options, and the remaining text.
  private func read(_ text: String) throws -> (options: KeyOptions, rest: String) {
    var bytes = Array(text.utf8)[...]
    let options = try KeyOptions(reading: &bytes)
    return (options, String(decoding: bytes, as: UTF8.self))
  }

  private func place(_ text: String) -> ForwardingPlace { Self.place(text) }

  private static func place(_ text: String) -> ForwardingPlace { try! ForwardingPlace(Array(text.utf8)) }

  private static func options(_ change: (inout KeyOptions) -> Void) -> KeyOptions {
    var options = KeyOptions()
    change(&options)
    return options
  }

  private static let restricted = options { $0.permissions = .restricted }

  /// Every option in sshd(8), alone.
  static let all: [(String, KeyOptions)] = [
    ("agent-forwarding", KeyOptions()),
    ("cert-authority", options { $0.isCertificateAuthority = true }),
    (
      "command=\"date -u\"",
      options {
        $0.permissions.forcedCommand = Array("date -u".utf8)
        $0.permissions.forwardsBesideCommand = false
      }
    ),
    ("environment=\"A=b=c\"", options { $0.permissions.environment = [EnvironmentVariable(name: "A", value: "b=c")] }),
    ("expiry-time=\"20261120Z\"", options { $0.expiryTimes = [ExpiryTime(Array("20261120Z".utf8)[...])!] }),
    ("from=\"10.0.0.0/8,!10.0.0.1\"", options { $0.sources = try! SourcePatterns(Array("10.0.0.0/8,!10.0.0.1".utf8)) }),
    ("no-agent-forwarding", options { $0.permissions.agentForwarding = false }),
    ("no-port-forwarding", options { $0.permissions.portForwarding = false }),
    ("no-pty", options { $0.permissions.terminal = false }),
    ("no-user-rc", options { $0.permissions.userRC = false }),
    ("no-X11-forwarding", options { $0.permissions.x11Forwarding = false }),
    (
      "permitlisten=\"8080\"",
      options { $0.permissions.permitListen = [PlaceList("permitlisten=", [ForwardingPlace(.any, port: 8080)])] }
    ),
    ("permitopen=\"db:5432\"", options { $0.permissions.permitOpen = [PlaceList("permitopen=", [place("db:5432")])] }),
    ("port-forwarding", KeyOptions()),
    (
      "cert-authority,principals=\"a,b\"",
      options {
        $0.isCertificateAuthority = true
        $0.principals = [Array("a".utf8), Array("b".utf8)]
      }
    ),
    ("pty", KeyOptions()),
    ("no-touch-required", options { $0.requiresTouch = false }),
    ("verify-required", options { $0.requiresVerification = true }),
    ("restrict", restricted),
    ("tunnel=\"0\"", KeyOptions()),
    ("user-rc", KeyOptions()),
    ("X11-forwarding", KeyOptions()),
  ]

  @Test(arguments: all) func `every option has the effect that sshd(8) documents`(text: String, expected: KeyOptions)
    throws
  {
    let (options, rest) = try read("\(text) ssh-ed25519 AAAA")
    #expect(options == expected)
    #expect(rest == " ssh-ed25519 AAAA")
  }

  @Test(arguments: all) func `option names are case-insensitive`(text: String, expected: KeyOptions) throws {
    let end = text.firstIndex(of: "\"") ?? text.endIndex
    #expect(try read(text[..<end].uppercased() + text[end...]).options == expected)
    let isList = text.hasPrefix("cert-authority,")
    if !isList { #expect(try read(text[..<end].lowercased() + text[end...]).options == expected) }
  }

  @Test(arguments: all) func `restrict revokes every permission and keeps all other options`(
    text: String, expected: KeyOptions
  ) throws {
    var restricted = expected
    restricted.permissions.restrict()
    #expect(try read("\(text),restrict").options == restricted)
  }

  static let flags: [(String, WritableKeyPath<KeyOptions, Bool> & Sendable)] = [
    ("agent-forwarding", \.permissions.agentForwarding), ("port-forwarding", \.permissions.portForwarding),
    ("x11-forwarding", \.permissions.x11Forwarding), ("pty", \.permissions.terminal),
    ("user-rc", \.permissions.userRC), ("touch-required", \.requiresTouch), ("verify-required", \.requiresVerification),
  ]

  @Test(arguments: flags) func `the last of a flag and its no- form applies, also after restrict`(
    name: String, path: WritableKeyPath<KeyOptions, Bool> & Sendable
  ) throws {
    #expect(try read("\(name),no-\(name)").options[keyPath: path] == false)
    #expect(try read("no-\(name),\(name)").options[keyPath: path] == true)
    #expect(try read("restrict,\(name)").options[keyPath: path] == true)
    var others = Self.restricted
    others[keyPath: path] = true
    #expect(try read("restrict,\(name)").options == others)
  }

  @Test(arguments: [
    (#"command="""#, ""), (#"command="a \"b\" c""#, #"a "b" c"#), (#"command="a\\b""#, #"a\\b"#),
    (#"command="\n""#, #"\n"#), (#"command="a,b=c d""#, "a,b=c d"), ("command=\"tab\ttab\"", "tab\ttab"),
    (#"command="\\" d""#, #"\" d"#), (#"command="é 😀""#, "é 😀"), (##"command="#no comment""##, "#no comment"),
  ])
  func `a value is the text between quotation marks, where a backslash escapes a quotation mark`(
    text: String, command: String
  )
    throws
  {
    let (options, rest) = try read(text + " rest")
    #expect(options.permissions.forcedCommand == Array(command.utf8))
    #expect(rest == " rest")
  }

  @Test func `a command need not be UTF-8`() throws {
    var bytes = (Array("command=\"".utf8) + [0xff, 0x80] + Array("\"".utf8))[...]
    #expect(try KeyOptions(reading: &bytes).permissions.forcedCommand == [0xff, 0x80])
  }

  @Test(arguments: [
    "permitopen=\"h:1\",permitopen=\"[2001:db8::1]:2\",permitopen=\"*:*\"",
    "permitopen=\"h:1\",no-pty,pty,permitopen=\"[2001:db8::1]:2\",PermitOpen=\"*:*\"",
  ])
  func `several permitopen options add up`(text: String) throws {
    #expect(
      try read(text).options.permissions.permitOpen == [
        PlaceList("permitopen=", [place("h:1"), place("[2001:db8::1]:2"), ForwardingPlace(.any, port: nil)])
      ])
  }

  @Test func `permitlisten may be a port alone`() throws {
    #expect(
      try read("permitlisten=\"1\",permitlisten=\"localhost:*\",permitlisten=\"[::1]:65535\",permitlisten=\"*\"")
        .options.permissions.permitListen == [
          PlaceList(
            "permitlisten=",
            [
              ForwardingPlace(.any, port: 1), place("localhost:*"), place("[::1]:65535"),
              ForwardingPlace(.any, port: nil),
            ])
        ])
  }

  @Test(arguments: [
    ("command=\"date\"", false), ("restrict,command=\"date\"", false), ("command=\"date\",no-port-forwarding", false),
    ("command=\"date\",permitlisten=\"1\"", false), ("command=\"date\",permitopen=\"a:1\"", true),
    ("permitopen=\"a:1\",command=\"date\"", true), ("restrict,port-forwarding,command=\"date\"", true),
    ("command=\"date\",Port-Forwarding", true), ("pty", true), ("no-port-forwarding", true),
  ])
  func `a line with a command forwards only if it names port-forwarding or permitopen=`(
    text: String, forwards: Bool
  ) throws {
    #expect(try read(text).options.permissions.forwardsBesideCommand == forwards)
  }

  @Test func `a line of the greatest length has fewer places than a list may have`() {
    #expect(TextLines.limit / Array("permitopen=\"*:1\",".utf8).count < PlaceList.limit)
  }

  @Test func `the first value of an environment variable applies`() throws {
    let options = try read("environment=\"A=1\",environment=\"B=2\",environment=\"A=3\",environment=\"a=4\"").options
    #expect(
      options.permissions.environment.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" } == [
        "A=1", "B=2", "a=4",
      ])
  }

  @Test func `expiry times add up and an empty name ends the list of principals`() throws {
    #expect(try read("expiry-time=\"20300101\",expiry-time=\"20260101Z\"").options.expiryTimes.count == 2)
    let principals = try read("cert-authority,principals=\"a,b,,c\"").options.principals
    #expect(principals == [Array("a".utf8), Array("b".utf8)])
    #expect(try read("principals=\"\",cert-authority").options.principals == [])
  }

  @Test(arguments: ["pty,,no-pty", ",no-pty", "pty,no-pty,"]) func `commas without an option between them are ignored`(
    text: String
  ) throws {
    #expect(try read(text + " key").options == Self.options { $0.permissions.terminal = false })
  }

  @Test(arguments: ["", " ", "\tkey", " \" "]) func `options may be absent`(text: String) throws {
    let (options, rest) = try read(text)
    #expect(options == KeyOptions())
    #expect(rest == text)
  }

  /// Lines that must be refused, each with the reason.
  static let refused: [(String, String)] = [
    ("no-such-option", "option 1 of the line is unknown"), ("no-restrict", "option 1 of the line is unknown"),
    ("no-cert-authority", "option 1 of the line is unknown"), ("ptyx", "option 1 of the line is unknown"),
    ("no-no-pty", "option 1 of the line is unknown"), ("pty=\"1\"", "pty takes no value"),
    ("pty,", "the options end with a comma"), ("pty\"\"", "option 1 of the line is unknown"),
    ("command", "command needs a value: command=\"…\""), ("command=", "command= is not followed by a quotation mark"),
    ("command=date", "command= is not followed by a quotation mark"),
    ("command=\"date", "a quotation mark is not closed"),
    ("command=\"date\\\"", "a quotation mark is not closed"),
    ("command =\"date\"", "command needs a value: command=\"…\""),
    ("command=\"a\",command=\"a\"", "command= is given twice"),
    ("command=\"a\"pty", "no comma after the value of command="),
    ("command=\"a\"\"b\"", "no comma after the value of command="),
    ("from=\"*\",from=\"*\"", "from= is given twice"), ("from=\"\"", "from= has an empty pattern"),
    (
      "from=\"10.0.0.1/8\"",
      "pattern 1 of from= has bits set after its prefix"
    ),
    ("cert-authority,principals=\"a\",principals=\"b\"", "principals= is given twice"),
    ("principals=\"a\"", "principals= is only allowed with cert-authority"),
    ("expiry-time=\"tomorrow\"", "expiry-time= is not a valid time YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]"),
    ("environment=\"A\"", "environment= is not NAME=value with a name of letters, digits and '_' in UTF-8"),
    ("environment=\"=b\"", "environment= is not NAME=value with a name of letters, digits and '_' in UTF-8"),
    ("environment=\"A-B=c\"", "environment= is not NAME=value with a name of letters, digits and '_' in UTF-8"),
    ("environment=\"\"", "environment= is not NAME=value with a name of letters, digits and '_' in UTF-8"),
    ("permitopen=\"80\"", "permitopen= is not host:port"),
    ("permitopen=\"h:0\"", "permitopen= needs a port from 1 to 65535 or *"),
    ("permitopen=\"h:65536\"", "permitopen= needs a port from 1 to 65535 or *"),
    ("permitopen=\"h:\"", "permitopen= needs a port from 1 to 65535 or *"),
    ("permitopen=\"h:ssh\"", "permitopen= needs a port from 1 to 65535 or *"),
    ("permitopen=\":80\"", "permitopen= has no valid host"),
    ("permitopen=\"\(String(repeating: "a", count: 256)):80\"", "permitopen= has no valid host"),
    (
      "permitopen=\"10.0.0.1/8:80\"",
      "permitopen= has bits set after its prefix; the range around this address is 10.0.0.0/8"
    ),
    ("permitopen=\"[::1]80\"", "permitopen= has no port after the address"),
    ("permitopen=\"[::1]\"", "permitopen= has no port after the address"),
    ("permitlisten=\"0\"", "permitlisten= needs a port from 1 to 65535 or *"),
    ("permitlisten=\"h:99999999999\"", "permitlisten= needs a port from 1 to 65535 or *"),
    ("tunnel=\"x\"", "tunnel= is neither a number nor 'any'"),
    ("tunnel=\"-1\"", "tunnel= is neither a number nor 'any'"),
    ("tunnel=\"\"", "tunnel= is neither a number nor 'any'"), ("zone-file=\"x\"", "option 1 of the line is unknown"),
  ]

  @Test(arguments: refused) func `options that are not understood are refused with the reason`(
    text: String, reason: String
  ) {
    var bytes = Array(text.utf8)[...]
    #expect(throws: KeyOptionError(reason)) { try KeyOptions(reading: &bytes) }
  }

  /// Each contains a word that must not appear in the reason.
  static let secrets = [
    "sesame", "sesame=\"x\"", "sesame=x", "pty=\"sesame\"", "command=sesame", "from=\"sesame/8\"",
    "pty,from=\"!sesame/x\"",
    "expiry-time=\"sesame\"", "environment=\"sesame-\"", "permitopen=\"sesame\"", "permitlisten=\"h:sesame\"",
    "tunnel=\"sesame\"", "command=\"sesame\"sesame", "sesame:x:0:0::/root:/bin/sh", "from=\"10.1.2.3/8\"",
  ]

  @Test(arguments: secrets) func `a reason quotes nothing from the line, which may come from any file`(text: String) {
    var bytes = Array(text.utf8)[...]
    let error = #expect(throws: KeyOptionError.self) { try KeyOptions(reading: &bytes) }
    #expect(error?.reason.contains("sesame") == false && error?.reason.contains("10.") == false)
  }

  @Test(arguments: all) func `truncated options are refused or parsed as other options and never trap`(
    text: String, _: KeyOptions
  ) {
    for length in 0...text.utf8.count {
      var bytes = Array(text.utf8)[..<length]
      _ = try? KeyOptions(reading: &bytes)
    }
  }
}
