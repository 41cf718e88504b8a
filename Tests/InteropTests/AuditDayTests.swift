import Foundation
import Testing

extension Interop {
  /// A day of a server: everything that happens causes exactly its events, and no others.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct AuditDay {
    /// An event as one line; values that differ between runs are omitted or named.
    private func brief(_ event: DaemonJournal.Event, _ daemon: Daemon) -> String {
      var parts = ["\(event.type) \(event["result"] ?? "")"]
      for key in [
        "protocol", "client_ip", "user", "method", "reason", "rule", "path", "dest_path", "command", "signal",
      ] {
        if let value = event[key], !(key == "client_ip" && value == "127.0.0.1") { parts.append("\(key)=\(value)") }
      }
      if let status = event.number("exit_status") { parts.append("exit=\(status)") }
      if event.type.hasPrefix("file_"), let bytes = event.number("bytes") { parts.append("bytes=\(bytes)") }
      return parts.joined(separator: " ").replacingOccurrences(of: daemon.user.home, with: "~")
        .replacingOccurrences(of: daemon.user.name, with: "USER").replacingOccurrences(
          of: daemon.directory, with: "DIR")
    }

    /// Runs the body, waits until one more connection has ended, with its login, and returns the new events.
    private func step(_ daemon: Daemon, logins: Int = 1, _ body: () throws -> Void) throws -> [String] {
      let before = try daemon.events.all()
      let count = { (type: String) in before.count { $0.type == type } }
      try body()
      try daemon.events.events(count("session_end") + logins, of: "session_end")
      try daemon.events.events(count("connection_closed") + 1, of: "connection_closed")
      return try daemon.events.all().dropFirst(before.count).map { brief($0, daemon) }
    }

    /// A connection from `source` whose client failed to log in, with a single attempt.
    private func refusal(
      _ method: String, _ reason: String, user: String = "USER", from source: String = "", _ more: String...,
      ending: String = "failure connection_lost"
    ) -> [String] {
      let place = source.isEmpty ? "" : " client_ip=\(source)"
      // OpenSSH's client leaves without SSH_MSG_DISCONNECT.
      let ending = ending.split(separator: " ")
      return [
        "connection_open success protocol=ssh\(place)",
        "auth_failure failure protocol=ssh\(place) user=\(user) method=\(method) reason=\(reason)",
      ] + more + ["connection_closed \(ending[0]) protocol=ssh\(place) user=\(user) reason=\(ending[1])"]
    }

    /// A connection with a login by `method`, and the events in between.
    private func login(
      _ method: String, _ events: String..., end: String = "success", reason: String? = nil
    ) -> [String] {
      login(method, events, end: end, reason: reason)
    }

    private func login(
      _ method: String, _ events: [String], end: String = "success", reason: String? = nil
    ) -> [String] {
      let user = "user=USER method=\(method)"
      let reason = reason ?? "client_disconnected"
      // Everything that ended had started before anything else happened.
      let starts = events.filter { $0.hasPrefix("command_executed ") }.map {
        $0.replacing(/^command_executed [a-z]+/, with: "command_started success").replacing(
          /( exit=[0-9]+| signal=[A-Z]+)$/, with: "")
      }
      return ["connection_open success protocol=ssh", "auth_success success protocol=ssh \(user)"]
        + ["session_start success protocol=ssh \(user)"]
        + (starts + events).map { $0.replacingOccurrences(of: "@", with: user) }
        + [
          "session_end \(end) protocol=ssh \(user) reason=\(reason)",
          "connection_closed \(end) protocol=ssh \(user) reason=\(reason)",
        ]
    }

    private static let security: Daemon.Keys = [
      "blocked_ips": "[127.0.0.9]", "max_auth_attempts": "2", "ban_time": "1s",
      "rate_limit": "{per_second: 1, burst: 3}",
    ]

    private func withDay(
      shell: Daemon.Keys = [:], audit: Daemon.Keys = [:], _ body: (Daemon) throws -> Void
    ) throws {
      try withDaemon(
        auth: ["methods": "[publickey, password, keyboard-interactive]"], shell: shell,
        filter: ["enabled": "true", "rules": "[{pattern: '*.secret', action: deny, operations: [upload]}]"],
        audit: audit, security: Self.security, userKeys: Factors.password
      ) { daemon throws in
        try daemon.events.event("configuration_loaded")
        try body(daemon)
      }
    }

    /// Logs in with a password, or attempts to.
    private func password(_ daemon: Daemon, _ word: String, _ method: String, _ more: String = "") throws {
      let options =
        "-o BatchMode=no -o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no "
        + "-o PreferredAuthentications=\(method)"
      _ = try daemon.shell("sshpass -p '\(word)' $SSH \(options) \(more) host true")
    }

    // MARK: Logins

    @Test(.timeLimit(.minutes(3))) func `successful and failed logins cause their events`() throws {
      try withDay { daemon throws in
        let ran = "command_executed success protocol=exec @ command=true exit=0"
        let key = try step(daemon) { _ = try daemon.ssh("host", "true") }
        #expect(key == login("publickey", ran))
        for method in ["password", "keyboard-interactive"] {
          let good = try step(daemon) { try password(daemon, "right horse", method) }
          #expect(good == login(method, ran))
          let bad = try step(daemon, logins: 0) { try password(daemon, "wrong horse", method) }
          #expect(bad == refusal(method, "wrong_password"))
        }
        let nobody = try step(daemon, logins: 0) {
          try password(daemon, "wrong horse", "password", "-l nobody-of-that-name")
        }
        #expect(nobody == refusal("password", "no_such_user", user: "nobody-of-that-name"))
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(daemon.directory)/other")
        let strange = try step(daemon, logins: 0) {
          _ = try daemon.shell(
            """
            sed '/IdentityFile/d' $DIRECTORY/ssh_config > $DIRECTORY/strange
            ssh -F $DIRECTORY/strange -o PreferredAuthentications=publickey -i $DIRECTORY/other host true
            """)
        }
        #expect(strange == refusal("publickey", "no_such_key"))
        let raw = try step(daemon, logins: 0) {
          let script = "exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'SSH-2.0-x\\r\\n\\377%032d' 0 >&3; cat <&3 >&2"
          _ = try daemon.shell(script)
        }
        #expect(
          raw == [
            "connection_open success protocol=ssh", "suspicious_activity failure protocol=ssh reason=protocol_error",
            "connection_closed failure protocol=ssh reason=protocol_error",
          ])
      }
    }

    // MARK: Activities of logins

    @Test(.timeLimit(.minutes(3))) func `shells and commands cause their events`() throws {
      try withDay { daemon throws in
        let shell = try step(daemon) {
          let shell = try daemon.startSSH("-tt", "host")
          try shell.send("exit 3\n")
          try shell.wait()
        }
        #expect(shell == login("publickey", "command_executed failure protocol=shell @ exit=3"))
        let killed = try step(daemon) { _ = try daemon.ssh("host", "kill -TERM $$") }
        #expect(
          killed == login("publickey", "command_executed failure protocol=exec @ command=kill -TERM $$ signal=TERM"))
        try Data("0123456789".utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/ten"))
        let copy = try step(daemon) { _ = try daemon.scp("-O", "\(daemon.directory)/ten", "host:there") }
        let opened = "file_open_write success protocol=scp @ path=~/there"
        let closed = "file_close success protocol=scp @ path=~/there bytes=10"
        let uploaded = "file_uploaded success protocol=scp @ path=~/there bytes=10"
        let denied = "transfer_denied denied protocol=scp @ reason=denied_by_rule rule=rule 1 path=~/no.secret"
        let ran = "command_executed success protocol=scp @ command=scp -t there exit=0"
        #expect(copy == login("publickey", opened, closed, uploaded, ran))
        let secret = try step(daemon) { _ = try daemon.scp("-O", "\(daemon.directory)/ten", "host:no.secret") }
        let failed = "command_executed failure protocol=scp @ command=scp -t no.secret exit=1"
        #expect(secret == login("publickey", denied, failed))
      }
      try withDay(shell: ["blocked_commands": "['*forbidden*']"]) { daemon throws in
        let blocked = try step(daemon) { _ = try daemon.ssh("host", "echo forbidden") }
        #expect(
          blocked
            == login(
              "publickey",
              "command_blocked denied protocol=exec @ reason=command_blocked rule=shell.blocked_commands "
                + "command=echo forbidden"))
        let noShell = try step(daemon) { _ = try daemon.ssh("-T", "host") }
        #expect(noShell == login("publickey", "command_blocked denied protocol=shell @ reason=shell_not_allowed"))
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [false, true])
    func `transfers cause one event for each operation, and for reads and writes if configured`(verbose: Bool)
      throws
    {
      try withDay(audit: ["verbose_io": "\(verbose)"]) { daemon throws in
        try Data("0123456789".utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/ten"))
        let sftp = try step(daemon) {
          let outcome = try daemon.sftp(
            """
            mkdir d
            put \(daemon.directory)/ten d/a
            -put \(daemon.directory)/ten d/a.secret
            get d/a \(daemon.directory)/back
            chmod 600 d/a
            symlink a d/link
            rename d/a d/b
            ls d
            rm d/link
            -rm d/none
            rm d/b
            rmdir d
            """)
          #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let events = [
          "directory_created success protocol=sftp @ path=~/d",
          "file_open_write success protocol=sftp @ path=~/d/a",
          verbose ? "file_write success protocol=sftp @ path=~/d/a bytes=10" : "",
          "file_close success protocol=sftp @ path=~/d/a bytes=10",
          "file_uploaded success protocol=sftp @ path=~/d/a bytes=10",
          "transfer_denied denied protocol=sftp @ reason=denied_by_rule rule=rule 1 path=~/d/a.secret",
          "file_open_read success protocol=sftp @ path=~/d/a",
          verbose ? "file_read success protocol=sftp @ path=~/d/a bytes=10" : "",
          verbose ? "file_read success protocol=sftp @ path=~/d/a bytes=0" : "",
          "file_close success protocol=sftp @ path=~/d/a bytes=10",
          "file_downloaded success protocol=sftp @ path=~/d/a bytes=10",
          "attributes_changed success protocol=sftp @ path=~/d/a",
          "link_created success protocol=sftp @ path=~/d/link dest_path=a",
          "file_renamed success protocol=sftp @ path=~/d/a dest_path=~/d/b",
          "directory_listed success protocol=sftp @ path=~/d",
          "file_deleted success protocol=sftp @ path=~/d/link",
          "file_deleted success protocol=sftp @ path=~/d/b",
          "directory_deleted success protocol=sftp @ path=~/d",
          "command_executed success protocol=sftp @ command=sftp exit=0",
        ].filter { !$0.isEmpty }
        #expect(sftp == login("publickey", events))
      }
    }

    // MARK: Refusals, and who causes them

    @Test(.timeLimit(.minutes(3))) func `refusals, bans and their ends cause their events`() throws {
      try withDay { daemon throws in
        let start = try daemon.events.all().count
        let source = "127.0.0.2"
        _ = try daemon.ssh("-b", "127.0.0.9", "host", "true")
        try daemon.events.event("connection_refused") { $0["reason"] == "blocked_ip" }
        for count in 1...2 {
          try password(daemon, "wrong horse", "password", "-b \(source)")
          try daemon.events.events(count, of: "connection_closed")
        }
        _ = try daemon.ssh("-b", source, "host", "true")
        try daemon.events.event("ip_unblocked")
        let told = try daemon.events.all().dropFirst(start).map { brief($0, daemon) }
        #expect(
          told
            == ["connection_refused denied protocol=ssh client_ip=127.0.0.9 reason=blocked_ip"]
            + refusal("password", "wrong_password", from: source)
            + refusal(
              "password", "wrong_password", from: source,
              "ip_blocked denied protocol=ssh client_ip=\(source) reason=failed_logins", ending: "denied banned")
            + [
              "connection_refused denied protocol=ssh client_ip=\(source) reason=banned",
              "ip_unblocked success protocol=ssh client_ip=\(source) reason=ban_over",
            ])
        // Three connections at once are accepted, because of the burst; of the others five are reported and the rest is
        // counted.
        let before = try daemon.events.all().count
        let connect = "for n in $(seq 12); do ssh -F $DIRECTORY/ssh_config -b 127.0.0.3 host true & done; wait"
        _ = try daemon.shell(connect)
        try daemon.events.events(5, of: "auth_rate_limited")
        let limited = try daemon.events.all().dropFirst(before).filter { $0.type == "auth_rate_limited" }
        #expect(limited.count == 5)
        #expect(limited.allSatisfy { $0["client_ip"] == "127.0.0.3" && $0["reason"] == "rate_limited" })
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        let rest = try #require(daemon.events.all("auth_rate_limited").last)
        #expect(rest["details"]?.hasSuffix(" more in 60 s") == true, "\(rest)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `what is running when the daemon ends is reported, whatever it does`() throws {
      try withDay { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; exec sleep 1234")
        try client.output.line(with: "ready")
        let start = try daemon.events.all().count
        // A client that does not read the disconnect message, and a command that continues.
        client.signal(SIGSTOP)
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        daemon.killProcess(running: "1234")
        client.signal(SIGCONT)
        let user = "user=USER method=publickey"
        #expect(
          try daemon.events.all().dropFirst(start).map { brief($0, daemon) } == [
            "admin_action success reason=shutdown",
            "command_executed success protocol=exec \(user) reason=still_running "
              + "command=echo ready; exec sleep 1234",
            "session_end success protocol=ssh \(user) reason=server_shutdown",
            "connection_closed success protocol=ssh \(user) reason=server_shutdown", "daemon_stopped success",
          ])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `signals to the daemon, and killed processes, cause their events`()
      throws
    {
      try withDay { daemon throws in
        let good = try daemon.configuration
        let killed = try step(daemon) {
          let session = try daemon.startSSH("host", "echo ready; exec cat")
          try session.output.line(with: "ready")
          let transport = try #require(daemon.logins.first { $0.name == "bssh-transport" })
          kill(transport.pid, SIGKILL)
          try session.wait()
        }
        #expect(
          killed
            == login(
              "publickey", "command_executed success protocol=exec @ command=echo ready; exec cat exit=0",
              end: "error", reason: "transport_lost"))
        let start = try daemon.events.all().count
        try daemon.reload(good)
        try daemon.configure(good + "nonsense: 1\n")
        daemon.signal(SIGHUP)
        try daemon.events.event("configuration_rejected")
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        let told = try daemon.events.all().dropFirst(start).map { brief($0, daemon) }
        #expect(
          told == [
            "admin_action success reason=reload", "configuration_loaded success path=DIR/server.yaml",
            "admin_action success reason=reload", "configuration_rejected failure",
            "admin_action success reason=shutdown", "daemon_stopped success",
          ])
        for event in try daemon.events.all("admin_action") {
          #expect(event["details"]?.contains(/^by pid [1-9][0-9]*, uid 0$/) == true, "\(event)")
        }
      }
    }
  }
}
