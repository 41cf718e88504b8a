import Audit
import Authentication
import Configuration
import Credentials
import IPC
import Testing
import Wire

@testable import Authority

@Suite struct PasswordProviderTests {
  private func authorityWithUsers() throws -> Authority {
    try authority { settings in
      var anna = Settings.User(name: "anna")
      // argon2 somesalt -id -t 2 -m 16 -p 1 -l 32, password "password"
      anna.passwordHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
      var bert = Settings.User(name: "bert")
      // From the common test vectors of bcrypt implementations: password "U*U".
      bert.passwordHash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
      settings.auth.users = [anna, bert, Settings.User(name: "carl")]
    }
  }

  @Test(arguments: [
    ("anna", "password", true), ("anna", "Password", false), ("anna", "", false), ("bert", "U*U", true),
    ("bert", "U*u", false), ("bert", "U*U\0", false), ("bert", "", false), ("carl", "password", false),
    ("carl", "", false), ("nobody-knows", "password", false), ("Anna", "password", false),
  ])
  func `only the right password of a user with a hash is accepted`(
    user: String, password: String, isRight: Bool
  ) throws {
    let verdict = try authorityWithUsers().verdict(.password(user: user, password: SecretBytes(password.utf8)))
    let reason: Reason = ["anna", "bert"].contains(user) ? "wrong_password" : "no_password"
    #expect(verdict == (isRight ? Verdict(outcome: .accepted) : Verdict(outcome: .rejected, reason: reason)))
  }

  @Test func `without configured users every password is refused`() throws {
    #expect(try authority().verdict(.password(user: "root", password: [])).outcome == .rejected)
  }

  @Test func `an invalid hash stops the authority and the error names the user`() {
    #expect {
      try authority { settings in
        var user = Settings.User(name: "dora")
        user.passwordHash = "$6$salt$hash"
        settings.auth.users = [user]
      }
    } throws: { "\($0)".contains("'dora'") && "\($0)".contains("Argon2id") }
  }

  @Test func `a bcrypt decoy is a valid hash of the same cost`() throws {
    for filler in [UInt8(0), 63, 255] {
      let text = Bcrypt.decoy(cost: 4, random: Array(repeating: filler, count: 53))
      #expect(try PasswordEntry(text) == .bcrypt(text, cost: 4))
      let isRight = Bcrypt.verify(Secret("x".utf8), text)
      #expect(!isRight)
    }
  }
}
