import Foundation
import Testing

extension Interop {
  /// The post-quantum key exchange mlkem768x25519-sha256, which libssh does not have.
  @Suite(.serialized) struct HybridKeyExchange {
    private static let method = "mlkem768x25519-sha256"

    /// Runs claims of hybrid.py.
    private func claims(_ daemon: Daemon, _ claims: String...) throws {
      let outcome = try run(
        ["\(Daemon.repository)/scripts/make-test-venv.sh", "--ml-kem"], environment: ["HOME": NSHomeDirectory()],
        within: 200)
      try #require(outcome.status == 0, "\(outcome)")
      for claim in claims {
        try daemon.claim("hybrid.py", claim, environment: ["PYTHONPATH": "\(outcome.line)/src"], within: 100)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `the hybrid key exchange is offered first, and a client without it uses curve25519`() throws {
      try withDaemon { daemon throws in
        try claims(
          daemon, "the-hybrid-method-is-offered-first", "each-client-gets-the-best-method-that-it-has",
          "a-right-guess-of-the-hybrid-method-is-taken-and-wrong-ones-are-passed-over")
        let classic = try daemon.ssh("-v", "-o", "KexAlgorithms=curve25519-sha256", "host", "true")
        #expect(classic.errors.contains("kex: algorithm: curve25519-sha256"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `every exchange of a connection may use another method`() throws {
      try withDaemon { daemon throws in try claims(daemon, "methods-change-from-one-exchange-to-the-next") }
    }

    @Test(.timeLimit(.minutes(3))) func `copies of the zygote do not share the secrets of the hybrid method`() throws {
      try withDaemon { daemon throws in try claims(daemon, "no-two-connections-encapsulate-the-same-secret") }
    }

    @Test(.timeLimit(.minutes(4)))
    func `invalid messages of the hybrid method end the connection, and no other`() throws {
      try withDaemon { daemon throws in
        try claims(
          daemon, "keys-of-a-wrong-length-are-refused", "invalid-keys-are-refused", "messages-out-of-order-are-refused")
        let reasons = Set(try daemon.events.all("connection_closed").map { $0["reason"] })
        #expect(reasons == ["protocol_error"])
        let reason = "the client's key of \(Self.method) is invalid"
        // 7 lengths and random bytes, 12 coefficients, and three of the messages out of order.
        eventually("the log says why") { daemon.log.all.components(separatedBy: reason).count - 1 >= 23 }
        #expect(try daemon.events.event("connection_closed") { $0["details"] == reason }["reason"] == "protocol_error")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the log and the journal name the key exchange`() throws {
      try withDaemon { daemon throws in
        try claims(daemon, "each-client-gets-the-best-method-that-it-has")
        #expect(daemon.log.all.contains("key exchange \(Self.method) with ssh-ed25519"))
        #expect(daemon.log.all.contains("key exchange curve25519-sha256 with ssh-ed25519"))
        for type in ["auth_success", "session_start", "session_end"] {
          let methods = try daemon.events.events(6, of: type).map { $0["key_exchange"] }
          #expect(Set(methods) == [Self.method, "curve25519-sha256"], "\(type)")
        }
      }
    }

    @Test(.timeLimit(.minutes(4))) func `AsyncSSH uses the hybrid method, and rekeys under load`() throws {
      try withDaemon { daemon throws in
        let python = try Daemon.clientsEnvironment() + "/bin/python"
        try daemon.claims("asyncssh_cases.py", "new-keys-under-load", python: python, within: 150)
        #expect(daemon.log.all.contains("key exchange \(Self.method) with ssh-ed25519"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the hybrid method can be the only one, and can be left out`() throws {
      try withDaemon(server: ["kex": "[\(Self.method)]"]) { daemon throws in
        try claims(daemon, "a-client-logs-in")
        let outcome = try daemon.ssh("-o", "KexAlgorithms=curve25519-sha256", "host", "true")
        #expect(outcome.status == 255 && outcome.errors.contains("Their offer: \(Self.method)"))
      }
      try withDaemon(server: ["kex": "[curve25519-sha256]"]) { daemon throws in
        let outcome = try daemon.ssh("-o", "KexAlgorithms=ecdh-sha2-nistp256", "host", "true")
        #expect(outcome.status == 255 && outcome.errors.contains("Their offer: curve25519-sha256"))
        let check = try run([daemon.server, "check-config", "-c", "\(daemon.directory)/server.yaml"])
        #expect(check.status == 0 && check.errors.contains("server.kex: without \(Self.method)"), "\(check)")
      }
    }
  }
}
