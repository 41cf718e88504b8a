/// Why a key, a password hash or a one-time code could not be created, read, used or written. Texts are for people.
public enum CredentialError: Error, Equatable, CustomStringConvertible {
  /// The file or its content is not a usable private key.
  case hostKey(String)
  /// The text is not a valid password hash.
  case passwordHash(String)
  /// The text is not a valid secret for one-time codes. The error quotes nothing from it.
  case oneTimeSecret(String)
  /// The key type does not have this size.
  case bits(String)
  /// libcrypto or libargon2 failed. The text names the operation.
  case library(String)
  /// A file operation failed: the path and the error.
  case file(String, String)
  /// The file exists, and the caller did not ask to replace it.
  case exists(String)

  public var description: String {
    switch self {
    case .hostKey(let text), .passwordHash(let text), .oneTimeSecret(let text), .bits(let text): text
    case .library(let operation): "libcrypto refuses: \(operation)"
    case .file(let path, let reason): "\(path): \(reason)"
    case .exists(let path): "\(path): exists; --force replaces it"
    }
  }
}
