import Authentication
import Configuration
import Credentials
import IPC
import System
import Testing
import Wire

@testable import Authority

@Suite struct CodeVerifierTests {
  static let secret = OneTimeSecret(bytes: Array("12345678901234567890".utf8))

  private static func user(_ name: String, _ change: (inout Settings.User) -> Void) -> Settings.User {
    var user = Settings.User(name: name)
    change(&user)
    return user
  }

  private func verifier() throws -> CodeVerifier {
    try CodeVerifier(users: [
      Self.user("anna") { $0.totpSecret = Self.secret.base32 },
      Self.user("bert") {
        $0.totpSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA===="
        $0.totpAlgorithm = .sha256
        $0.totpDigits = .eight
      },
      Settings.User(name: "carl"),
    ])
  }

  /// RFC 6238, appendix B: 59 s is in time step 1.
  @Test(arguments: [
    ("anna", "287082", CodeVerdict.right(step: 1)), ("anna", "94287082", .wrong), ("anna", "46119246", .wrong),
    ("anna", "287083", .wrong), ("anna", "", .wrong), ("bert", "46119246", .right(step: 1)), ("bert", "119246", .wrong),
    ("bert", "94287082", .wrong), ("carl", "287082", .noSecret), ("Anna", "287082", .noSecret),
    ("nobody-knows", "287082", .noSecret), ("", "", .noSecret),
  ])
  func `a code is verified with the secret, hash and digits of its user`(
    user: String, code: String, answer: CodeVerdict
  ) throws {
    #expect(try verifier().verify(Array(code.utf8), of: user, at: 59) == answer)
  }

  @Test func `the authority verifies a code at the current time and returns its time step`() throws {
    let authority = try authority { $0.auth.users = [Self.user("anna") { $0.totpSecret = Self.secret.base32 }] }
    let step = OneTimeCode.step(at: Clock.secondsSince1970)
    let code = Array(try Self.secret.code(at: step).utf8)
    #expect(try authority.ask(.code(user: "anna", code: SecretBytes(code))) == .code(.right(step: step)))
    let old = Array(try Self.secret.code(at: step - 3).utf8)
    #expect(try authority.ask(.code(user: "anna", code: SecretBytes(old))) == .code(.wrong))
    #expect(try authority.ask(.code(user: "bert", code: SecretBytes(code))) == .code(.noSecret))
  }

  @Test func `an invalid secret stops the authority and the error names the user and not the secret`() {
    #expect {
      try authority { $0.auth.users = [Self.user("dora") { $0.totpSecret = "SECRET0" }] }
    } throws: {
      "\($0)".contains("'dora'") && "\($0)".contains("Base32") && !"\($0)".contains("SECRET")
    }
  }
}
