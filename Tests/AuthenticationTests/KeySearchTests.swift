import AccessControl
import Audit
import Model
import Testing

@testable import Authentication

@Suite struct KeySearchTests {
  static let certificate = try! CertificateForm().certificate()
  static let authority = Keys.rsa.text

  /// Searches for a key or certificate presented from 192.0.2.7 at second 1500, unless a parameter says otherwise.
  private func search(
    _ credential: KeyClaim.Credential = .key(Keys.ed25519), user: String = "anna", from address: String? = "192.0.2.7",
    at now: Int64 = 1500, in lines: String...
  ) -> (grant: KeyGrant?, search: KeySearch) {
    var search = KeySearch(
      KeyClaim(credential, user: user, address: address.flatMap { IPAddress($0) }, now: now) {
        // A time zone one hour east of Greenwich in which the year 9999 cannot be converted.
        $0.year > 9000 ? nil : $0.secondsInUTC - 3600
      })
    for (number, text) in lines.enumerated() {
      let file = KeySearch.File(name: "/keys\(number)", content: Array(text.utf8)[...])
      if let grant = search.find(in: file) { return (grant, search) }
    }
    return (nil, search)
  }

  private func outcome(_ grant: KeyGrant?, _ search: KeySearch) -> String {
    "\(grant == nil ? search.refusal.rawValue : "ok") \(search.place)"
  }

  static let key = Keys.ed25519.text

  @Test(arguments: [
    ("\(key)\n", "ok /keys0:1"), ("# c\n\n\(Keys.rsa.text)\n\(key)\n", "ok /keys0:4"), ("", "no_such_key "),
    ("\(Keys.rsa.text)\n", "no_such_key "), ("cert-authority \(key)\n", "no_such_key "),
    ("nonsense\n", "no_such_key "), ("nosuch \(key)\n", "no_such_key "),
    ("from=\"192.0.2.0/24\" \(key)", "ok /keys0:1"), ("from=\"10.0.0.0/8\" \(key)", "wrong_source /keys0:1"),
    ("from=\"*,!192.0.2.7\" \(key)", "wrong_source /keys0:1"),
    ("expiry-time=\"19700101002500Z\" \(key)", "ok /keys0:1"),
    ("expiry-time=\"19700101002459Z\" \(key)", "expired_key /keys0:1"),
    ("expiry-time=\"19700101012500\" \(key)", "ok /keys0:1"),
    ("expiry-time=\"19700101012459\" \(key)", "expired_key /keys0:1"),
    ("expiry-time=\"99990101\" \(key)", "expired_key /keys0:1"),
    ("expiry-time=\"20300101Z\",expiry-time=\"19700101000001Z\" \(key)", "expired_key /keys0:1"),
    // A line that refuses does not end the search; its reason is reported only if no later line accepts the key.
    ("from=\"10.0.0.0/8\" \(key)\n\(key)\n", "ok /keys0:2"),
    ("expiry-time=\"19700101Z\" \(key)\nfrom=\"10.0.0.0/8\" \(key)\n", "expired_key /keys0:1"),
    ("from=\"10.0.0.0/8\" \(key)\nexpiry-time=\"19700101Z\" \(key)\nno-pty \(key)\n", "ok /keys0:3"),
  ])
  func `a line accepts its key within the limits of its options`(text: String, expected: String) {
    let found = search(in: text)
    #expect(outcome(found.grant, found.search) == expected)
  }

  @Test func `from= refuses a client whose address is unknown`() {
    let found = search(from: nil, in: "from=\"*\" \(Self.key)")
    #expect(outcome(found.grant, found.search) == "wrong_source /keys0:1")
    #expect(search(from: nil, in: Self.key).grant != nil)
  }

  @Test func `the first line that accepts the key alone determines the permissions`() {
    let text = "restrict,pty,command=\"a\" \(Self.key)\n\(Self.key)\n"
    var expected = KeyPermissions.restricted
    expected.terminal = true
    expected.forcedCommand = [97]
    expected.forwardsBesideCommand = false
    #expect(search(in: text).grant?.permissions == expected)
    #expect(search(in: "", text).grant?.permissions == expected)
    #expect(search(in: Self.key, text).grant?.permissions == .everything)
  }

  @Test func `the line's options determine whether touch and verification are required`() {
    let plain = search(in: Self.key).grant
    #expect(plain?.requiresTouch == true && plain?.requiresVerification == false)
    let strict = search(in: "no-touch-required,verify-required \(Self.key)").grant
    #expect(strict?.requiresTouch == false && strict?.requiresVerification == true)
  }

  @Test func `lines that are not understood are reported with their places, at most 16`() {
    let found = search(in: "nonsense\n\(Self.key)", "never read")
    #expect(found.search.warnings == ["/keys0:1: option 1 of the line is unknown"])
    let many = search(in: "a\n", String(repeating: "b\n", count: 40)).search.warnings
    #expect(many.count == 16)
    #expect(many[15].hasPrefix("/keys1:15: "))
  }

  // MARK: Certificates

  /// Searches for a certificate in a file that lists its CA key.
  private func certified(
    _ options: String = "cert-authority", user: String = "anna", from address: String? = "192.0.2.7",
    at now: Int64 = 1500, _ change: (inout CertificateForm) -> Void = { _ in }
  ) throws -> (grant: KeyGrant?, search: KeySearch) {
    let certificate = try CertificateForm(change).certificate()
    return search(.certificate(certificate), user: user, from: address, at: now, in: "\(options) \(Self.authority)\n")
  }

  @Test(arguments: [
    ("cert-authority", "anna", "ok /keys0:1"), ("cert-authority", "ops", "ok /keys0:1"),
    ("cert-authority", "bert", "wrong_principal /keys0:1"), ("cert-authority", "Anna", "wrong_principal /keys0:1"),
    ("cert-authority,principals=\"x,ops\"", "bert", "ok /keys0:1"),
    ("cert-authority,principals=\"x,op\"", "anna", "wrong_principal /keys0:1"),
    ("cert-authority,principals=\"\"", "anna", "wrong_principal /keys0:1"),
    ("cert-authority,principals=\"x,,anna\"", "anna", "wrong_principal /keys0:1"),
    ("cert-authority,from=\"10.0.0.0/8\"", "anna", "wrong_source /keys0:1"),
    ("cert-authority,expiry-time=\"19700101Z\"", "anna", "expired_key /keys0:1"),
    ("no-pty", "anna", "untrusted_ca "),
  ])
  func `a line with cert-authority accepts certificates of its CA key`(options: String, user: String, expected: String)
    throws
  {
    let found = try certified(options, user: user)
    #expect(outcome(found.grant, found.search) == expected)
  }

  @Test func `certificates of another CA or of a listed plain key are refused`() throws {
    let certificate = KeyClaim.Credential.certificate(Self.certificate)
    let found = search(certificate, in: "cert-authority \(Keys.all[2].text)\n\(Self.key)\ncert-authority \(Self.key)\n")
    #expect(outcome(found.grant, found.search) == "untrusted_ca ")
  }

  @Test func `a composed and a decomposed name are different principals`() throws {
    let found = try certified(user: "e\u{301}") { $0.principals = [Array("\u{e9}".utf8)] }
    #expect(found.search.refusal == .wrongPrincipal)
  }

  @Test(
    arguments: [
      (Int64(999), KeyRefusal.certificateNotYetValid), (1000, nil), (1999, nil), (2000, .expiredCertificate),
      (.max, .expiredCertificate), (-5, .certificateNotYetValid),
    ] as [(Int64, KeyRefusal?)])
  func `a certificate is valid from validAfter until the second before validBefore`(now: Int64, refusal: KeyRefusal?)
    throws
  {
    let found = try certified(at: now)
    #expect((found.grant == nil) == (refusal != nil))
    if let refusal { #expect(found.search.refusal == refusal) }
  }

  @Test func `a certificate without time limits is always valid`() throws {
    #expect(try certified(at: .max) { $0.validBefore = .max }.grant != nil)
    #expect(try certified(at: 0) { $0.validAfter = 0 }.grant != nil)
  }

  static let refused: [(KeyRefusal, @Sendable (inout CertificateForm) -> Void)] = [
    (.hostCertificate, { $0.kind = 2 }), (.wrongPrincipal, { $0.principals = [] }),
    (.wrongPrincipal, { $0.principals = [[]] }), (.wrongPrincipal, { $0.principals = [Array("anna,bert".utf8)] }),
    (.unknownCriticalOption, { $0.critical = [("x", [])] }),
    (.malformedCertificateOptions, { $0.critical = [("force-command", [])] }),
    (.wrongSource, { $0.critical = [("source-address", CertificateForm.string("10.0.0.0/8"))] }),
  ]

  @Test(arguments: refused.indices) func `a certificate that fails any check is refused`(index: Int) throws {
    let (refusal, change) = Self.refused[index]
    let line = try certified("cert-authority", change)
    #expect(line.grant == nil && line.search.refusal == refusal && line.search.place == "/keys0:1")
    for rule in [KeySearch.PrincipalsRule.userName, .file(.init(name: "/p", content: Array("anna\n".utf8)[...]))] {
      var search = KeySearch(
        KeyClaim(
          .certificate(try CertificateForm(change).certificate()), user: "anna", address: IPAddress("192.0.2.7"),
          now: 1500
        ) { _ in nil })
      #expect(search.find(among: [Keys.rsa], of: "cas", principals: rule) == nil)
      #expect(search.refusal == refusal && search.place == "cas")
    }
  }

  @Test func `the permissions of a line and its certificate intersect`() throws {
    let found = try certified("cert-authority,no-pty,permitopen=\"a:1\",environment=\"A=1\"") {
      $0.extensions = [("permit-pty", []), ("permit-port-forwarding", [])]
      $0.critical = [("force-command", CertificateForm.string("date"))]
    }
    var expected = KeyPermissions.restricted
    expected.portForwarding = true
    expected.forcedCommand = Array("date".utf8)
    expected.forwardsBesideCommand = false
    expected.permitOpen = [PlaceList("permitopen=", [ForwardingPlace(.name(Array("a".utf8)), port: 1)])]
    expected.environment = [EnvironmentVariable(name: "A", value: "1")]
    #expect(found.grant?.permissions == expected)
  }

  @Test(
    arguments: [
      ("date", "date", true), ("date", "uptime", false), ("date", nil, true), (nil, "date", true),
    ] as [(String?, String?, Bool)])
  func `different forced commands in line and certificate are refused`(
    line: String?, certificate: String?, isGood: Bool
  ) throws {
    let found = try certified("cert-authority" + (line.map { ",command=\"\($0)\"" } ?? "")) {
      if let certificate { $0.critical = [("force-command", CertificateForm.string(certificate))] }
    }
    #expect((found.grant != nil) == isGood)
    #expect(isGood || found.search.refusal == .forcedCommandsDiffer)
    if isGood { #expect(found.grant?.permissions.forcedCommand == Array("date".utf8)) }
  }

  @Test func `touch is waived only if both waive it and verification is required if either requires it`() throws {
    for line in [false, true] {
      for certificate in [false, true] {
        let grant = try certified("cert-authority" + (line ? ",no-touch-required,verify-required" : "")) {
          $0.extensions = certificate ? [("no-touch-required", [])] : []
        }.grant
        #expect(grant?.requiresTouch == !(line && certificate))
        #expect(grant?.requiresVerification == line)
      }
    }
    let strict = try certified { $0.critical = [("verify-required", [])] }.grant
    #expect(strict?.requiresVerification == true)
  }

  // MARK: CA keys trusted for every user

  private func trusted(
    user: String = "anna", _ rule: KeySearch.PrincipalsRule = .userName,
    _ change: (inout CertificateForm) -> Void = { _ in }
  ) throws -> (grant: KeyGrant?, search: KeySearch) {
    let certificate = try CertificateForm(change).certificate()
    var search = KeySearch(
      KeyClaim(.certificate(certificate), user: user, address: IPAddress("192.0.2.7"), now: 1500) { _ in nil })
    return (search.find(among: [Keys.all[2], Keys.rsa], of: "cas", principals: rule), search)
  }

  private func file(_ text: String) -> KeySearch.PrincipalsRule {
    .file(KeySearch.File(name: "/p", content: Array(text.utf8)[...]))
  }

  @Test func `without a principals file the user name must be a principal`() throws {
    var found = try trusted()
    #expect(outcome(found.grant, found.search) == "ok cas")
    found = try trusted(user: "bert")
    #expect(outcome(found.grant, found.search) == "wrong_principal cas")
  }

  @Test(arguments: [
    ("ops\n", "ok cas"), ("# ops\nother\n  ops # comment\n", "ok cas"), ("anna", "ok cas"), ("", "wrong_principal cas"),
    ("anna,ops\n", "wrong_principal cas"), ("Ops\n", "wrong_principal cas"), ("no-pty ops\n", "ok cas"),
    ("from=\"10.0.0.0/8\" ops\n", "wrong_source cas"), ("expiry-time=\"19700101Z\" ops\n", "expired_key cas"),
    // As in sshd, the first line that names a principal decides.
    ("from=\"10.0.0.0/8\" ops\nanna\n", "wrong_source cas"), ("nosuch ops\nanna\n", "ok cas"),
    ("cert-authority ops\n", "wrong_principal cas"), ("command=\"# ops\n", "wrong_principal cas"),
  ])
  func `a principals file replaces the user name`(text: String, expected: String) throws {
    for user in ["anna", "zoe"] {
      let found = try trusted(user: user, file(text))
      #expect(outcome(found.grant, found.search) == expected)
    }
  }

  @Test func `a missing principals file lists no principals`() throws {
    let found = try trusted(.file(nil))
    #expect(outcome(found.grant, found.search) == "wrong_principal cas")
  }

  @Test func `options of a principals line and of the certificate both apply`() throws {
    let grant = try trusted(file("no-pty,command=\"date\" ops\n")) {
      $0.extensions = [("permit-pty", []), ("permit-user-rc", [])]
    }.grant
    var expected = KeyPermissions.restricted
    expected.userRC = true
    expected.forcedCommand = Array("date".utf8)
    expected.forwardsBesideCommand = false
    #expect(grant?.permissions == expected)
    let both = try trusted(file("command=\"date\" ops\n")) {
      $0.critical = [("force-command", CertificateForm.string("uptime"))]
    }
    #expect(both.search.refusal == .forcedCommandsDiffer)
  }

  @Test func `an untrusted CA or a plain key is refused`() throws {
    let found = try trusted { $0.authority = Keys.ed25519.blob }
    #expect(outcome(found.grant, found.search) == "untrusted_ca ")
    var search = KeySearch(KeyClaim(.key(Keys.rsa), user: "anna", address: nil, now: 1500) { _ in nil })
    #expect(search.find(among: [Keys.rsa], of: "cas", principals: .userName) == nil)
    #expect(search.refusal == .noSuchKey)
  }

  @Test func `the refusal of a line is kept when no trusted CA key helps either`() throws {
    let certificate = KeyClaim.Credential.certificate(Self.certificate)
    var (grant, search) = search(certificate, in: "cert-authority,from=\"10.0.0.0/8\" \(Self.authority)")
    #expect(grant == nil)
    grant = search.find(among: [Keys.rsa], of: "cas", principals: .file(nil))
    #expect(outcome(grant, search) == "wrong_source /keys0:1")
    grant = search.find(among: [Keys.rsa], of: "cas", principals: .userName)
    #expect(outcome(grant, search) == "ok cas")
  }
}
