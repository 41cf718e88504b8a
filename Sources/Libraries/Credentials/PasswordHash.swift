import Authentication
import CArgon2
import COpenSSL

/// Creates and verifies Argon2id password hashes. RFC 9106
public enum PasswordHash {
  /// Memory of a new hash in KiB.
  public static let memory: UInt32 = 19456
  /// Passes over the memory for a new hash.
  public static let passes: UInt32 = 2
  /// Degree of parallelism of a new hash.
  public static let lanes: UInt32 = 1

  /// Hashes a password with a new salt of 16 bytes to a tag of 32 bytes, and returns the PHC string.
  ///
  /// - Throws: `CredentialError.library` if the random generator or libargon2 fails, for example for lack of memory.
  public static func make(_ password: borrowing Secret) throws(CredentialError) -> String {
    try entry(password).text
  }

  /// A hash that no password matches. Verifying against it takes as long as against `like`, or as against a new hash if
  /// nil; it hides whether a user exists.
  ///
  /// - Throws: `CredentialError.library` if the random generator fails.
  public static func decoy(like entry: PasswordEntry.Argon2id? = nil) throws(CredentialError) -> PasswordEntry.Argon2id
  {
    PasswordEntry.Argon2id(
      memory: entry?.memory ?? memory, passes: entry?.passes ?? passes, lanes: entry?.lanes ?? lanes,
      salt: try randomBytes(entry?.salt.count ?? 16), tag: try randomBytes(entry?.tag.count ?? 32))
  }

  /// Returns whether the password matches the hash. The comparison takes constant time; the computation takes as long
  /// as the parameters of the hash demand.
  ///
  /// - Throws: `CredentialError.library` if libargon2 fails, for example for lack of memory.
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
