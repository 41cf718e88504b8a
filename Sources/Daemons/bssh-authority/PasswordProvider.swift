import Audit
import Authentication
import Configuration
import Credentials
import IPC
import Wire

/// Verifies passwords with the hashes in the configuration.
///
/// For a user without a hash, the password is compared with a decoy that costs as much as one of the configured hashes.
/// Which one depends only on the user name and the configuration, so that every authority takes the same time.
struct PasswordProvider {
  private let entries: [[UInt8]: PasswordEntry]
  private let decoys: [PasswordEntry]
  private let seed: [UInt8]

  init(users: [Settings.User]) throws(CredentialError) {
    var entries: [[UInt8]: PasswordEntry] = [:]
    var decoys: [PasswordEntry] = []
    var texts: [UInt8] = []
    for user in users {
      guard let text = user.passwordHash else { continue }
      let entry: PasswordEntry
      do throws(PasswordEntryError) {
        entry = try PasswordEntry(text)
      } catch { throw .passwordHash("the password hash of '\(user.name)': \(error)") }
      entries[Array(user.name.utf8)] = entry
      decoys.append(try Self.decoy(like: entry))
      texts += Array(text.utf8)
    }
    self.entries = entries
    self.decoys = decoys.isEmpty ? [.argon2id(try PasswordHash.decoy())] : decoys
    seed = sha256(texts)
  }

  /// The verdict on `password`. Neither it nor the time that it takes tells whether there is a user of that name.
  func verify(_ password: SecretBytes, of user: String) -> Verdict {
    let name = Array(user.utf8)
    let entry = entries[name]
    let fits = verify(password.lend { Secret($0) }, entry ?? decoy(for: name))
    guard entry != nil else { return .rejected(ProofRefusal.noPassword) }
    return fits ? Verdict(outcome: .accepted) : .rejected(ProofRefusal.wrongPassword)
  }

  private static func decoy(like entry: PasswordEntry) throws(CredentialError) -> PasswordEntry {
    switch entry {
    case .argon2id(let entry): .argon2id(try PasswordHash.decoy(like: entry))
    case .bcrypt(_, let cost): .bcrypt(Bcrypt.decoy(cost: cost, random: try randomBytes(53)), cost: cost)
    }
  }

  private func decoy(for name: [UInt8]) -> PasswordEntry {
    let number = sha256(seed + name).prefix(7).reduce(0) { $0 << 8 | Int($1) }
    return decoys[number % decoys.count]
  }

  private func verify(_ password: borrowing Secret, _ entry: PasswordEntry) -> Bool {
    switch entry {
    case .argon2id(let entry): (try? PasswordHash.verify(password, entry)) ?? false
    case .bcrypt(let text, _): Bcrypt.verify(password, text)
    }
  }
}
