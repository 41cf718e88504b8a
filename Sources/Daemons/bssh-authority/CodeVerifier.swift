import Authentication
import Configuration
import Credentials
import IPC

/// Verifies one-time codes with the secrets in the configuration.
///
/// The code of a user without a secret is compared with those of a random secret, so that the duration does not reveal
/// the difference.
struct CodeVerifier {
  private let secrets: [[UInt8]: OneTimeSecret]
  private let decoy: OneTimeSecret

  init(users: [Settings.User]) throws(CredentialError) {
    var secrets: [[UInt8]: OneTimeSecret] = [:]
    for user in users {
      guard let text = user.totpSecret else { continue }
      do throws(OneTimeSecretError) {
        secrets[Array(user.name.utf8)] = try OneTimeSecret(
          base32: text, algorithm: user.totpAlgorithm, digits: user.totpDigits)
      } catch { throw .oneTimeSecret("the totp_secret of '\(user.name)': \(error)") }
    }
    self.secrets = secrets
    decoy = try .make()
  }

  /// Verifies a code that arrived at `time`, in seconds since 1970.
  func verify(_ code: [UInt8], of user: String, at time: Int64) -> CodeVerdict {
    let secret = secrets[Array(user.utf8)]
    // A failure of the library counts as a wrong code.
    let step = try? (secret ?? decoy).step(of: code, at: time)
    guard secret != nil else { return .noSecret }
    return step.map { .right(step: $0) } ?? .wrong
  }
}
