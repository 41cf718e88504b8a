import Foundation
import Testing

@testable import Server

/// The command line and files of bssh 2.4.1, given to our program.
@Suite struct BsshTests {
  /// The configuration that its gen-config prints, made of the defaults of its keys: null for keys that are not set.
  static let generated = """
    # A configuration with the values that hold when nothing is said.

    server:
      bind_address: 0.0.0.0
      port: 2222
      host_keys: []
      max_connections: 100
      timeout: 300
      keepalive_interval: 60
      compression: false
      maximum_packet_size: 65535
      window_size: 8388608
    auth:
      methods:
      - publickey
      publickey:
        authorized_keys_dir: null
        authorized_keys_pattern: null
      password:
        users_file: null
        users: []
    shell:
      default: /bin/sh
      env: {}
      command_timeout: 3600
    sftp:
      enabled: true
      root: null
    scp:
      enabled: true
      root: null
    filter:
      enabled: false
      default_action: null
      rules: []
    audit:
      enabled: false
      exporters: []
    security:
      max_auth_attempts: 5
      auth_window: 300
      ban_time: 300
      whitelist_ips: []
      max_sessions_per_user: 10
      idle_timeout: 3600
      session_timeout: 0
      allowed_ips: []
      blocked_ips: []

    """

  /// The same with rules, as bssh writes them.
  static let withRules = generated.replacingOccurrences(
    of: "  enabled: false\n  default_action: null\n  rules: []\n",
    with: """
        enabled: true
        default_action: null
        rules:
        - name: block-keys
          pattern: null
          path_prefix: null
          extensions:
          - key
          - pem
          directory: null
          min_size: null
          max_size: null
          composite: null
          action: deny
          operations: null
          users: null
        - name: null
          pattern: null
          path_prefix: null
          extensions: null
          directory: null
          min_size: null
          max_size: null
          composite:
            type: and
            matchers:
            - pattern: '*.env'
              path_prefix: null
              extensions: null
              directory: null
              not: null
            - pattern: null
              path_prefix: null
              extensions: null
              directory: null
              not:
                pattern: null
                path_prefix: /home
                extensions: null
                directory: null
                not: null
            matcher: null
          action: log
          operations:
          - upload
          users: null

      """)

  private func withKey(_ body: (_ folder: Folder, _ key: String) throws -> Void) throws {
    let folder = try Folder()
    let key = folder.file("key")
    #expect(try bsshServer("gen-host-key", "-o", key).code == 0)
    try body(folder, key)
  }

  @Test(arguments: [generated, withRules]) func `the output of bssh's gen-config loads unchanged`(yaml: String) throws {
    try withKey { folder, key in
      let file = try folder.write("server.yaml", yaml)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
      let outcome = try bsshServer("check-config", "-c", file, "-k", key)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("maximum_packet_size: 65535B\n"))
      #expect(
        !outcome.errors.contains("authorized_keys") && !outcome.errors.contains("out of range"), "\(outcome.errors)")
    }
  }

  @Test func `a value that bssh clamps is clamped with a warning that has its line`() throws {
    try withKey { folder, key in
      let yaml = Self.generated.replacingOccurrences(of: "size: 65535", with: "size: 131072")
        .replacingOccurrences(of: "per_user: 10", with: "per_user: 0")
      let file = try folder.write("server.yaml", yaml)
      let outcome = try bsshServer("check-config", "-c", file, "-k", key)
      #expect(outcome.code == 0)
      let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("out of range") }
      #expect(warnings.count == 2)
      #expect(
        warnings.first.map(String.init)
          == "warning: \(file):11:24: server.maximum_packet_size: 131072 is out of range, 65535B is used: "
          + "expected a size from 4KiB to 65535B")
      #expect(outcome.output.contains("maximum_packet_size: 65535B\n"))
      #expect(outcome.output.contains("max_sessions_per_user: 1\n"))
    }
  }

  @Test func `variables of bssh's client do not keep the server from starting`() throws {
    try withKey { _, key in
      let environment = ["BSSH_PASSWORD": "x", "BSSH_CONFIG": "/c", "BSSH_COMPRESSION": "true"]
      let outcome = try bsshServer("check-config", "-k", key, environment: environment)
      #expect(outcome.code == 0 && outcome.output.contains("compression: true\n"))
      #expect(!outcome.errors.contains("BSSH_"))
    }
  }

  // MARK: The command line

  /// The global options of bssh, each with a value if it has one.
  private static let globals: [[String]] = [
    ["-c", "/c.yaml"], ["--config", "/c.yaml"], ["--config=/c.yaml"], ["-b", "::1"], ["--bind-address", "::1"],
    ["-p", "22"], ["-p22"], ["-p=22"], ["--port", "22"], ["-k", "/a", "-k", "/b"], ["--host-key", "/a"], ["-v"],
    ["-vvv"], ["--verbose"], ["-D"], ["--foreground"], ["--pid-file", "/p"],
  ]

  @Test(arguments: globals) func `a global option precedes or follows every command`(option: [String]) throws {
    for command in Command.allCases {
      let words = command.rawValue.split(separator: " ").map(String.init) + (command.operand.map { [$0] } ?? [])
      #expect(try Arguments(option + words).command == command)
      #expect(try Arguments(words + option) == (try Arguments(option + words)))
    }
  }

  @Test func `values of options are accepted in every notation`() throws {
    for words in [["-p", "22"], ["-p22"], ["-p=22"], ["--port=22"], ["--port", "22"]] {
      #expect(try Arguments(words).value("port") == "22")
    }
    for words in [["-t", "rsa"], ["--type", "rsa"], ["--key-type", "rsa"], ["--key-type=rsa"]] {
      #expect(try Arguments(["gen-host-key"] + words + ["-o", "/x"]).value("type") == "rsa")
    }
    #expect(throws: Failure.self) { try Arguments(["gen-host-key", "-t", "rsa", "--key-type", "rsa"]) }
    #expect(throws: Failure.self) { try Arguments(["run", "--key-type", "rsa"]) }
  }

  @Test(arguments: [["-V"], ["--version"], ["-c", "/nonexistent", "-V"], ["run", "--version"]])
  func `the version is printed as by bssh`(words: [String]) throws {
    let outcome = try bsshServer(words)
    #expect(outcome.code == 0 && outcome.errors == "")
    #expect(outcome.output.hasPrefix("bssh-server ") && outcome.output.split(separator: "\n").count == 1)
  }

  @Test func `help is a command as well`() throws {
    #expect(try bsshServer("help").output == bsshServer("--help").output)
    for command in Command.allCases {
      let words = command.rawValue.split(separator: " ").map(String.init)
      let outcome = try bsshServer(["help"] + words)
      #expect(outcome.code == 0)
      #expect(try outcome.output == bsshServer(words + ["--help"]).output)
    }
    #expect(try bsshServer("help", "audit").output == bsshServer("audit", "--help").output)
    #expect(try bsshServer("help", "xyzzy").code == 64)
    #expect(try bsshServer("help", "help").output == bsshServer("help").output)
  }

  @Test(arguments: [
    ["--key-type", "ed25519"], ["-t", "ED25519"], ["--type", "rsa", "--bits", "2048"],
    ["-t", "ed25519", "--bits", "4096"],
  ])
  func `host keys are generated with bssh's options`(options: [String]) throws {
    let folder = try Folder()
    let outcome = try bsshServer(["gen-host-key", "-v"] + options + ["-o", folder.file("key")])
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("has no effect") == (options.last == "4096"))
    #expect(outcome.output.contains(options.contains("rsa") ? "ssh-rsa, 2048 bits" : "ssh-ed25519, 256 bits"))
  }
}
