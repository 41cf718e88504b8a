import Foundation
import Testing

extension Interop {
  /// The credentials that clients offer, message by message.
  @Suite(.serialized) struct Credentials {
    private func credentials(
      _ claim: String, auth: Daemon.Keys = [:], password: String? = nil,
      sourceLocation: SourceLocation = #_sourceLocation, _ then: (Daemon) throws -> Void = { _ in }
    ) throws {
      try withDaemon(auth: auth, sourceLocation: sourceLocation) { daemon throws in
        try daemon.claim("credentials.py", claim, sourceLocation: sourceLocation)
        try then(daemon)
        #expect(try daemon.ssh("host", "echo in").output == "in\n", sourceLocation: sourceLocation)
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "corrupted-signature", "signature-of-another-session", "signature-for-another-user",
        "signature-of-another-algorithm", "rsa-with-sha1", "small-rsa-key", "dss", "unknown-key-type",
        "malformed-key-blobs", "malformed-signatures", "security-key-without-touch", "security-key-with-forged-flags",
        "security-key-for-another-application", "unknown-methods",
      ])
    func `an invalid credential gets a failure, and the valid one still logs in`(
      claim: String
    ) throws {
      try credentials(claim)
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["rsa-with-sha2", "every-curve", "security-key-with-touch", "many-pending-requests"])
    func `a valid credential logs in`(claim: String) throws {
      try credentials(claim)
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["gssapi", "gssapi-messages-out-of-turn"])
    func `GSSAPI cannot be reached`(claim: String) throws {
      try credentials(claim) { daemon throws in
        for process in daemon.processes("bssh-transport") {
          #expect(!process.descriptors.values.contains { $0.contains("krb5") || $0.contains("gss") })
        }
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["change-of-user", "wrong-service-in-request", "twenty-five-keys", "names-of-users"])
    func `a client with too many attempts is disconnected`(claim: String) throws {
      try credentials(claim)
    }

    @Test(.timeLimit(.minutes(3))) func `the client is told which signature algorithms are accepted`() throws {
      try credentials("algorithms-for-signatures")
    }

    @Test(.timeLimit(.minutes(3))) func `the identification names neither libssh nor a version`() throws {
      try credentials("identification")
    }
  }
}
