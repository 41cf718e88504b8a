import Configuration
import Foundation
import IPC
import Testing

@testable import Server

@Suite struct TemplateTests {
  private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized

  /// Configurations that say something else than the defaults, of every key together.
  static let samples = [
    "server: {host_keys: [/k/a]}",
    """
    server:
      bind_address: [127.0.0.1, "[::1]:22", "192.0.2.7:2200"]
      port: 22
      host_keys: [/k/a, /k/rsa]
      max_connections: 7
      timeout: 0
      keepalive_interval: 61
      keepalive_count_max: 12
      compression: true
      maximum_packet_size: 4097
      window_size: 64MiB
      max_channels: 3
      banner: "/etc/issue: #1"
      log_level: debug
      spare_transports: 0
      ciphers: [aes256-ctr, aes128-gcm@openssh.com]
      kex: [diffie-hellman-group14-sha256]
      macs: [hmac-sha2-512]
      host_key_algorithms: [rsa-sha2-512, ssh-ed25519]
      publickey_algorithms: [sk-ssh-ed25519@openssh.com]
      rekey: {bytes: 64KiB, interval: 90s}
    auth:
      methods: [keyboard-interactive, publickey, password]
      permit_root: no
      locked_accounts: no
      allow_users: ["*@2001:db8::/32", anna@example.org, "a b", "EX\\\\anna"]
      deny_users: ["?"]
      allow_groups: ["domain users"]
      deny_groups: [yes]
      publickey: {authorized_keys_dir: /keys, authorized_keys_pattern: "/p/{user}/%u%%"}
      password:
        minimum_time: 1500ms
        users_file: /users.yaml
        users:
          - name: "alice"
            shell: /bin/bash
            home: /srv/alice
            env: {A: "1", EMPTY: "", B: "a: b # c \\"d\\" \\\\ \\e é"}
            run_as: www-data
            sftp_only: true
            root: "%h/%u%%"
            authorized_keys:
              - "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE+/uOekOdqvRcV4lkLWkIvw1QIPY6JO1NLQRc0QT7nI a: b"
            disabled: true
            allowed_ips: [192.0.2.0/24, "2001:db8::1"]
            methods: [publickey]
            groups: [staff, "1"]
            max_sessions: 3
          - name: "1"
          - name: no
    shell:
      default: /bin/zsh
      env: {TZ: UTC, NULL: null, LINES: "a\\nb"}
      accept_env: []
      enabled: false
      pty: false
      umask: 7
      motd: /etc/motd
    sftp: {enabled: false, root: "/srv/%u", read_only: true, umask: 027, max_file_size: 1025, max_handles: 9}
    scp: {enabled: false, root: "%h", max_file_size: 3TiB}
    filter:
      enabled: true
      default_action: log
      rules:
        - name: "a: b"
          action: deny
          pattern: "**/*.{a,b}"
          path_prefix: /srv/
          extensions: [tar.gz, "7z"]
          directory: ".git"
          min_size: 0
          max_size: 1MiB
          not: {not: {directory: "no"}, pattern: "x*"}
          composite:
            type: or
            matchers:
              - {pattern: "*", not: {path_prefix: /a}}
              - composite: {type: not, matcher: {composite: {type: and, matchers: [{directory: a}, {directory: b}]}}}
          operations: [mkdir, upload]
          users: [alice, "1"]
          groups: [staff]
        - {action: allow, operations: [stat]}
    audit:
      enabled: false
      exporters:
        - {type: file, path: /j, rotate: {max_size: 1MiB, max_backups: 0, compress: false}, fsync: always, mode: "0640"}
        - type: logstash
          host: "2001:db8::1"
          port: 1
          tls: {enabled: true, verify: false}
          timeout: 1m
        - {type: logstash, host: b}
        - type: otel
          endpoint: "https://collector:4318/x"
          protocol: http/json
          compression: none
          resource: {deployment.environment: "a: b", "1": ""}
          timeout: 3
        - {type: syslog, facility: local3, socket: /s}
      buffer_size: 100
      batch_size: 100
      flush_interval: 1h
      on_failure: refuse
      rescue_users: [anna, "1"]
      verbose_io: true
      recording: {enabled: true, directory: /r, users: ["*", no], input: true}
    match:
      - users: ["*", "!root", anna]
        auth: {methods: [password], publickey: {authorized_keys_dir: /k}, deny_users: []}
        sftp: {root: ~}
        filter: {rules: [{action: deny, pattern: "*", not: {directory: a}}, {action: log, directory: "b c"}]}
      - addresses: ["::/0", "!2001:db8::/32", 192.0.2.1]
        groups: ["!a: b", "*"]
        shell: {env: {A: "1"}, umask: 7}
        security: {idle_timeout: 1h}
        audit: {recording: {enabled: false, directory: ~, users: []}}
    """,
    "server: {host_keys: [/k/a], bind_address: '::1'}\nauth: {publickey: {authorized_keys_dir: /keys}}",
    "server: {host_keys: [/k/a]}\nauth: {publickey: {authorized_keys_pattern: ~}, password: {users: []}}",
    "server: {host_keys: [/k/a]}\nauth: {publickey: {authorized_keys_pattern: none}}",
  ]

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test func `the output of gen-config loads to the defaults and a host key`() throws {
    var expected = Settings()
    expected.server.hostKeys = ["/etc/bssh/ssh_host_ed25519_key"]
    let loaded = try settings(Template.commented)
    #expect(loaded.settings == expected)
    #expect(loaded.warnings == [])
  }

  @Test(arguments: samples)
  func `the effective settings load to the same settings`(yaml: String) throws {
    let loaded = try settings(yaml)
    let again = try settings(Template.effective(loaded))
    #expect(again.settings == loaded.settings)
    #expect(again.choices == loaded.choices)
  }

  @Test func `only password hashes and secrets are missing from the effective settings`() throws {
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    let yaml = """
      server: {host_keys: [/k/a]}
      auth:
        required: [[publickey, totp], [publickey, publickey]]
        password:
          users:
            - {name: alice, shell: /bin/a, password_hash: "\(hash)", totp_secret: \(secret), totp_digits: 8}
            - {name: bob}
      """
    var loaded = try settings(yaml)
    let text = Template.effective(loaded)
    #expect(!text.contains(secret) && !text.contains(hash))
    #expect(text.contains("# The secrets of one-time codes of auth.password.users are omitted.\n"))
    let again = try settings(text)
    loaded.settings.auth.users[0].passwordHash = nil
    loaded.settings.auth.users[0].totpSecret = nil
    #expect(again.settings == loaded.settings)
  }

  @Test func `users of the file are named in the effective settings`() throws {
    let loaded = try settings("server: {host_keys: [/k/a]}\nauth: {password: {users_file: /users.yaml}}")
    #expect(Template.effective(loaded).contains("# Users of /users.yaml: carol\n"))
    #expect(!Template.effective(loaded).contains("argon2id"))
  }

  @Test(arguments: KeyTable.keys.map(\.path))
  func `the manual names every key`(path: String) throws {
    #expect(try text("man/bssh-server.yaml.5").contains(".It Ic \(path)\n"))
  }

  @Test(arguments: Settings.User.keys.map(\.name))
  func `the manual names every key of a user`(name: String) throws {
    #expect(try text("man/bssh-server.yaml.5").contains(".It Ic \(name)\n"))
  }

  @Test(arguments: RuleKey.all.map(\.name))
  func `the manual names every key of a rule`(name: String) throws {
    #expect(try text("man/bssh-server.yaml.5").contains(".It Ic \(name)\n"))
  }

  @Test func `the manual names every key of an exporter`() throws {
    let manual = try text("man/bssh-server.yaml.5")
    func check<Entry>(_ keys: [EntryKey<Entry>]) {
      for key in keys { #expect(manual.contains(".It Ic \(key.name)\n"), "\(key.name)") }
    }
    check(Settings.Audit.File.keys)
    check(Settings.Audit.Rotate.keys)
    check(LogstashSettings.keys)
    check(TLSSettings.keys)
    check(OTelSettings.keys)
    check(SyslogSettings.keys)
  }

  @Test(arguments: Option.all.map(\.long))
  func `the manual names every option`(long: String) throws {
    #expect(try text("man/bssh-server.8").contains("-\(long)"))
  }

  @Test(arguments: Command.allCases.filter { $0.summary != nil }.map(\.rawValue))
  func `the manual names every command`(command: String) throws {
    #expect(try text("man/bssh-server.8").contains(".It Cm \(command)"))
  }
}
