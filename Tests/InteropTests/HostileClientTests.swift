import Foundation
import Testing

extension Interop {
  /// Clients that violate the protocol, each with its own daemon, which must serve the next client normally.
  @Suite(.serialized) struct HostileClient {
    /// Runs a claim of hostile.py; the daemon must then still accept logins, and keep nothing of the client.
    private func hostile(
      _ claim: String, server: Daemon.Keys = [:], security: Daemon.Keys = [:], within seconds: Double = 60,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try withDaemon(server: server, security: security, sourceLocation: sourceLocation) { daemon throws in
        let before = daemon.pid
        // A login, so that everything exists that is kept for the next one.
        #expect(try daemon.ssh("host", "echo in").output == "in\n", sourceLocation: sourceLocation)
        eventually("it is over", sourceLocation: sourceLocation) { daemon.logins.isEmpty }
        let descriptors = RunningProcess(before)?.descriptors.count ?? 0
        let processes = daemon.processes.count
        try daemon.claim(
          "hostile.py", claim, environment: ["USER_ID": String(daemon.user.uid)], within: seconds,
          sourceLocation: sourceLocation)
        let outcome = try daemon.ssh("host", "echo still here")
        #expect(outcome.output == "still here\n", sourceLocation: sourceLocation)
        eventually("nobody is left", sourceLocation: sourceLocation) { daemon.logins.isEmpty }
        #expect(RunningProcess.isRunning(before), sourceLocation: sourceLocation)
        eventually(within: 30, "no process and no descriptor is left", sourceLocation: sourceLocation) {
          daemon.processes.count <= processes && RunningProcess(before)?.descriptors.count ?? .max <= descriptors
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["0", "10", "1023"])
    func `a channel with a maximum packet below 1024 is refused`(size: String) throws {
      try hostile("packet-size-\(size)")
    }

    @Test(.timeLimit(.minutes(3))) func `a maximum packet of 1024 is respected`() throws {
      try hostile("packet-size-1024")
    }

    @Test(.timeLimit(.minutes(3))) func `no more data is sent than the window allows`() throws {
      try hostile("window-is-respected")
    }

    @Test(.timeLimit(.minutes(3))) func `a client that exceeds its window is disconnected`() throws {
      try hostile("window-overrun")
    }

    @Test(.timeLimit(.minutes(3))) func `a window of more than 32 bits ends the connection`() throws {
      try hostile("window-overflow")
    }

    @Test(.timeLimit(.minutes(3))) func `data after EOF ends the connection`() throws {
      try hostile("data-after-eof")
    }

    @Test(.timeLimit(.minutes(3))) func `data for a channel that does not exist ends the connection`() throws {
      try hostile("unknown-channel")
    }

    @Test(.timeLimit(.minutes(3)))
    func `a reader that pauses for 10 seconds does not block another channel`() throws {
      try hostile("stopped-reader")
    }

    @Test(.timeLimit(.minutes(3))) func `a client that reads nothing does not make the server grow`() throws {
      try hostile("connection-that-is-not-read")
    }

    @Test(.timeLimit(.minutes(3))) func `a flood of requests whose replies nobody reads is bounded`() throws {
      try hostile("flood-of-requests")
    }

    @Test(.timeLimit(.minutes(3))) func `a flood of unknown messages before the login is bounded`() throws {
      try hostile("flood-of-unknown-messages")
    }

    @Test(.timeLimit(.minutes(3))) func `pipelined requests are answered in order`() throws {
      try hostile("flood-of-waiting-requests")
    }

    @Test(.timeLimit(.minutes(3))) func `the number of channels is limited`() throws {
      try hostile("many-channels")
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["downloading", "uploading"])
    func `a client that resets the connection leaves nothing behind`(while what: String) throws {
      try hostile("reset-while-\(what)")
    }

    @Test(.timeLimit(.minutes(3)))
    func `a hundred connections that are reset at every stage leave nothing behind`() throws {
      try hostile("hundred-connections-come-and-go")
    }

    /// Places for connections leak first: few connections are allowed in total, all from one source without privileges.
    @Test(.timeLimit(.minutes(3)))
    func `a thousand broken connections leave nothing behind, and logins work throughout`() throws {
      try hostile(
        "thousand-broken-connections",
        server: [
          "max_connections": "60", "max_unauthenticated": "80", "max_unauthenticated_per_source": "40",
        ],
        security: ["whitelist_ips": "[]", "max_auth_attempts": "0", "rate_limit": "{per_second: 0}"], within: 170)
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: ["garbage-instead-of-an-identification", "endless-identification"])
    func `garbage before the key exchange ends the connection`(claim: String) throws {
      try hostile(claim)
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["silent-client", "client-that-does-not-log-in"])
    func `a client that has not logged in before the timeout is disconnected`(claim: String) throws {
      try hostile(claim, server: ["timeout": "2s"])
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: ["huge-packet-length", "huge-encrypted-packet-length", "forged-packet"])
    func `a corrupted packet ends the connection`(claim: String) throws {
      try hostile(claim)
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "channel-before-login", "channel-request-before-login", "global-request-before-login",
        "success-from-the-client", "wrong-service", "authentication-after-login", "service-after-login", "empty-packet",
      ])
    func `a message of another phase has no effect`(claim: String) throws {
      try hostile(claim)
    }

    @Test(.timeLimit(.minutes(3))) func `a request that is too long is refused, and the connection continues`() throws {
      try hostile("too-long-requests")
    }

    @Test(.timeLimit(.minutes(3))) func `identification lines may have up to 255 bytes, in any pieces`() throws {
      try hostile("long-identifications")
    }

    @Test(.timeLimit(.minutes(3)))
    func `the log distinguishes clients that do not speak SSH from those that just left`() throws {
      try withDaemon(security: ["max_auth_attempts": "0"]) { daemon throws in
        try daemon.claim("hostile.py", "no-identifications")
        try daemon.log.line(with: "protocol_error", "the client does not speak SSH")
        try daemon.log.line(with: "protocol_error", "the identification line has more than 255 bytes")
        try daemon.log.line(with: "connection_lost")
        eventually("they are over") { daemon.logins.isEmpty }
        #expect(!daemon.log.all.contains("Bad address"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the memory of all channels of a connection is bounded`() throws {
      try hostile("input-that-nobody-reads")
    }

    @Test(.timeLimit(.minutes(3))) func `a connection that runs out of memory ends with an error, and not as a crash`()
      throws
    {
      // A single crash would cause a ban.
      try withDaemon(security: ["whitelist_ips": "[]"]) { daemon throws in
        for _ in 0..<2 { try daemon.claim("hostile.py", "out-of-memory") }
        try daemon.log.line(with: "out_of_memory", "needs more memory than it may have")
        #expect(try daemon.ssh("host", "echo on").output == "on\n")
        #expect(!daemon.log.all.contains("crash"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the number of channels is that of the configuration`() throws {
      try withDaemon(server: ["max_channels": "2"]) { daemon throws in
        let script = """
          $SSH -M -S $DIRECTORY/c -o ControlPersist=yes -fN host </dev/null >/dev/null 2>&1
          mkfifo $DIRECTORY/f; exec 3<>$DIRECTORY/f
          for i in 1 2; do $SSH -S $DIRECTORY/c host 'echo in; cat' <$DIRECTORY/f & done | head -2
          $SSH -S $DIRECTORY/c -o ProxyCommand=false host true </dev/null 2>/dev/null || echo refused
          $SSH -S $DIRECTORY/c -O exit host 2>/dev/null
          """
        #expect(try daemon.shell(script).output == "in\nin\nrefused\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `truncated messages harm nobody else`() throws {
      try hostile("truncated-messages")
    }

    @Test(.timeLimit(.minutes(3))) func `a channel runs one program`() throws {
      try hostile("two-programs-on-one-channel")
    }

    @Test(.timeLimit(.minutes(3)))
    func `unknown channels and requests are refused, and the connection continues`() throws {
      try hostile("refused-channel-types")
    }
  }
}
