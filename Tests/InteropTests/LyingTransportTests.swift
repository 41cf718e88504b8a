import Foundation
import Testing

extension Interop {
  /// A compromised transport may send anything: it gets no login that the user did not prove.
  @Suite(.serialized) struct LyingTransport {
    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "true-story", "login-without-a-signature", "signature-for-another-session", "login-before-a-key-exchange",
        "another-users-name", "forged-messages", "endless-lengths", "descriptor-with-a-message",
        "thousand-signatures", "signatures-of-unknown-keys", "closed-and-then-more", "garbage-for-the-session",
        "second-login",
      ])
    func `a lie gains nothing, and the daemon continues`(lie: String) throws {
      let replace = { (files: Daemon.Preparation) in try files.standIn("lying_transport.py", for: "bssh-transport") }
      try withDaemon(prepare: replace) { daemon throws in
        try daemon.claim("lies.py", lie)
        // A control for the controls: it still serves, and the truth still logs in.
        try daemon.claim("lies.py", "true-story")
        eventually("no session is left") { daemon.logins.allSatisfy { $0.name != "bssh-session" } }
      }
    }
  }
}
