import Foundation
import Testing

extension Interop {
  /// Which forwards are permitted, and what decides: `forwarding`, `match`, options of keys, certificates. The target is
  /// the daemon itself, which listens on 127.0.0.1 only.
  @Suite(.serialized) struct ForwardingRules {
    /// What becomes of a forward to a host, at the daemon's port.
    private enum Result: Equatable {
      case connected
      /// Administratively prohibited, by this rule.
      case denied(String)
      /// Permitted, and not connected, for this reason.
      case failed(String)
    }

    /// `-W` brackets hosts with a colon; the reason 1 and 2 of RFC 4254, section 5.1 are these words of ssh.
    private func open(_ daemon: Daemon, _ host: String, port: UInt16? = nil, expecting expected: Result) throws {
      let host = host.contains(":") ? "[\(host)]" : host
      let target = "\(host):\(port ?? daemon.port)"
      let (opened, denied) = (
        try daemon.events.all("forward_open").count, try daemon.events.all("forward_denied").count
      )
      guard expected != .connected else {
        let client = try daemon.startSSH(["-W", target, "host"])
        defer { client.end() }
        try client.output.line(with: "SSH-2.0-")
        let event = try daemon.events.events(opened + 1, of: "forward_open")[opened]
        #expect(event["result"] == "success" && event["target"] == target && event["forward_kind"] == "local")
        #expect(event["address"] == "127.0.0.1:\(daemon.port)", "\(event)")
        return
      }
      let outcome = try daemon.ssh(["-W", target, "host"])
      #expect(outcome.status != 0 && outcome.output.isEmpty, "\(target): \(outcome)")
      switch expected {
      case .connected: break
      case .denied(let rule):
        #expect(outcome.errors.contains("administratively prohibited"), "\(target): \(outcome.errors)")
        let event = try daemon.events.events(denied + 1, of: "forward_denied")[denied]
        #expect(event["rule"] == rule && event["target"] == target && event["result"] == "denied", "\(event)")
      case .failed(let reason):
        #expect(outcome.errors.contains("connect failed"), "\(target): \(outcome.errors)")
        let event = try daemon.events.events(opened + 1, of: "forward_open")[opened]
        #expect(event["reason"] == reason && event["result"] == "failure", "\(event)")
      }
    }

    /// Applies more configuration; `PORT` in it is the daemon's.
    private func apply(_ daemon: Daemon, _ base: String, _ more: String) throws {
      try daemon.reload(base + "\n" + more.replacingOccurrences(of: "PORT", with: "\(daemon.port)") + "\n")
    }

    private func withBase(_ userKeys: String = "", _ body: (Daemon, String) throws -> Void) throws {
      try withDaemon(userKeys: userKeys) { daemon throws in try body(daemon, try daemon.configuration) }
    }

    private static let open = "forwarding.permit_open"

    @Test(.timeLimit(.minutes(4)))
    func `a name permits what is asked for by that name, and none of its other spellings`()
      throws
    {
      try withBase { daemon, base throws in
        try apply(daemon, base, "forwarding: {permit_open: [\"localhost:PORT\"]}")
        for host in ["localhost", "LOCALHOST"] { try open(daemon, host, expecting: .connected) }
        for host in [
          "127.0.0.1", "localhost.", "127.1", "0x7f.1", "2130706433", "::1", "::ffff:127.0.0.1", "127.0.0.1%lo",
        ] {
          try open(daemon, host, expecting: .denied(Self.open))
        }
        try open(daemon, "localhost", port: daemon.port ^ 1, expecting: .denied(Self.open))
      }
    }

    @Test(.timeLimit(.minutes(4))) func `an address permits what is connected to, however it is asked for`() throws {
      try withBase { daemon, base throws in
        for rule in ["127.0.0.1:PORT", "127.0.0.0/8:*", "[::ffff:127.0.0.1]:PORT"] {
          try apply(daemon, base, "forwarding: {permit_open: [\"\(rule)\"]}")
          for host in ["127.0.0.1", "::ffff:127.0.0.1", "localhost", "127.1"] {
            try open(daemon, host, expecting: .connected)
          }
          try open(daemon, "::1", expecting: .denied(Self.open))
          try open(daemon, "10.0.0.1", expecting: .denied(Self.open))
        }
        // A name whose addresses are not permitted is refused after it is resolved, and nothing is connected to.
        try apply(daemon, base, "forwarding: {permit_open: [\"192.0.2.0/24:*\"]}")
        try open(daemon, "localhost", expecting: .denied(Self.open))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `what a rule permits and the target refuses is not the fault of a rule`() throws
    {
      try withBase { daemon, base throws in
        try apply(daemon, base, "forwarding: {permit_open: [\"127.0.0.0/8:*\"]}")
        let free = try Daemon.freePort()
        try open(daemon, "127.0.0.1", port: free, expecting: .failed("connection_refused"))
        try apply(daemon, base, "forwarding: {permit_open: any}")
        try open(daemon, "no-such-name.invalid", expecting: .failed("name_not_resolved"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `none and no permit nothing, any and local everything`() throws {
      try withBase { daemon, base throws in
        try apply(daemon, base, "forwarding: {permit_open: any, tcp: local}")
        try open(daemon, "127.0.0.1", expecting: .connected)
        try apply(daemon, base, "forwarding: {permit_open: none}")
        try open(daemon, "127.0.0.1", expecting: .denied(Self.open))
        try apply(daemon, base, "forwarding: {tcp: \"no\"}")
        try open(daemon, "127.0.0.1", expecting: .denied("forwarding.tcp"))
        // A login without forwards is a login all the same.
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(4))) func `options of a key restrict forwards, and a denial names the line`() throws {
      try withBase { daemon, base throws in
        let key = try daemon.key
        let line = "permitopen= of \(daemon.user.authorizedKeys):2"
        let cases: [(options: String, host: String, result: Result)] = [
          ("permitopen=\"localhost:\(daemon.port)\"", "localhost", .connected),
          ("permitopen=\"localhost:\(daemon.port)\"", "127.0.0.1", .denied(line)),
          ("permitopen=\"10.0.0.1:1\",permitopen=\"127.0.0.1:*\"", "localhost", .connected),
          ("no-port-forwarding", "127.0.0.1", .denied("no-port-forwarding")),
          ("restrict", "127.0.0.1", .denied("no-port-forwarding")),
          ("restrict,port-forwarding", "127.0.0.1", .connected),
          ("restrict,permitopen=\"*:*\"", "127.0.0.1", .denied("no-port-forwarding")),
          ("command=\"date\"", "127.0.0.1", .denied("command=")),
          ("command=\"date\",permitopen=\"127.0.0.1:*\"", "127.0.0.1", .connected),
          ("restrict,port-forwarding,command=\"date\"", "127.0.0.1", .connected),
        ]
        for (options, host, result) in cases {
          try daemon.user.authorize("# a comment\n\(options) \(key)")
          try open(daemon, host, expecting: result)
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a target must be in the list of the configuration and in that of the key`()
      throws
    {
      try withBase { daemon, base throws in
        try apply(daemon, base, "forwarding: {permit_open: [\"127.0.0.0/8:PORT\", \"db:1\"]}")
        try daemon.user.authorize("permitopen=\"localhost:*\",permitopen=\"db:2\" \(try daemon.key)")
        try open(daemon, "localhost", expecting: .connected)
        try open(daemon, "127.0.0.1", expecting: .denied("permitopen= of \(daemon.user.authorizedKeys):1"))
        try open(daemon, "db", port: 2, expecting: .denied(Self.open))
        try open(daemon, "db", port: 1, expecting: .denied("permitopen= of \(daemon.user.authorizedKeys):1"))
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a certificate forwards only with permit-port-forwarding and without a command`()
      throws
    {
      try withBase { daemon, base throws in
        let files = "cd \(daemon.directory) && ssh-keygen -q -t ed25519 -N '' -f ca"
        _ = try daemon.shell(files)
        let authority = try String(contentsOfFile: "\(daemon.directory)/ca.pub", encoding: .utf8)
        let sign = { (options: String) in
          let outcome = try daemon.shell(
            "cd $DIRECTORY && ssh-keygen -q -s ca -I id -n $LOGIN \(options) id.pub")
          try #require(outcome.status == 0, "\(outcome)")
        }
        let line = "permitopen= of \(daemon.user.authorizedKeys):1"
        let cases: [(line: String, options: String, result: Result)] = [
          ("cert-authority", "", .connected), ("cert-authority", "-O clear", .denied("no-port-forwarding")),
          ("cert-authority", "-O clear -O permit-port-forwarding", .connected),
          ("cert-authority,no-port-forwarding", "", .denied("no-port-forwarding")),
          ("cert-authority,permitopen=\"db:1\"", "", .denied(line)),
          ("cert-authority", "-O force-command=date", .denied("command=")),
        ]
        for (options, signing, result) in cases {
          try sign(signing)
          try daemon.user.authorize("\(options) \(authority)")
          try open(daemon, "127.0.0.1", expecting: result)
        }
      }
    }

    @Test(.timeLimit(.minutes(4))) func `a login for files or one command forwards only if a block of match says so`()
      throws
    {
      let name = "{users: [USER], forwarding: {tcp: local}}"
      for (userKeys, section, rule) in [
        ("sftp_only: true", "", "sftp_only"), ("", "shell: {enabled: false}", "shell.enabled"),
        ("", "shell: {forced_command: internal-sftp}", "shell.forced_command"),
        ("", "shell: {forced_command: date}", "shell.forced_command"),
        ("", "shell: {allowed_commands: [date]}", "shell.allowed_commands"),
      ] {
        try withBase(userKeys) { daemon, base throws in
          let block = "match: [\(name.replacingOccurrences(of: "USER", with: daemon.user.name))]"
          // The same key outside of a block is for everyone.
          try apply(daemon, base, "\(section)\nforwarding: {tcp: local}")
          try open(daemon, "127.0.0.1", expecting: .denied(rule))
          try apply(daemon, base, "\(section)\n\(block)")
          try open(daemon, "127.0.0.1", expecting: .connected)
          // Nothing else is permitted with it.
          #expect(try daemon.ssh("host", "echo in").output != "in\n")
          try apply(daemon, base, "\(section)\nforwarding: {permit_open: [\"db:1\"]}\n\(block)")
          try open(daemon, "127.0.0.1", expecting: .denied(Self.open))
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account whose shell is nologin forwards only if a block of match says so`() throws {
      try withDaemon(loginShell: "/usr/sbin/nologin") { daemon throws in
        let base = try daemon.configuration
        try open(daemon, "127.0.0.1", expecting: .denied("the shell /usr/sbin/nologin"))
        try apply(daemon, base, "match: [{users: [\(daemon.user.name)], forwarding: {tcp: local}}]")
        try open(daemon, "127.0.0.1", expecting: .connected)
        #expect(try daemon.ssh("host", "echo in").output != "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a list of places permits no Unix socket, and unix_sockets does`() throws {
      try withBase { daemon, base throws in
        let key = try daemon.key
        let cases: [(line: String, forwarding: String, rule: String?)] = [
          ("", "{}", nil), ("", "{tcp: \"no\"}", "forwarding.tcp"), ("", "{tcp: \"no\", unix_sockets: local}", nil),
          ("", "{unix_sockets: \"no\"}", "forwarding.unix_sockets"), ("", "{permit_open: [\"*:1\"]}", Self.open),
          ("", "{permit_open: [\"*:1\"], unix_sockets: local}", nil),
          (
            "permitopen=\"*:*\" ", "{unix_sockets: local}", "permitopen= of \(daemon.user.authorizedKeys):1"
          ),
          ("no-port-forwarding ", "{unix_sockets: local}", "no-port-forwarding"),
        ]
        for (line, forwarding, rule) in cases {
          try apply(daemon, base, "forwarding: \(forwarding)")
          try daemon.user.authorize(line + key)
          try socket(daemon, deniedBy: rule)
        }
      }
    }

    /// Connects through the daemon to a Unix socket of the user that answers with a word.
    private func socket(_ daemon: Daemon, deniedBy rule: String?) throws {
      let denied = try daemon.events.all("forward_denied").count
      let path = "\(daemon.user.home)/answer"
      let server = try Client(
        [
          Daemon.python, "-c",
          """
          import os, socket
          s = socket.socket(socket.AF_UNIX)
          if os.path.exists("\(path)"): os.remove("\(path)")
          s.bind("\(path)")
          os.chmod("\(path)", 0o777)
          s.listen()
          print("ready", flush=True)
          while True: s.accept()[0].sendall(b"word")
          """,
        ], environment: daemon.environment)
      defer { server.end() }
      try server.output.line(with: "ready")
      let near = "\(daemon.directory)/near"
      try? FileManager.default.removeItem(atPath: near)
      let client = try daemon.startSSH(["-v", "-N", "-L", "\(near):\(path)", "host"])
      defer { client.end() }
      eventually("a socket") { FileManager.default.fileExists(atPath: near) }
      let script = """
        import socket
        s = socket.socket(socket.AF_UNIX)
        s.connect("\(near)")
        print(s.recv(4).decode())
        """
      let outcome = try run([Daemon.python, "-c", script], environment: daemon.environment)
      #expect(outcome.output == (rule == nil ? "word\n" : "\n"), "\(outcome)")
      guard let rule else { return }
      try client.errors.line(with: "administratively prohibited")
      let event = try daemon.events.events(denied + 1, of: "forward_denied")[denied]
      #expect(event["rule"] == rule && event["path"] == path && event["forward_kind"] == "local_socket", "\(event)")
    }

    @Test(.timeLimit(.minutes(4))) func `explain says which forwards a login has, and what decides`() throws {
      try withBase { daemon, base throws in
        let key = try daemon.key
        for (options, more, rule) in [
          ("", "", nil), ("", "forwarding: {tcp: \"no\"}", "forwarding.tcp"),
          ("no-port-forwarding ", "", "no-port-forwarding"), ("command=\"date\" ", "", "command="),
          ("", "shell: {forced_command: date}", "shell.forced_command"),
          (
            "", "shell: {forced_command: date}\nmatch: [{users: [\(daemon.user.name)], forwarding: {tcp: local}}]", nil
          ),
        ] {
          try apply(daemon, base, more)
          try daemon.user.authorize(options + key)
          try open(daemon, "127.0.0.1", expecting: rule.map { .denied($0) } ?? .connected)
          let told = try daemon.shell(
            "\(daemon.server) explain -c $DIRECTORY/server.yaml --user $LOGIN --from 127.0.0.1 --key $KEY.pub")
          let line = told.output.split(separator: "\n").first { $0.contains("--  forwarding.tcp ") } ?? ""
          #expect(
            line.contains(rule.map { "no connections: \($0)" } ?? "connections to every host and port"), "\(told)")
        }
        try apply(daemon, base, "forwarding: {permit_open: [\"db:1\"]}")
        try daemon.user.authorize("permitopen=\"db:2\" \(key)")
        let told = try daemon.shell(
          "\(daemon.server) explain -c $DIRECTORY/server.yaml --user $LOGIN --from 127.0.0.1 --key $KEY.pub")
        #expect(told.output.contains("only db:1 (\(daemon.directory)/server.yaml:"))
        #expect(told.output.contains("permitopen= of \(daemon.user.authorizedKeys):1"))
        #expect(told.output.contains("only db:2"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `check-config warns of what a list does not do`() throws {
      try withBase { daemon, base throws in
        try daemon.configure(
          base + "\nforwarding: {permit_open: [\"db.:1\", \"[fe80::/10]:1\"], unix_sockets: local}\n")
        let told = try daemon.shell("\(daemon.server) check-config -c $DIRECTORY/server.yaml")
        let text = told.output + told.errors
        for words in ["asks with the dot at the end", "can never match", "permits every socket of the account's"] {
          #expect(text.contains(words), "\(text)")
        }
        try daemon.configure(base + "\nforwarding: {permit_open: [\"*.example.com:443\"]}\n")
        let refused = try daemon.shell("\(daemon.server) check-config -c $DIRECTORY/server.yaml")
        #expect(refused.status != 0 && (refused.output + refused.errors).contains("there are no patterns of names"))
        try daemon.configure(base)
      }
    }
  }
}
