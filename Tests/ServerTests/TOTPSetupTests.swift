import Authentication
import Configuration
import Credentials
import Foundation
import System
import Testing

@testable import Server

/// `totp-setup`.
@Suite struct TOTPSetupTests {
  private func printed(_ words: String...) throws -> String {
    let outcome =
      switch words.count {
      case 0: try bsshServer("totp-setup", "anna")
      case 2: try bsshServer("totp-setup", "anna", words[0], words[1])
      default: try bsshServer("totp-setup", "anna", words[0], words[1], words[2], words[3])
      }
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    return outcome.output
  }

  /// The line that starts with this, without surrounding blanks.
  private func line(_ start: String, in text: String) throws -> String {
    try #require(
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.first { $0.hasPrefix(start) })
  }

  /// The parameters of an otpauth URI.
  private func parameters(_ address: String) throws -> [String: String] {
    let query = try #require(address.split(separator: "?").last)
    return Dictionary(
      uniqueKeysWithValues: query.split(separator: "&").map { part in
        let words = part.split(separator: "=").map { String($0).removingPercentEncoding ?? "" }
        return (words[0], words[1])
      })
  }

  @Test func `the printed configuration loads, and has the secret of the URI`() throws {
    let text = try printed("--issuer", "My Host")
    let entry = try line("totp_secret: ", in: text)
    let loaded = try settings("server: {host_keys: [/k]}\nauth: {password: {users: [{name: anna, \(entry)}]}}")
    let secret = try #require(loaded.settings.auth.users.first?.totpSecret)
    #expect(try OneTimeSecret(base32: secret).bytes.count == 20)
    #expect(entry == "totp_secret: \(secret)")
    let address = try line("otpauth://", in: text)
    #expect(address.hasPrefix("otpauth://totp/My%20Host:anna?"))
    #expect(
      try parameters(address) == [
        "secret": secret, "issuer": "My Host", "algorithm": "SHA1", "digits": "6", "period": "30",
      ])
  }

  @Test(arguments: [("sha1", "6"), ("sha1", "8"), ("sha256", "6"), ("sha512", "8")])
  func `oathtool derives codes from the URI that we accept`(algorithm: String, digits: String) throws {
    let text = try printed("--algorithm", algorithm, "--digits", digits)
    let given = try parameters(try line("otpauth://", in: text))
    #expect(given["algorithm"] == algorithm.uppercased() && given["digits"] == digits)
    let (base32, count) = (try #require(given["secret"]), try #require(Int(digits)))
    let code = try bsshServer(
      "--totp=\(algorithm)", "-b", "-d", digits, "-N", "2033-05-18 03:33:20 UTC", base32, program: "/usr/bin/oathtool")
    let secret = try OneTimeSecret(
      base32: base32, algorithm: try #require(OneTimeSecret.Algorithm(rawValue: algorithm)),
      digits: try #require(OneTimeSecret.Digits(rawValue: count)))
    #expect(try secret.step(of: Array(code.output.utf8.dropLast()), at: 2_000_000_000) == 2_000_000_000 / 30)
    // The printed settings work in the configuration as well.
    #expect(text.contains("totp_algorithm: \(algorithm)\n") == (algorithm != "sha1"))
    #expect(text.contains("totp_digits: \(digits)\n") == (digits != "6"))
  }

  @Test func `the printed code is the current one`() throws {
    let text = try printed()
    let secret = try line("totp_secret: ", in: text).dropFirst("totp_secret: ".count)
    let code = try line("It shows ", in: text).split(separator: " ")[2]
    let now = Clock.secondsSince1970
    #expect(try OneTimeSecret(base32: String(secret)).step(of: Array(code.utf8), at: now) != nil)
  }

  @Test func `into a pipe the QR code is plain text, and contains the URI`() throws {
    let text = try printed()
    let address = try line("otpauth://", in: text)
    let code = try #require(QRCode(address))
    #expect(text.hasSuffix("\n\n" + code.plain))
    #expect(text.utf8.allSatisfy { $0 < 0x80 && $0 != 0x1b })
  }

  /// Runs it on a terminal with this number of columns.
  private func shown(columns: UInt32, locale: String) throws -> String {
    let terminal = try Terminal()
    terminal.resize(.init(columns: columns, rows: 60, xPixels: 0, yPixels: 0))
    let slave = try #require(terminal.slave)
    var request = ChildProcess.Request(
      path: program, arguments: ["bssh-server", "totp-setup", "anna", "--issuer", "host"],
      descriptors: [slave, slave, slave])
    request.environment = ["PATH=/usr/bin:/bin", "LANG=\(locale)"]
    let process = try ChildProcess(request)
    terminal.closeSlave()
    var bytes: [UInt8] = []
    while terminal.master.wait(for: POLLIN, milliseconds: 20_000),
      let more = try? terminal.master.read(count: 65536), !more.bytes.isEmpty
    {
      bytes += more.bytes
    }
    process.descriptor.wait(for: POLLIN, milliseconds: 20_000)
    #expect(process.reap() == .code(0))
    return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
  }

  @Test func `on a terminal the QR code is drawn in half blocks that are dark and light on every background`() throws {
    let text = try shown(columns: 80, locale: "C.UTF-8")
    let address = try line("otpauth://", in: text)
    let code = try #require(QRCode(address))
    #expect(text.hasSuffix("\n\n" + code.halfBlocks(colored: true)))
  }

  @Test func `a terminal without UTF-8 gets plain text`() throws {
    let text = try shown(columns: 200, locale: "C")
    let address = try line("otpauth://", in: text)
    let code = try #require(QRCode(address))
    #expect(text.hasSuffix("\n\n" + code.plain))
  }

  @Test func `a terminal that is too narrow gets a notice in place of a QR code`() throws {
    let text = try shown(columns: 40, locale: "C.UTF-8")
    #expect(text.contains("The QR code needs a terminal of "))
    #expect(!text.contains("█") && !text.contains("##"))
  }

  @Test func `two calls generate two secrets`() throws {
    #expect(try line("totp_secret: ", in: try printed()) != line("totp_secret: ", in: try printed()))
  }

  @Test(arguments: [
    ([], "needs the name of a user"), (["a b"], "is not a valid user name"),
    (["anna", "bert"], "unexpected argument"),
    (["anna", "--issuer", "a:b"], "no ':'"), (["anna", "--issuer", String(repeating: "x", count: 257)], "256 bytes"),
    (["anna", "--digits", "7"], "6 or 8 digits"), (["anna", "--algorithm", "sha265"], "did you mean 'sha256'?"),
    (["anna", "--bits", "8"], "not an option of 'totp-setup'"),
  ])
  func `an invalid command line exits with 64 and says what is wrong`(words: [String], reason: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["totp-setup"] + words
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = Pipe()
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 64)
    #expect(text.contains(reason))
    #expect(text.contains("Try 'bssh-server"))
  }

  @Test func `names and issuers with any characters make a valid URI`() {
    let secret = OneTimeSecret(bytes: [UInt8](repeating: 0, count: 20))
    #expect(
      TOTPSetup.address(of: secret, user: "r\u{e9}@x", issuer: "a b/c&d=%?").hasPrefix(
        "otpauth://totp/a%20b%2Fc%26d%3D%25%3F:r%C3%A9%40x?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
          + "&issuer=a%20b%2Fc%26d%3D%25%3F&"))
  }
}
