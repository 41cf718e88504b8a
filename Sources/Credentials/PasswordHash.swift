import Authentication
import CArgon2
import COpenSSL

/// Makes and verifies Argon2id password hashes; RFC 9106.
public enum PasswordHash {
  /// What a new hash costs: KiB of memory, passes, lanes.
  public static let memory: UInt32 = 19456
  public static let passes: UInt32 = 2
  public static let lanes: UInt32 = 1

  /// Hashes a password with a new salt of 16 bytes to a tag of 32, and returns the PHC string.
  public static func make(_ password: borrowing Secret) throws(CredentialError) -> String {
    try entry(password).text
  }

  /// A hash that no password has, at the cost of `like`, or of a new one: to spend a real one's time on.
  public static func decoy(like entry: PasswordEntry.Argon2id? = nil) throws(CredentialError) -> PasswordEntry.Argon2id
  {
    PasswordEntry.Argon2id(
      memory: entry?.memory ?? memory, passes: entry?.passes ?? passes, lanes: entry?.lanes ?? lanes,
      salt: try randomBytes(entry?.salt.count ?? 16), tag: try randomBytes(entry?.tag.count ?? 32))
  }

  /// Tells in constant time whether the password is the one of the hash. Takes as long as the hash costs.
  public static func verify(
    _ password: borrowing Secret, _ entry: PasswordEntry.Argon2id
  ) throws(CredentialError) -> Bool {
    var tag = try tag(password, entry, size: entry.tag.count)
    defer { Secret.wipe(&tag) }
    return tag.count == entry.tag.count && CRYPTO_memcmp(tag, entry.tag, tag.count) == 0
  }

  private static func entry(_ password: borrowing Secret) throws(CredentialError) -> PasswordEntry.Argon2id {
    var entry = PasswordEntry.Argon2id(
      memory: memory, passes: passes, lanes: lanes, salt: try randomBytes(16), tag: [])
    entry.tag = try tag(password, entry, size: 32)
    return entry
  }

  private static func tag(
    _ password: borrowing Secret, _ entry: PasswordEntry.Argon2id, size: Int
  ) throws(CredentialError) -> [UInt8] {
    var tag = [UInt8](repeating: 0, count: size)
    let result = password.withBytes { password in
      argon2id_hash_raw(
        entry.passes, entry.memory, entry.lanes, password.baseAddress, password.count, entry.salt, entry.salt.count,
        &tag, size)
    }
    guard result == 0 else { throw .library("Argon2id: \(String(cString: argon2_error_message(result)))") }
    return tag
  }
}
