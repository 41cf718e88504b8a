import IPC
import Wire

/// What somebody gives as proof of who they are.
enum Attempt {
  /// A `publickey` request, and the files of the user whom it names.
  case publicKey(KeyQuestion, LookedUpFiles)
  case password(user: String, SecretBytes)
}

/// Judges one kind of credentials.
///
/// What it answers, and how long that takes, must not tell whether there is a user of that name.
protocol AuthProvider {
  /// The judgement; nil when this is not the provider's kind of credentials.
  func judge(_ attempt: Attempt) -> Verdict?
}
