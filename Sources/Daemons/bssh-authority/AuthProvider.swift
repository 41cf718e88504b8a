import IPC
import Wire

/// The credentials of one authentication request.
enum Attempt {
  /// A `publickey` request, and the key files of the requested user.
  case publicKey(KeyQuestion, LookedUpFiles)
  /// A password, from the method `password` or from keyboard-interactive.
  case password(user: String, SecretBytes)
}

/// Verifies one kind of credentials.
///
/// Neither the verdict nor its duration may reveal whether the user exists.
protocol AuthProvider {
  /// The verdict; nil if the credentials are not of the provider's kind.
  func judge(_ attempt: Attempt) -> Verdict?
}
