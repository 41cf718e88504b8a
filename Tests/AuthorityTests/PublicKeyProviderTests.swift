import Authentication
import Configuration
import Credentials
import IPC
import System
import Testing
import Wire

@testable import Authority

@Suite struct PublicKeyProviderTests {
  private func verdict(
    _ client: Client, _ request: [UInt8], listed: Bool = true, sessionID: [UInt8]? = nil,
    _ configure: (inout Settings) -> Void = { _ in }
  ) throws -> Verdict {
    var files = Files()
    if listed { files.add("# keys\n\(client.key.publicKey.text) a comment\n") }
    var client = client
    client.sessionID = sessionID ?? client.sessionID
    return try authority(configure).verdict(files.question(client, request), files)
  }

  @Test(arguments: [
    (HostKey.Kind.ed25519, 256, "ssh-ed25519"), (.ecdsa, 256, "ecdsa-sha2-nistp256"),
    (.ecdsa, 384, "ecdsa-sha2-nistp384"), (.ecdsa, 521, "ecdsa-sha2-nistp521"), (.rsa, 2048, "rsa-sha2-256"),
    (.rsa, 2048, "rsa-sha2-512"),
  ])
  func `a listed key is acceptable when offered and accepted when signed`(
    kind: HostKey.Kind, bits: Int, algorithm: String
  ) throws {
    let client = try Client(kind, bits: bits)
    let offered = try verdict(client, try client.request(algorithm: algorithm, isSigned: false))
    var expected = Verdict(
      outcome: .acceptable, fingerprint: client.key.publicKey.fingerprint,
      place: "/home/anna/.ssh/authorized_keys:2")
    #expect(offered == expected)
    let proven = try verdict(client, try client.request(algorithm: algorithm))
    expected.outcome = .accepted
    #expect(proven == expected)
  }

  @Test func `a key that is not listed is refused whether offered or signed`() throws {
    let client = try Client()
    for isSigned in [false, true] {
      let verdict = try verdict(client, try client.request(isSigned: isSigned), listed: false)
      #expect(verdict.outcome == .rejected)
      #expect(verdict.reason == "no_such_key")
      #expect(verdict.fingerprint == client.key.publicKey.fingerprint)
    }
  }

  @Test func `a signature that is damaged, or for another session or other data, is refused`() throws {
    let client = try Client()
    let request = try client.request()
    let elsewhere = try verdict(client, request, sessionID: Array(repeating: 8, count: 32))
    #expect(elsewhere.outcome == .rejected)
    #expect(elsewhere.reason == "bad_signature")
    #expect(try verdict(client, try client.request { $0 + [0] }).reason == "bad_signature")
    var damaged = request
    damaged[damaged.count - 1] ^= 1
    #expect(try verdict(client, damaged).reason == "bad_signature")
    #expect(try verdict(client, request, sessionID: []).outcome == .rejected)
    #expect(try verdict(client, request + [0]).reason == "malformed")
  }

  @Test func `no signature is accepted with a session identifier under 32 or over 64 bytes`() throws {
    for (count, isGood) in [(0, false), (31, false), (32, true), (64, true), (65, false)] {
      var client = try Client()
      client.sessionID = [UInt8](repeating: 7, count: count)
      let key = client.key.publicKey.text
      let request = try client.request()
      // The settings as the process receives them, but without the size limit of messages.
      var settings = Settings()
      var user = Settings.User(name: "anna")
      user.authorizedKeys = [key]
      settings.auth.users = [user]
      let question = KeyVerificationRequest(sessionID: client.sessionID, request: request, client: nil, files: [])
      let verdict = PublicKeyProvider(settings: settings).verify(question, FetchedKeyFiles(question, content: nil))
      #expect(verdict.outcome == (isGood ? .accepted : .rejected), "\(count) bytes")
      #expect(verdict.reason == (isGood ? nil : "malformed"), "\(count) bytes")
    }
  }

  @Test func `the first line with the key decides, regardless of later files and the configuration`() throws {
    let client = try Client()
    let text = client.key.publicKey.text
    func verdict(_ contents: [String], inline: [String] = []) throws -> Verdict {
      var files = Files()
      for (number, content) in contents.enumerated() { files.add(content + "\n", path: "/\(number)") }
      return try authority { settings in
        var user = Settings.User(name: "anna")
        user.authorizedKeys = inline
        settings.auth.users = [user]
      }.verdict(files.question(client, try client.request()), files)
    }
    let first = try verdict(["no-pty \(text)", text, "# none"])
    #expect(first.outcome == .accepted && first.place == "/0:1" && !first.permissions.terminal)
    let second = try verdict(["# none", text, "no-pty \(text)"], inline: ["no-pty \(text)"])
    #expect(second.outcome == .accepted && second.place == "/1:1" && second.permissions.terminal)
    let last = try verdict(["# none"], inline: ["no-pty \(text)"])
    #expect(last.outcome == .accepted && last.place == "authorized_keys of 'anna':1" && !last.permissions.terminal)
  }

  @Test func `a signature for another user is refused`() throws {
    var client = try Client()
    let request = try client.request { data in
      // The encoded session identifier has 36 bytes, the message number one, the length of the name four.
      data.prefix(41) + Array("bert".utf8) + data.dropFirst(45)
    }
    #expect(try verdict(client, request).reason == "bad_signature")
    client.user = "bert"
    #expect(try verdict(client, try client.request()).outcome == .accepted)
  }

  @Test func `SHA-1 and algorithms of another key type are refused`() throws {
    let client = try Client(.rsa, bits: 2048)
    for algorithm in ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256-cert-v01@openssh.com", ""] {
      let request = try client.request(algorithm: algorithm, isSigned: false)
      #expect(try verdict(client, request).reason == "key_type_refused")
    }
    let mixed = try client.request(algorithm: "rsa-sha2-512", signatureAlgorithm: "rsa-sha2-256")
    #expect(try verdict(client, mixed).reason == "bad_signature")
  }

  @Test func `an algorithm that the configuration omits is refused`() throws {
    let client = try Client()
    let request = try client.request()
    let verdict = try verdict(client, request) { $0.server.publicKeyAlgorithms = ["rsa-sha2-512"] }
    #expect(verdict.outcome == .rejected)
    #expect(verdict.reason == "key_type_refused")
  }

  @Test func `a listed RSA key under 2048 bits is refused`() throws {
    let small = PublicKey(.rsa(exponent: [1, 0, 1], modulus: [0x80] + Array(repeating: 0, count: 126) + [1]))
    var writer = WireWriter()
    for text in ["anna", "ssh-connection", "publickey"] { writer.text(text) }
    writer.boolean(false)
    writer.text("rsa-sha2-512")
    writer.string(small.blob)
    var files = Files()
    files.add(small.text)
    let verdict = try authority().verdict(files.question(try Client(), writer.bytes), files)
    #expect(verdict.outcome == .rejected)
    #expect(verdict.reason == "rsa_key_too_small")
  }

  @Test(arguments: [("none", false), ("password", true)])
  func `a request that is not a valid publickey request is malformed`(method: String, hasField: Bool) throws {
    var writer = WireWriter()
    for text in ["anna", "ssh-connection", method] { writer.text(text) }
    if hasField {
      writer.boolean(false)
      writer.text("x")
    }
    let verdict = try authority().verdict(Files().question(try Client(), writer.bytes))
    #expect(verdict.outcome == .rejected)
    #expect(verdict.reason == "malformed")
  }

  @Test func `a truncated request is refused and never traps`() throws {
    let client = try Client()
    let request = try client.request()
    for length in request.indices {
      #expect(try verdict(client, Array(request[..<length])).outcome == .rejected)
    }
  }

  @Test func `keys in the configuration are accepted for their user only`() throws {
    var client = try Client()
    let text = client.key.publicKey.text
    func configure(_ settings: inout Settings) {
      var user = Settings.User(name: "anna")
      user.authorizedKeys = ["# laptop", text]
      settings.auth.users = [user]
    }
    #expect(try verdict(client, try client.request(), listed: false, configure).outcome == .accepted)
    client.user = "bert"
    #expect(try verdict(client, try client.request(), listed: false, configure).reason == "no_such_key")
  }

  @Test func `a line with an unknown option is skipped and the warning names it`() throws {
    let client = try Client()
    var files = Files()
    files.add("\nno-such-option \(client.key.publicKey.text)\n")
    let verdict = try authority().verdict(files.question(client, try client.request()), files)
    #expect(verdict.outcome == .rejected)
    #expect(verdict.reason == "no_such_key")
    #expect(verdict.warnings == ["/home/anna/.ssh/authorized_keys:2: option 1 of the line is unknown"])
  }

  @Test func `the key may be in any of the files and at most 16 warnings are returned`() throws {
    let client = try Client()
    var files = Files()
    files.files.append(KeyFile(path: "/etc/keys/anna", length: 0, problem: "no such file"))
    files.add(String(repeating: "nonsense\n", count: 40), path: "/one")
    files.add(client.key.publicKey.text, path: "/two")
    let verdict = try authority().verdict(files.question(client, try client.request()), files)
    #expect(verdict.outcome == .accepted)
    #expect(verdict.warnings.count == 16)
    #expect(verdict.warnings[15].hasPrefix("/one:16: "))
  }

  @Test func `keys in memory that is not sealed are not used`() throws {
    let client = try Client()
    let content = Array(client.key.publicKey.text.utf8)
    let pipe = try Descriptor.pipe()
    try pipe.writer.writeAll(content)
    let files = [KeyFile(path: "/keys", length: UInt32(content.count), problem: nil)]
    let question = SupervisorToAuthority.publicKey(
      KeyVerificationRequest(sessionID: client.sessionID, request: try client.request(), client: nil, files: files))
    guard case .verdict(let verdict) = try authority().reply(to: question.wireBytes, files: [pipe.reader]) else {
      return
    }
    #expect(verdict.outcome == .rejected)
    #expect(verdict.warnings == ["the authorized_keys came in a file that can still change: not used"])
  }

  @Test func `key files that are shorter or longer than announced are not used`() throws {
    let client = try Client()
    let content = Array(client.key.publicKey.text.utf8)
    for length in [UInt32(content.count + 1), UInt32(FetchedKeyFiles.limit + 1), .max] {
      let files = [KeyFile(path: "/keys", length: length, problem: nil)]
      let question = SupervisorToAuthority.publicKey(
        KeyVerificationRequest(sessionID: client.sessionID, request: try client.request(), client: nil, files: files))
      let memory = try Descriptor.sealedMemory(name: "keys", content)
      guard case .verdict(let verdict) = try authority().reply(to: question.wireBytes, files: [memory]) else { return }
      #expect(verdict.outcome == .rejected)
      #expect(verdict.warnings.count == 1)
    }
  }
}
