import Authentication
import Configuration
import Credentials
import Glibc
import System

/// `totp-setup`: generates a secret for one-time codes, for the configuration and for the user's device.
enum TOTPSetup {
  static func run(_ arguments: Arguments) throws(Failure) {
    guard let user = arguments.operand else {
      throw Arguments.usage("totp-setup needs the name of a user: totp-setup USER", for: .totpSetup)
    }
    if let fault = userNameFault(user) { throw Arguments.usage(fault, for: .totpSetup) }
    let issuer = arguments.value("issuer") ?? hostName
    guard !issuer.utf8.contains(UInt8(ascii: ":")), (1...256).contains(issuer.utf8.count) else {
      throw Arguments.usage("an issuer must have 1 to 256 bytes and no ':'", for: .totpSetup)
    }
    let algorithm = try algorithm(arguments)
    let digits = try digits(arguments)
    let secret: OneTimeSecret
    let code: String
    do throws(CredentialError) {
      secret = try OneTimeSecret.make(algorithm: algorithm, digits: digits)
      code = try secret.code(at: OneTimeCode.step(at: Clock.secondsSince1970))
    } catch {
      throw Failure(.software, "bssh-server: \(error)")
    }
    let address = address(of: secret, user: user, issuer: issuer)
    try Output.write(text(secret, user: user, address: address, code: code))
    guard let picture = QRCode(address) else { throw Failure(.software, "bssh-server: the address has no QR code") }
    try Output.write(drawn(picture))
  }

  private static func algorithm(_ arguments: Arguments) throws(Failure) -> OneTimeSecret.Algorithm {
    let name = arguments.value("algorithm") ?? OneTimeSecret.Algorithm.sha1.rawValue
    guard let algorithm = OneTimeSecret.Algorithm(rawValue: name) else {
      let known = OneTimeSecret.Algorithm.allCases.map(\.rawValue)
      let hint = closest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw Arguments.usage(
        "unknown algorithm '\(name)': expected \(known.joined(separator: ", "))\(hint)", for: .totpSetup)
    }
    return algorithm
  }

  private static func digits(_ arguments: Arguments) throws(Failure) -> OneTimeSecret.Digits {
    guard let text = arguments.value("digits") else { return .six }
    guard let digits = OneTimeSecret.Digits.allCases.first(where: { "\($0.rawValue)" == text }) else {
      throw Arguments.usage("a code has 6 or 8 digits, not '\(text)'", for: .totpSetup)
    }
    return digits
  }

  private static func text(_ secret: OneTimeSecret, user: String, address: String, code: String) -> String {
    var keys = ["totp_secret: \(secret.base32)"]
    if secret.algorithm != .sha1 { keys.append("totp_algorithm: \(secret.algorithm.rawValue)") }
    if secret.digits != .six { keys.append("totp_digits: \(secret.digits.rawValue)") }
    return """
      For the user '\(user)' in auth.password.users, in a file that its owner alone can read:

      \(keys.map { "    " + $0 }.joined(separator: "\n"))

      A login asks for codes where auth.required says totp, as in [[publickey, totp]].

      For the user's authenticator, as an address and as a picture of it:

          \(address)

      It shows \(code) now, if its clock is right and this one, too.


      """
  }

  /// The URI that authenticators read: otpauth://totp/issuer:user?…
  static func address(of secret: OneTimeSecret, user: String, issuer: String) -> String {
    "otpauth://totp/\(escaped(issuer)):\(escaped(user))?secret=\(secret.base32)&issuer=\(escaped(issuer))"
      + "&algorithm=\(secret.algorithm.rawValue.uppercased())&digits=\(secret.digits.rawValue)"
      + "&period=\(OneTimeCode.period)"
  }

  /// Percent-encodes all but unreserved characters. RFC 3986, section 2
  private static func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        result += "%" + (hex.utf8.count == 1 ? "0" : "") + hex
      }
    }
    return result
  }

  /// The QR code in a form that standard output can show.
  private static func drawn(_ picture: QRCode) -> String {
    guard isatty(STDOUT_FILENO) == 1, isLocaleUTF8 else { return picture.plain }
    if let columns = Terminal.columns(of: STDOUT_FILENO), columns < picture.columns {
      return "The QR code needs a terminal of \(picture.columns) columns; this one has \(columns).\n"
    }
    return picture.halfBlocks(colored: true)
  }

  /// Whether the terminal supports UTF-8. locale(7)
  private static var isLocaleUTF8: Bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { ProcessEnvironment.value(of: $0) }
    let name = names.first { !$0.isEmpty }?.lowercased() ?? ""
    return name.hasSuffix("utf-8") || name.hasSuffix("utf8")
  }

  /// The default name under which an authenticator lists the codes.
  private static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 257)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "bssh-server" }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "bssh-server" : name
  }
}
