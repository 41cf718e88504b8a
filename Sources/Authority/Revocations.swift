import Audit
import Authentication
import Credentials

/// What is known about revoked keys.
enum Revocations {
  /// There is no list.
  case none
  /// There is one that is not understood: every key may be in it.
  case unreadable
  case list(RevokedKeys)

  /// `bytes`: the list, if there is one.
  init(_ bytes: [UInt8]?) {
    guard let bytes else {
      self = .none
      return
    }
    self = (try? RevokedKeys(bytes)).map { .list($0) } ?? .unreadable
  }

  /// Why a key or certificate lets nobody in; nil: nothing is said against it.
  func refusal(of credential: KeyClaim.Credential) -> KeyRefusal? {
    switch (self, credential) {
    case (.none, .key), (.none, .certificate): nil
    case (.unreadable, .key), (.unreadable, .certificate): .unreadableRevocations
    case (.list(let list), .key(let key)): list.revokes(key) ? .revoked : nil
    case (.list(let list), .certificate(let certificate)): list.revokes(certificate) ? .revoked : nil
    }
  }
}
