import Foundation
import Testing

extension Interop {
  /// Which addresses may connect, and which are banned. The clients connect from 127.0.0.2 and others, with valid keys.
  @Suite(.serialized) struct Access {
    private static let source = "127.0.0.2"
    static let password = "right horse"

    private func access(
      _ daemon: Daemon, _ claim: String, from source: String = Access.source, attempts: Int = 3,
      within seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let environment = ["SOURCE": source, "ATTEMPTS": String(attempts), "PASSWORD": Access.password]
      try daemon.claim("access.py", claim, environment: environment, within: seconds, sourceLocation: sourceLocation)
    }

    /// A daemon that also accepts passwords.
    private func withPasswords(
      _ security: Daemon.Keys, server: Daemon.Keys = [:], sourceLocation: SourceLocation = #_sourceLocation,
      _ body: (Daemon) throws -> Void
    ) throws {
      try withDaemon(
        server: server, auth: ["methods": "[publickey, password]"], security: security, userKeys: Factors.password,
        sourceLocation: sourceLocation, body)
    }

    private func logsIn(_ daemon: Daemon, from source: String, _ options: [String] = []) throws -> Bool {
      try daemon.ssh(["-b", source] + options + ["host", "echo in"]).output == "in\n"
    }

    // MARK: Lists

    @Test(.timeLimit(.minutes(3))) func `a blocked address is closed before a byte is sent, and others are not`() throws
    {
      try withDaemon(security: ["blocked_ips": "[127.0.0.2, 127.0.1.0/24]"]) { daemon throws in
        try access(daemon, "refused")
        try access(daemon, "refused", from: "127.0.1.77")
        try access(daemon, "welcome", from: "127.0.0.3")
        #expect(try logsIn(daemon, from: "127.0.0.3"))
        for method in ["none", "publickey", "password", "keyboard-interactive"] {
          #expect(try !logsIn(daemon, from: "127.0.0.2", ["-o", "PreferredAuthentications=\(method)"]))
        }
        try daemon.log.line(with: "refused 127.0.0.2:", "blocked_ip, in 127.0.0.2 of security.blocked_ips")
        try daemon.log.line(with: "refused 127.0.1.77:", "blocked_ip, in 127.0.1.0/24 of security.blocked_ips")
        #expect(!daemon.log.all.contains("connection from 127.0.0.2"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `an allow list admits only its addresses, and the block list takes precedence`()
      throws
    {
      let lists = ["allowed_ips": "[127.0.0.0/24]", "blocked_ips": "[127.0.0.2]", "whitelist_ips": "[127.0.0.0/8]"]
      try withDaemon(security: lists) { daemon throws in
        #expect(try logsIn(daemon, from: "127.0.0.3"))
        try access(daemon, "refused", from: "127.0.1.3")
        // The whitelist admits nobody.
        try access(daemon, "refused", from: "127.0.0.2")
        try daemon.log.line(with: "refused 127.0.1.3:", "not_allowed_ip")
        try daemon.log.line(with: "refused 127.0.0.2:", "blocked_ip")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `reloaded lists apply to new connections`() throws {
      try withDaemon(security: ["blocked_ips": "[127.0.0.9]"]) { daemon throws in
        let before = try daemon.configuration
        let session = try daemon.startSSH("-b", "127.0.0.2", "host", "echo ready; cat")
        try session.output.line(with: "ready")
        try daemon.reload(before.replacingOccurrences(of: "127.0.0.9", with: "127.0.0.2"))
        try access(daemon, "refused")
        try access(daemon, "welcome", from: "127.0.0.9")
        try session.send("still here\n")
        try session.output.line(with: "still here")
        try daemon.reload(before)
        try access(daemon, "welcome")
        session.closeInput()
        #expect(try session.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a list of 100,000 ranges loads and is applied`() throws {
      let ranges = (0..<100_000).map { "10.\($0 >> 14).\($0 >> 6 & 255).\(($0 & 63) << 2)/30" }
      try withDaemon { daemon throws in
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(
            of: "security:\n", with: "security:\n  blocked_ips: [\(ranges.joined(separator: ", ")), 127.0.0.2]\n"))
        try access(daemon, "refused")
        #expect(try logsIn(daemon, from: "127.0.0.3"))
      }
    }

    // MARK: Bans

    @Test(.timeLimit(.minutes(3))) func `requesting host keys of every type causes no ban`() throws {
      try withDaemon(security: ["whitelist_ips": "[]", "max_auth_attempts": "1"]) { daemon throws in
        let scan = try daemon.shell("ssh-keyscan -p $PORT 127.0.0.1 2>/dev/null")
        #expect(scan.output.contains("ssh-ed25519"))
        try daemon.events.event("connection_closed") { $0["reason"] == "no_common_algorithm" }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(try daemon.events.all("suspicious_activity").isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["wrong-passwords", "bad-signatures"], [1, 3, 5])
    func `the configured number of failures of any kind causes a ban`(claim: String, attempts: Int) throws {
      try withPasswords(["max_auth_attempts": String(attempts)]) { daemon throws in
        try access(daemon, claim, attempts: attempts)
        // Valid credentials do not help.
        #expect(try !logsIn(daemon, from: "127.0.0.2"))
        #expect(try logsIn(daemon, from: "127.0.0.3"))
        try daemon.log.line(with: "banned 127.0.0.2 for 300 s, ban 1 in a row: failed logins")
        try daemon.log.line(with: "refused 127.0.0.2:", "banned, for ", " s more")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["connections-without-a-login", "broken-connections"])
    func `connections that end without a login cause a ban`(claim: String) throws {
      try withDaemon(security: ["max_auth_attempts": "3"]) { try access($0, claim) }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [1, 7])
    func `connections with nothing but refused keys are counted separately`(attempts: Int) throws {
      let keys = ["max_auth_attempts": "3", "max_key_failures": String(attempts), "rate_limit": "{per_second: 0}"]
      try withDaemon(security: keys) { daemon throws in
        try access(daemon, "refused-keys", attempts: attempts)
        try daemon.log.line(with: "banned 127.0.0.2 for 300 s, ban 1 in a row: refused keys")
        let banned = try daemon.events.event("ip_blocked")
        #expect(banned["reason"] == "refused_keys")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `by default agents of six keys cause no ban, and guesses after keys do`() throws
    {
      try withDaemon(security: ["rate_limit": "{per_second: 0}"]) { daemon throws in
        try access(daemon, "an-office")
        #expect(!daemon.log.all.contains("banned"))
        try access(daemon, "keys-and-then-a-guess", attempts: 5)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client that stays until the login timeout has failed`() throws {
      try withDaemon(server: ["timeout": "1s"], security: ["max_auth_attempts": "2"]) {
        try access($0, "silent-connections", attempts: 2)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["looks-at-the-server", "keys-that-are-not-listed"])
    func `what proves nothing is not counted`(claim: String) throws {
      try withDaemon(security: ["max_auth_attempts": "1"]) { daemon throws in
        try access(daemon, claim, attempts: 1)
        #expect(try logsIn(daemon, from: "127.0.0.2"))
        #expect(!daemon.log.all.contains("banned"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a connection may offer 20 keys`() throws {
      try withDaemon { try access($0, "one-key-too-many") }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["slips-before-a-login", "guesses-beside-a-login"])
    func `a login cancels the failures of its own connection, and no others`(claim: String) throws {
      try withPasswords(["max_auth_attempts": "3"]) { try access($0, claim) }
    }

    @Test(.timeLimit(.minutes(3))) func `a ban closes connections of its source that have no login`() throws {
      try withPasswords(["max_auth_attempts": "2"]) { try access($0, "open-connections-end", attempts: 2) }
    }

    @Test(.timeLimit(.minutes(3))) func `addresses of the whitelist are never banned`() throws {
      try withPasswords(["max_auth_attempts": "1", "whitelist_ips": "[127.0.0.2/31]"]) { daemon throws in
        try access(daemon, "failures-without-a-ban")
        try access(daemon, "failures-without-a-ban", from: "127.0.0.3")
        try access(daemon, "wrong-passwords", from: "127.0.0.4", attempts: 1)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a limit of 0 bans nobody`() throws {
      try withPasswords(["max_auth_attempts": "0"]) { try access($0, "failures-without-a-ban") }
    }

    @Test(.timeLimit(.minutes(3))) func `failures expire`() throws {
      try withPasswords(["max_auth_attempts": "2", "auth_window": "1s"]) {
        try access($0, "failures-that-are-long-ago")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `bans end, and grow up to their maximum`() throws {
      let keys = ["max_auth_attempts": "1", "ban_time": "1s", "ban_factor": "3", "ban_max": "4s"]
      try withPasswords(keys) { daemon throws in
        for (number, length) in [1, 3, 4].enumerated() {
          let start = daemon.log.count
          try access(daemon, "wrong-passwords", attempts: 1)
          try daemon.log.line(
            with: "banned 127.0.0.2 for \(length) s, ban \(number + 1) in a row", after: start)
          try daemon.log.line(with: "unbanned 127.0.0.2 after ban \(number + 1) in a row", after: start)
          try access(daemon, "welcome")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a transport that crashes causes a ban of its client`() throws {
      try withDaemon { daemon throws in
        let transport = { try #require(daemon.logins.first { $0.name == "bssh-transport" }) }
        let silent = { try Client([Daemon.python, "-c", Access.silentClient, String(daemon.port)]) }
        for (signal, isCrash) in [(SIGTERM, false), (SIGKILL, false), (SIGSEGV, true)] {
          let client = try silent()
          try client.output.line(with: "SSH-")
          let start = daemon.log.count
          kill(try transport().pid, signal)
          try client.wait()
          try daemon.log.line(with: "closed: transport_lost", after: start)
          try access(daemon, isCrash ? "refused" : "welcome")
        }
        try daemon.log.line(with: "banned 127.0.0.2 for 300 s, ban 1 in a row: its transport crashed")
      }
    }

    /// Connects from 127.0.0.2, prints what it receives, and stays until the server closes the connection.
    private static let silentClient = """
      import socket, sys
      peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20, ("127.0.0.2", 0))
      try:
          while heard := peer.recv(1000):
              print(heard.decode(), flush=True)
      except OSError:
          pass
      """

    // MARK: Floods

    @Test(.timeLimit(.minutes(3))) func `the rate of connections of a source is limited`() throws {
      try withDaemon(security: ["rate_limit": "{per_second: 1, burst: 5}"]) { daemon throws in
        try access(daemon, "burst")
        try daemon.log.line(with: "refused 127.0.0.2:", "rate_limited, faster than security.rate_limit")
        // Addresses of the whitelist are not limited.
        try access(daemon, "no-rate", from: "127.0.0.1")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a rate of 0 is no limit`() throws {
      try withDaemon(security: ["rate_limit": "{per_second: 0, burst: 1}"]) { try access($0, "no-rate") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `200 idle connections from one address do not keep other addresses out`() throws {
      try withDaemon(security: ["rate_limit": "{per_second: 0}"]) { daemon throws in
        try access(daemon, "two-hundred-idle-connections")
        try daemon.log.line(with: "refused 127.0.0.2:", "too_many_from_source")
        eventually("all places are free again") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [3, 7])
    func `the number of connections of a source without a login is limited`(places: Int) throws {
      let keys = ["max_unauthenticated_per_source": String(places)]
      try withDaemon(server: keys, security: ["rate_limit": "{per_second: 0}"]) { daemon throws in
        try daemon.claim(
          "access.py", "places-of-one-source", environment: ["SOURCE": Access.source, "PLACES": String(places)])
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a flood of passwords from one address does not delay logins from another`() throws {
      let auth = [
        "methods": "[password]",
        "password": "{minimum_time: 0, users: [{name: USER, \(Factors.password)PLACE}]}",
      ]
      let security = ["max_auth_attempts": "0", "rate_limit": "{per_second: 0}"]
      try withDaemon(security: security) { daemon throws in
        let place = daemon.runsAsRoot ? "" : ", home: '\(daemon.user.home)', shell: /bin/sh"
        let keys = auth.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
          .replacingOccurrences(of: "USER", with: daemon.user.name).replacingOccurrences(of: "PLACE", with: place)
        try daemon.reload(try daemon.configuration.components(separatedBy: "auth:\n")[0] + "auth: {\(keys)}\n")
        try access(daemon, "password-flood")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the total number of connections without a login is limited`() throws {
      let keys = ["max_unauthenticated": "4", "max_unauthenticated_per_source": "2"]
      try withPasswords(["rate_limit": "{per_second: 0}"], server: keys) { daemon throws in
        try access(daemon, "limit-in-all")
        try daemon.log.line(with: "refused 127.0.0.2:", "too_many_unauthenticated")
      }
    }

    // MARK: Crowds

    @Test(.timeLimit(.minutes(3)), arguments: ["crowd", "crowd-that-persists"], [1200, 1000, 100])
    func `a thousand idle connections of a hundred sources keep no new source out`(claim: String, places: Int) throws {
      let keys = ["max_unauthenticated": String(places), "max_connections": "1300"]
      try withDaemon(server: keys, security: ["rate_limit": "{per_second: 0}"]) { daemon throws in
        try access(daemon, claim, within: 150)
        if places < 1000 {
          try daemon.log.line(with: "closed: made_room ('for a connection from 127.0.0.99:")
          let closed = try daemon.events.all("connection_closed").filter { $0["reason"] == "made_room" }
          #expect(!closed.isEmpty && closed.allSatisfy { $0["result"] == "denied" })
        }
        eventually("all places are free again") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a crowd of the same network does not keep a new source out`() throws {
      try withDaemon(security: ["rate_limit": "{per_second: 0}"]) {
        try access($0, "crowd-of-the-next-door", within: 90)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a network with connections at prompts keeps no more than its share of a full server`()
      throws
    {
      let keys = ["max_unauthenticated": "40", "max_unauthenticated_per_source": "20"]
      try withDaemon(server: keys, security: ["rate_limit": "{per_second: 0}"]) {
        try access($0, "crowd-at-the-prompt")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `nobody who is typing a password is disconnected for a new source`() throws {
      let keys = ["max_unauthenticated": "10", "max_unauthenticated_per_source": "5"]
      try withPasswords(["rate_limit": "{per_second: 0}"], server: keys) { daemon throws in
        try access(daemon, "nobody-at-a-prompt-makes-room")
        // When many are refused, the log omits lines; each source has its events.
        try daemon.events.event("connection_refused") {
          $0["client_ip"] == "127.0.40.1" && $0["reason"] == "too_many_unauthenticated"
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a server full of logins and a crowd disconnects one of the crowd`() throws {
      let keys = ["max_connections": "8", "max_unauthenticated": "100", "max_unauthenticated_per_source": "4"]
      try withDaemon(server: keys, security: ["rate_limit": "{per_second: 0}"]) { try access($0, "full-house") }
    }
  }
}
