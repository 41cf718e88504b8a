import Authentication
import Testing

@testable import Credentials

@Suite struct PasswordHashTests {
  @Test func `a new hash has the default cost and matches only its password`() throws {
    let text = try PasswordHash.make(Secret("correct horse".utf8))
    #expect(text.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
    guard case .argon2id(let entry) = try PasswordEntry(text) else {
      Issue.record("not Argon2id")
      return
    }
    #expect(entry.salt.count == 16)
    #expect(entry.tag.count == 32)
    #expect(entry.text == text)
    #expect(try PasswordHash.verify(Secret("correct horse".utf8), entry))
    #expect(try !PasswordHash.verify(Secret("correct horsf".utf8), entry))
    #expect(try !PasswordHash.verify(Secret([]), entry))
  }

  @Test func `two hashes of one password differ`() throws {
    #expect(try PasswordHash.make(Secret([1])) != PasswordHash.make(Secret([1])))
  }

  /// Made with the reference tool: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -v 13
  @Test func `a hash made by the reference implementation verifies`() throws {
    let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    guard case .argon2id(let entry) = try PasswordEntry(text) else {
      Issue.record("not Argon2id")
      return
    }
    #expect(try PasswordHash.verify(Secret("password".utf8), entry))
    #expect(try !PasswordHash.verify(Secret("Password".utf8), entry))
  }

  @Test func `a decoy has the cost of its model and matches no password`() throws {
    let model = PasswordEntry.Argon2id(
      memory: 64, passes: 3, lanes: 2, salt: Array(repeating: 1, count: 12), tag: Array(repeating: 2, count: 24))
    let decoy = try PasswordHash.decoy(like: model)
    #expect((decoy.memory, decoy.passes, decoy.lanes) == (64, 3, 2))
    #expect((decoy.salt.count, decoy.tag.count) == (12, 24))
    #expect(try !PasswordHash.verify(Secret([]), decoy))
    #expect(try PasswordHash.decoy().memory == 19456)
  }

  @Test func `a secret holds the bytes that went in and empties their source`() {
    var bytes: [UInt8] = [1, 2, 3]
    let secret = Secret(taking: &bytes)
    #expect(bytes.isEmpty)
    #expect(secret.count == 3)
    #expect(secret.withBytes { Array($0) } == [1, 2, 3])
  }
}
