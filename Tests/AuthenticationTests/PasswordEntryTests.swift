import Testing

@testable import Authentication

@Suite struct PasswordEntryTests {
  private static let salt = "c29tZXNhbHQ"
  private static let tag = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
  private static let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

  @Test func `all parts of an Argon2id string are parsed`() throws {
    let text = "$argon2id$v=19$m=19456,t=2,p=1$\(Self.salt)$\(Self.tag)"
    guard case .argon2id(let entry) = try PasswordEntry(text) else {
      Issue.record("not Argon2id")
      return
    }
    #expect((entry.memory, entry.passes, entry.lanes) == (19456, 2, 1))
    #expect(entry.salt == Array("somesalt".utf8))
    #expect(entry.tag.count == 32)
    #expect(entry.text == text)
  }

  @Test func `a truncated string is refused unless it is a complete shorter hash`() {
    for text in ["$argon2id$v=19$m=19456,t=2,p=1$\(Self.salt)$\(Self.tag)", "$2b$10$\(Self.bcrypt)"] {
      for length in 0..<text.utf8.count {
        guard let entry = try? PasswordEntry(String(text.prefix(length))) else { continue }
        guard case .argon2id(let parts) = entry else {
          Issue.record("a cut bcrypt hash was read")
          return
        }
        #expect((16..<32).contains(parts.tag.count))
      }
    }
  }

  @Test(arguments: [
    ("m=8,t=1,p=1", true), ("m=7,t=1,p=1", false), ("m=1048576,t=1,p=1", true), ("m=1048577,t=1,p=1", false),
    ("m=64,t=0,p=1", false), ("m=64,t=64,p=1", true), ("m=64,t=65,p=1", false), ("m=64,t=1,p=0", false),
    ("m=128,t=1,p=16", true), ("m=127,t=1,p=16", false), ("m=1024,t=1,p=17", false), ("m=064,t=1,p=1", false),
    ("m=4294967360,t=1,p=1", false), ("m=-64,t=1,p=1", false), ("t=1,m=64,p=1", false), ("m=64,t=1", false),
    ("m=64,t=1,p=1,x=1", false), ("m=,t=1,p=1", false), ("", false),
  ])
  func `costs are accepted only within their limits and in their order`(costs: String, isAccepted: Bool) {
    let entry = try? PasswordEntry("$argon2id$v=19$\(costs)$\(Self.salt)$\(Self.tag)")
    #expect((entry != nil) == isAccepted)
  }

  @Test(arguments: [(7, 32, false), (8, 32, true), (64, 32, true), (65, 32, false), (16, 15, false), (16, 16, true)])
  func `salt and tag lengths are limited`(salt: Int, tag: Int, isAccepted: Bool) {
    let entry = PasswordEntry.Argon2id(
      memory: 64, passes: 1, lanes: 1, salt: Array(repeating: 1, count: salt), tag: Array(repeating: 2, count: tag))
    #expect(((try? PasswordEntry(entry.text)) != nil) == isAccepted)
  }

  @Test(arguments: ["2a", "2b", "2y"])
  func `bcrypt hashes of every current kind parse`(kind: String) throws {
    let text = "$\(kind)$10$\(Self.bcrypt)"
    #expect(try PasswordEntry(text) == .bcrypt(text, cost: 10))
  }

  @Test(arguments: [
    ("03", false), ("04", true), ("16", true), ("17", false), ("31", false), ("4", false), ("1x", false),
  ])
  func `the bcrypt cost is 4 to 16 in two digits`(cost: String, isAccepted: Bool) {
    #expect(((try? PasswordEntry("$2b$\(cost)$\(Self.bcrypt)")) != nil) == isAccepted)
  }

  @Test(arguments: [
    "", "x", "$", "$$", "password", "$1$salt$hash", "$5$salt$hash", "$6$salt$hash", "$y$j9T$salt$hash",
    "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$2x$10$abc", "$2$10$abc",
  ])
  func `other schemes are refused and the text names the accepted ones`(text: String) {
    #expect(throws: PasswordEntryError.scheme) { try PasswordEntry(text) }
    #expect(PasswordEntryError.scheme.description.contains("hash-password"))
  }

  @Test(arguments: [
    "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ=$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$",
    "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!", "$2b$10$short",
  ])
  func `a damaged hash is refused`(text: String) {
    #expect(throws: PasswordEntryError.form) { try PasswordEntry(text) }
  }
}
