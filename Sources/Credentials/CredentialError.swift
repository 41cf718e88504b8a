/// Why a key or a password hash could not be made, read, used or written.
public enum CredentialError: Error, Equatable, CustomStringConvertible {
  /// The file or its content is no usable private key; the text is for people.
  case hostKey(String)
  /// A password hash that is none; the text is for people.
  case passwordHash(String)
  /// A secret for one-time codes that is none; the text is for people, and holds nothing of it.
  case oneTimeSecret(String)
  /// A size that the key type doesn't have.
  case bits(String)
  /// The cryptographic library refuses; the text names the operation.
  case library(String)
  /// A file operation failed: path, and what the system says.
  case file(String, String)
  /// The file is there, and nobody said that it may be replaced.
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
