import Foundation
import Testing

extension Interop {
  /// `server.proxy_protocol.trusted`: load balancers that report the client's address.
  @Suite(.serialized) struct Proxy {
    private static let trusted = ["proxy_protocol": "{trusted: [127.0.0.1]}"]
    private static let inside = "203.0.113.7"
    /// All claims come from one address, and there are more of them than the rate limit permits.
    private static let unlimited = ["rate_limit": "{per_second: 0}"]

    private func proxy(
      _ daemon: Daemon, _ claim: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try daemon.claim("proxy.py", claim, sourceLocation: sourceLocation)
    }

    /// Options with which ssh connects through a load balancer that sends this header.
    private func through(_ header: String, _ more: String = "") -> [String] {
      ["-o", "ProxyCommand=\(Daemon.python) \(Daemon.client("proxy.py")) relay \(header) \(more)"]
    }

    private func header(_ daemon: Daemon, version: Int, client: String, server: String) throws -> String {
      try succeed(
        "env", "PYTHONDONTWRITEBYTECODE=1", "PORT=1", Daemon.python, Daemon.client("proxy.py"), "header",
        "\(version)", client, server)
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: [1, 2],
      [("203.0.113.7", "192.0.2.1"), ("2001:db8::7", "2001:db8::1"), ("::ffff:203.0.113.7", "::ffff:192.0.2.1")])
    func `a login has the addresses of the header, sent at once or byte by byte`(
      version: Int, ends: (client: String, server: String)
    ) throws {
      try withDaemon(server: Self.trusted) { daemon throws in
        let header = try header(daemon, version: version, client: ends.client, server: ends.server)
        let plain = { (address: String) in address.replacingOccurrences(of: "::ffff:", with: "") }
        for how in ["", "split"] {
          let outcome = try daemon.ssh(through(header, how) + ["host", "echo $SSH_CONNECTION"])
          #expect(outcome.output == "\(plain(ends.client)) 51312 \(plain(ends.server)) 22\n", "\(outcome.errors)")
        }
        try daemon.log.line(with: "by way of 127.0.0.1:")
        let client = ends.client == "2001:db8::7" ? "[2001:db8::7]" : Self.inside
        try daemon.log.line(with: "connection from \(client):51312 to")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["0d0a0d0a000d0a515549540a20000000", "50524f585920554e4b4e4f574e0d0a"])
    func `a header that names no client makes the connection the load balancer's own`(header: String) throws {
      try withDaemon(server: Self.trusted) { daemon throws in
        let outcome = try daemon.ssh(through(header) + ["host", "echo $SSH_CONNECTION"])
        #expect(outcome.output.hasPrefix("127.0.0.1 ") && outcome.output.hasSuffix(" 127.0.0.1 \(daemon.port)\n"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `both versions are accepted, and nothing else`() throws {
      try withDaemon(server: Self.trusted, security: Self.unlimited) { daemon throws in
        try proxy(daemon, "both-versions")
        try proxy(daemon, "connection-without-a-header")
        try daemon.log.line(with: "refused 127.0.0.1:", "bad_proxy_header, no PROXY header")
        try daemon.log.line(with: "refused 127.0.0.1:", "bad_proxy_header, closed before its PROXY header")
        try proxy(daemon, "garbage")
        eventually("nobody is left") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a slow header does not block others`()
      throws
    {
      try withDaemon(server: Self.trusted, security: Self.unlimited) { daemon throws in
        try proxy(daemon, "slow-drip")
        try daemon.log.line(with: "refused 127.0.0.1:", "proxy_header_timeout, no PROXY header within 5 s")
        let open = RunningProcess(daemon.pid)?.descriptors.values.count { $0.hasPrefix("socket:") } ?? 0
        eventually("no descriptor is left") {
          daemon.logins.isEmpty
            && (RunningProcess(daemon.pid)?.descriptors.values.count { $0.hasPrefix("socket:") } ?? 0) <= open
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `headers from other addresses are not trusted`() throws {
      try withDaemon(server: Self.trusted, security: ["blocked_ips": "[203.0.113.0/24]"]) {
        try proxy($0, "header-from-somebody-else")
      }
      // By default no address is trusted.
      try withDaemon { daemon throws in
        let header = try header(daemon, version: 1, client: Self.inside, server: "192.0.2.1")
        #expect(try daemon.ssh(through(header) + ["host", "echo in"]).output == "")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(!daemon.log.all.contains("connection from \(Self.inside)"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `lists of addresses, bans and limits use the address in the header`() throws {
      try withDaemon(
        server: Self.trusted, security: ["blocked_ips": "[203.0.113.0/24, 127.0.0.1]"]
      ) { daemon throws in
        try proxy(daemon, "access-by-the-address-inside")
        try daemon.log.line(with: "refused 203.0.113.9:51312: blocked_ip")
        try daemon.log.line(with: "refused 127.0.0.1:", "blocked_ip")
      }
      try withDaemon(
        server: Self.trusted, auth: ["methods": "[publickey, password]"], security: ["max_auth_attempts": "2"],
        userKeys: Factors.password
      ) { daemon throws in
        try proxy(daemon, "bans-of-the-address-inside")
        try daemon.log.line(with: "banned 203.0.113.7 for 300 s")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `rules, match blocks and keys use the address in the header`() throws {
      try withDaemon(server: Self.trusted) { daemon throws in
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
        let header = try header(daemon, version: 2, client: Self.inside, server: "192.0.2.1")
        let other = try self.header(daemon, version: 2, client: "203.0.113.8", server: "192.0.2.1")
        func outputs() throws -> [String] {
          try [header, other].map { try daemon.ssh(through($0) + ["host", "umask"]).output }
        }
        try daemon.user.authorize("from=\"203.0.113.7\" \(key)")
        #expect(try outputs() == ["0022\n", ""])
        try daemon.user.authorize(key)
        try daemon.apply(user: "allowed_ips: [203.0.113.8]")
        #expect(try outputs() == ["", "0022\n"])
        try daemon.apply(match: "[{addresses: [203.0.113.7], shell: {umask: 077}}]")
        #expect(try outputs() == ["0077\n", "0022\n"])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `connections with an incomplete header count towards the limit`() throws {
      try withDaemon(server: Self.trusted.merging(["max_connections": "4"]) { $1 }) { daemon throws in
        try proxy(daemon, "places-while-they-wait")
        try daemon.log.line(with: "refused 127.0.0.1:", "max_connections")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a full server makes room for a client behind a load balancer`() throws {
      let keys = Self.trusted.merging(["max_connections": "4", "max_unauthenticated_per_source": "1"]) { $1 }
      try withDaemon(server: keys, security: Self.unlimited) { daemon throws in
        try proxy(daemon, "crowd-behind-the-load-balancer")
        try daemon.log.line(with: "closed: made_room ('for a connection from 203.0.0.7:")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `reloaded load balancers apply from then on`() throws {
      try withDaemon { daemon throws in
        let before = try daemon.configuration
        let header = try header(daemon, version: 2, client: Self.inside, server: "192.0.2.1")
        #expect(try daemon.ssh(through(header) + ["host", "echo in"]).output == "")
        try daemon.reload(
          before.replacingOccurrences(of: "server:\n", with: "server:\n  proxy_protocol: {trusted: [127.0.0.0/8]}\n"))
        #expect(try daemon.ssh(through(header) + ["host", "echo in"]).output == "in\n")
        #expect(try daemon.ssh("host", "echo in").output == "")
        try daemon.reload(before)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    /// Checks whether the server is there, as load balancers do: connects, sends this, reads the first bytes, and
    /// leaves.
    private static let check = """
      import os, socket, sys
      for _ in range(20):
          with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as peer:
              peer.sendall(bytes.fromhex(sys.argv[1]))
              if sys.argv[1]:
                  assert peer.recv(4) == b"SSH-"
      """

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `health checks are one counted event, or none`(isIgnored: Bool) throws {
      let trusted = ["proxy_protocol": "{trusted: [127.0.0.1], ignore_checks: \(isIgnored)}"]
      try withDaemon(server: trusted, security: Self.unlimited) { daemon throws in
        let local = "0d0a0d0a000d0a515549540a20000000"
        let start = daemon.log.count
        for header in [local, ""] {
          let outcome = try run([Daemon.python, "-c", Self.check, header], environment: daemon.environment)
          #expect(outcome.status == 0, "\(outcome.errors)")
        }
        eventually("nobody is left") { daemon.logins.isEmpty }
        // A login by the load balancer itself is not a health check.
        #expect(try daemon.ssh(through(local) + ["host", "echo in"]).output == "in\n")
        let lines = daemon.log.all.dropFirst(start).split(separator: "\n")
        #expect(lines.filter { $0.contains("connection from 127.0.0.1") }.count == 1)
        #expect(try daemon.events.events(1, of: "connection_open").count == 1)
        let refused = lines.filter { $0.contains("closed before its PROXY header") }
        #expect(isIgnored ? refused.isEmpty : !refused.isEmpty)
        // What was counted is reported at the end, at the latest.
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        let counts = try daemon.events.all("connection_closed").filter { $0["reason"] == "health_check" }
        #expect(counts.count == (isIgnored ? 0 : 1))
        if !isIgnored { #expect(counts.first?["details"] == "20 connections of 127.0.0.1 in 60 s") }
        #expect(try daemon.events.all("connection_open").count == 1)
      }
    }

    private static let hasHAProxy = (try? run(["haproxy", "-v"]).status) == 0

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: hasHAProxy, "needs the package haproxy"),
      arguments: ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"])
    func `through haproxy clients have their own addresses`(how: String) throws {
      try withDaemon(server: Self.trusted, security: ["blocked_ips": "[127.0.0.6]"]) { daemon throws in
        let port = try Daemon.freePort()
        let configuration = """
          defaults
            mode tcp
            timeout connect 20s
            timeout client 60s
            timeout server 60s
          listen ssh
            bind 127.0.0.1:\(port)
            server bssh 127.0.0.1:\(daemon.port) \(how)

          """
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/haproxy.cfg"))
        let haproxy = try Client(["haproxy", "-db", "-f", "\(daemon.directory)/haproxy.cfg"])
        defer { haproxy.end() }
        let options = ["-o", "HostKeyAlias=[127.0.0.1]:\(daemon.port)", "-o", "ConnectionAttempts=30", "-p", "\(port)"]
        let outcome = try daemon.ssh(options + ["-b", "127.0.0.5", "host", "echo $SSH_CLIENT"])
        #expect(outcome.output.hasPrefix("127.0.0.5 ") && outcome.output.hasSuffix(" \(port)\n"), "\(outcome.errors)")
        #expect(try daemon.ssh(options + ["-b", "127.0.0.6", "host", "echo in"]).output == "")
        try daemon.log.line(with: "refused 127.0.0.6:", "blocked_ip")
      }
    }
  }
}
