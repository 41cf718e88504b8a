import Audit
import Authentication
import Credentials

/// The revocation list that applies to a login attempt.
enum Revocations {
  /// No list is configured.
  case none
  /// A list is configured and invalid, so that any key could be in it.
  case unreadable
  /// A valid list.
  case list(RevokedKeys)

  /// - Parameter bytes: the content of the list; nil if none is configured.
  init(_ bytes: [UInt8]?) {
    guard let bytes else {
      self = .none
      return
    }
    self = (try? RevokedKeys(bytes)).map { .list($0) } ?? .unreadable
  }

  /// Why the key or certificate is refused; nil if it is not revoked.
  func refusal(of credential: KeyClaim.Credential) -> KeyRefusal? {
    switch (self, credential) {
    case (.none, .key), (.none, .certificate): nil
    case (.unreadable, .key), (.unreadable, .certificate): .unreadableRevocations
    case (.list(let list), .key(let key)): list.revokes(key) ? .revoked : nil
    case (.list(let list), .certificate(let certificate)): list.revokes(certificate) ? .revoked : nil
    }
  }
}
