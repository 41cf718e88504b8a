import Configuration
import Foundation
import IPC
import System
import Testing
import Wire

@testable import Server

/// Runs the built program.
@Suite struct CommandTests {
  @Test func `version and help go to standard output`() throws {
    let lines = try bsshServer("version").output.split(separator: "\n").map(String.init)
    #expect(lines.first == "bssh-server \(version)")
    #expect(lines.dropFirst().map { $0.split(separator: " ")[0] } == ["libssh", "OpenSSL", "commit"])
    #expect(lines[1].wholeMatch(of: /libssh \d+\.\d+\.\d+, built in \(libssh-dev [^ ]+\)/) != nil)
    let help = try bsshServer("--help")
    #expect(help.code == 0)
    #expect(help.output.contains("gen-host-key"))
    #expect(!help.output.contains("  load "))
    for command in Command.allCases {
      let help = try bsshServer(command.rawValue.split(separator: " ").map(String.init) + ["--help"])
      #expect(help.code == 0)
      #expect(help.output.hasPrefix("usage: bssh-server \(command.rawValue)"))
    }
  }

  @Test func `an invalid command line exits with 64 and a hint`() throws {
    let outcome = try bsshServer("chekc-config")
    #expect(outcome.code == 64)
    #expect(
      outcome.errors
        == "bssh-server: unknown command 'chekc-config'; did you mean 'check-config'?\nTry 'bssh-server --help'.\n")
  }

  @Test func `gen-config writes a file that only its owner can read, and overwrites nothing`() throws {
    let folder = try Folder()
    #expect(try bsshServer("gen-config", "-o", folder.file("c.yaml")).code == 0)
    #expect(folder.mode("c.yaml") == 0o600)
    #expect(try String(contentsOfFile: folder.file("c.yaml"), encoding: .utf8) == Template.commented)
    let again = try bsshServer("gen-config", "-o", folder.file("c.yaml"))
    #expect(again.code == 73)
    #expect(again.errors.contains("exists"))
    #expect(try bsshServer("gen-config").output == Template.commented)
    #expect(try bsshServer("gen-config", "-o", "/nonexistent/c").code == 73)
  }

  @Test(arguments: [
    ("ed25519", nil, "ED25519", "256"), ("ecdsa", nil, "ECDSA", "256"), ("ecdsa", "521", "ECDSA", "521"),
    ("rsa", "2048", "RSA", "2048"),
  ])
  func `a generated host key is private, and readable by ssh-keygen and by us`(
    type: String, bits: String?, name: String, size: String
  ) throws {
    let folder = try Folder()
    let path = folder.file("key")
    let made =
      if let bits { try bsshServer("gen-host-key", "-t", type, "--bits", bits, "-o", path) } else {
        try bsshServer("gen-host-key", "-t", type, "-o", path)
      }
    #expect(made.code == 0)
    #expect(folder.mode("key") == 0o600)
    let keygen = try bsshServer("-lf", path, program: "/usr/bin/ssh-keygen")
    let words = keygen.output.split(separator: " ")
    #expect(words.first.map(String.init) == size)
    #expect(keygen.output.contains("(\(name))"))
    #expect(made.output.contains(words[1]))
    #expect(try bsshServer("check-config", "-k", path).code == 0)
    #expect(try bsshServer("gen-host-key", "-t", type, "-o", path).code == 73)
    #expect(try bsshServer("gen-host-key", "-o", path, "--force").code == 0)
  }

  @Test(arguments: [
    ["-t", "dsa", "-o", "/x"], ["-t", "rsa", "--bits", "1024", "-o", "/x"], ["--bits", "many", "-o", "/x"],
    ["-t", "ecdsa", "--bits", "512", "-o", "/x"], [],
  ])
  func `an unsupported host key type is an invalid command line`(options: [String]) throws {
    let words = ["gen-host-key"] + options
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words
    process.standardError = Pipe()
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 64)
  }

  @Test func `a password from a pipe is hashed`() throws {
    let outcome = try bsshServer("hash-password", input: "correct horse\n")
    #expect(outcome.code == 0)
    #expect(outcome.output.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
    #expect(outcome.errors == "")
    let loaded = try settings(
      "server: {host_keys: [/k]}\nauth: {password: {users: [{name: a, password_hash: '"
        + outcome.output.dropLast() + "'}]}}")
    #expect(loaded.settings.auth.users.first?.passwordHash.map { $0 + "\n" } == outcome.output)
  }

  @Test(arguments: [
    ("", "the password is empty"), ("\n", "the password is empty"), ("a\nb\n", "several lines"), ("a\0b", "NUL"),
    (String(repeating: "x", count: 4097), "longer than 4096 bytes"),
  ])
  func `an unusable password is refused`(input: String, reason: String) throws {
    let outcome = try bsshServer("hash-password", input: input)
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains(reason))
    #expect(outcome.output == "")
  }

  @Test func `a password of 4096 bytes is hashed`() throws {
    #expect(try bsshServer("hash-password", input: String(repeating: "x", count: 4096) + "\n").code == 0)
  }

  @Test func `check-config prints a configuration that loads, or exits with 78 and lists all problems`() throws {
    let folder = try Folder()
    let key = folder.file("key")
    _ = try bsshServer("gen-host-key", "-o", key)
    let file = try folder.write("c.yaml", "server:\n  port: 22\n  host_keys: [\(key)]\n")
    let printed = try bsshServer("check-config", "-c", file, environment: ["BSSH_SHELL_UMASK": "077"])
    #expect(printed.code == 0)
    #expect(printed.output.hasPrefix("# The settings of \(file)"))
    #expect(printed.output.contains("umask: \"077\""))
    let again = try folder.write("d.yaml", printed.output)
    let reprinted = try bsshServer("check-config", "-c", again)
    #expect(reprinted.output.split(separator: "\n").dropFirst() == printed.output.split(separator: "\n").dropFirst())

    let bad = try folder.write("bad.yaml", "server:\n  prot: 22\n  host_keys: [\(key)]\nshell:\n  pty: 1\n")
    let outcome = try bsshServer("check-config", "-c", bad, "-p", "x")
    #expect(outcome.code == 78)
    #expect(outcome.output == "")
    #expect(
      outcome.errors == """
        \(bad):2:3: server.prot: unknown key; did you mean 'port'?
        -p: server.port: expected a whole number from 1 to 65535, found 'x'
        \(bad):5:8: shell.pty: expected true or false, found '1'

        """)
  }

  @Test func `a problem names the file as it was given`() throws {
    let folder = try Folder()
    try folder.write("c.yaml", "server: {port: x}\n")
    let outcome = try bsshServer("check-config", "-c", "c.yaml", "-k", "k", directory: folder.path)
    #expect(outcome.errors.hasPrefix("c.yaml:1:16: server.port: expected a whole number"))
  }

  @Test(arguments: ["run", "check-config"])
  func `run and check-config refuse the same configuration with the same message`(command: String) throws {
    let folder = try Folder()
    let file = try folder.write("c.yaml", "a: [\n")
    let outcome = try bsshServer(command, "-c", file)
    #expect(outcome.code == 78)
    #expect(outcome.errors.hasPrefix("\(file):2:1: not valid YAML"))
    let missing = try bsshServer(command, "-c", folder.file("none"))
    #expect(missing.code == 78)
    #expect(missing.errors.contains("cannot read the configuration: No such file or directory"))
    #expect(try bsshServer(command, "-c", folder.path).errors.contains("not a regular file"))
  }

  @Test func `a host key that others can read, a missing one and a damaged one are refused`() throws {
    let folder = try Folder()
    let key = folder.file("key")
    _ = try bsshServer("gen-host-key", "-o", key)
    chmod(key, 0o640)
    #expect(
      try bsshServer("check-config", "-k", key).errors
        == "-k: server.host_keys: '\(key)' is accessible to others (mode 640); 'chmod 600 \(key)' makes it private\n")
    #expect(
      try bsshServer("check-config", "-k", folder.file("none")).errors.contains(
        "does not exist; 'bssh-server gen-host-key -t ed25519 -o \(folder.file("none"))' creates it"))
    let damaged = try folder.write("damaged", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    #expect(try bsshServer("check-config", "-k", damaged).code == 78)
  }

  @Test(arguments: ["check-config", "run"])
  func `a configuration that others can write is refused, given or found, and so are the files that it names`(
    command: String
  ) throws {
    let folder = try Folder()
    let key = folder.file("key")
    #expect(try bsshServer("gen-host-key", "-t", "ed25519", "-o", key).code == 0)
    try folder.write("users.yaml", "users: []\n")
    try folder.write("ca.pub", try String(contentsOfFile: key + ".pub", encoding: .utf8), mode: 0o644)
    try folder.write("revoked", "", mode: 0o644)
    try folder.write("banner", "hello\n", mode: 0o644)
    let file = try folder.write(
      "bssh-server.yaml",
      """
      server: {host_keys: [key], banner: banner}
      auth:
        publickey: {trusted_user_ca_keys: ca.pub, revoked_keys: revoked}
        password: {users_file: users.yaml}
      audit: {enabled: false}
      """)
    func errors(_ arguments: String...) throws -> String {
      let outcome = try bsshServer([command] + arguments, directory: folder.path)
      #expect(outcome.code == 78)
      return outcome.errors
    }
    #expect(try bsshServer("check-config", "-c", file).code == 0)
    for (name, usual, key) in [
      ("bssh-server.yaml", 0o600, "bssh-server.yaml"), ("key", 0o600, "server.host_keys"),
      ("banner", 0o644, "server.banner"),
      ("ca.pub", 0o644, "auth.publickey.trusted_user_ca_keys"), ("revoked", 0o644, "auth.publickey.revoked_keys"),
      ("users.yaml", 0o600, "auth.password.users_file"),
    ] as [(String, mode_t, String)] {
      let path = folder.file(name)
      chmod(path, name == "key" ? 0o602 : 0o666)
      for found in [try errors("-c", file), try errors()] {
        #expect(found.contains("bssh-server.yaml:") && found.contains(key), "\(found)")
        let isOpen = found.contains("'\(path)' is accessible to others")
        #expect(isOpen || found.contains("'\(path)' can be written by others"), "\(found)")
      }
      chmod(path, usual)
      guard getuid() == 0 else { continue }
      chown(path, 65533, 0)
      #expect(try errors("-c", file).contains("'\(path)' belongs to uid 65533; it must belong to root"))
      chown(path, 0, 0)
    }
    // A directory in which others can replace the file.
    chmod(folder.path, 0o777)
    #expect(try errors("-c", file).contains("'\(folder.path)' can be written by others (mode 777)"))
    chmod(folder.path, 0o700)
    #expect(try bsshServer("check-config", "-c", file).code == 0)
  }

  @Test func `relative paths in a configuration start at its directory, those in options at the working directory`()
    throws
  {
    let (folder, elsewhere) = (try Folder(), try Folder())
    #expect(try bsshServer("gen-host-key", "-t", "ed25519", "-o", folder.file("key")).code == 0)
    #expect(try bsshServer("gen-host-key", "-t", "ed25519", "-o", elsewhere.file("other")).code == 0)
    try folder.write("banner", "hello\n")
    let file = try folder.write("c.yaml", "server: {host_keys: [./key], banner: banner}\nshell: {motd: motd}\n")
    let outcome = try bsshServer("check-config", "-c", file, directory: elsewhere.path)
    #expect(outcome.code == 0)
    for line in ["- \(folder.file("key"))", "banner: \(folder.file("banner"))", "motd: \(folder.file("motd"))"] {
      #expect(outcome.output.contains(line))
    }
    #expect(outcome.errors.contains("\(file):2:15: shell.motd: '\(folder.file("motd"))' does not exist"))
    let option = try bsshServer("check-config", "-c", file, "-k", "other", directory: elsewhere.path)
    #expect(option.code == 0 && option.output.contains("- \(elsewhere.file("other"))"))
  }

  @Test func `missing names, directories and programs cause warnings with their lines`() throws {
    let folder = try Folder()
    #expect(try bsshServer("gen-host-key", "-t", "ed25519", "-o", folder.file("key")).code == 0)
    let file = try folder.write(
      "c.yaml",
      """
      server: {host_keys: [key]}
      auth:
        allow_users: [nobody, no-such-user]
        deny_groups: [no-such-group]
        publickey: {authorized_keys_dir: keys, authorized_principals_pattern: /no/such/%u}
      shell:
        forced_command: /no/such/program -x
        motd: /no/such/motd
      sftp: {root: /no/such/root}
      audit: {exporters: [{type: syslog, socket: /no/such/socket}]}
      security: {ban_state_file: /proc/bans}
      match:
        - users: [no-such-match]
          scp: {root: "/no/such/%u"}
      """)
    let outcome = try bsshServer("check-config", "-c", file, environment: ["HOME": folder.path])
    #expect(outcome.code == 0)
    for line in [
      "3:25: auth.allow_users: no user has the name 'no-such-user'",
      "4:17: auth.deny_groups: there is no group 'no-such-group'",
      "5:36: auth.publickey.authorized_keys_dir: '\(folder.file("keys"))' does not exist",
      "5:73: auth.publickey.authorized_principals_pattern: '/no/such' does not exist",
      "7:19: shell.forced_command: '/no/such/program' is not an executable file",
      "8:9: shell.motd: '/no/such/motd' does not exist", "9:14: sftp.root: '/no/such/root' does not exist",
      "audit.exporters: '/no/such/socket' does not exist", "11:28: security.ban_state_file: bans cannot be saved",
      "13:13: match[0].users: no user has the name 'no-such-match'",
      "14:17: match[0].scp.root: '/no/such' does not exist",
    ] {
      #expect(outcome.errors.contains(line), "\(line) in \(outcome.errors)")
    }
    #expect(!outcome.errors.contains("'nobody'"))
  }

  /// A configuration with which root can start the daemon, and the commands to check it as root and as another user.
  private func forRoot(_ folder: Folder, _ more: String = "") throws -> (file: String, run: [[String]]) {
    chmod(folder.path, 0o755)
    for name in ExecutableName.allCases where name != .server {
      try folder.write(name.rawValue, "#!/bin/sh\n", mode: 0o755)
    }
    try FileManager.default.copyItem(atPath: program, toPath: folder.file("bssh-server"))
    chmod(folder.file("bssh-server"), 0o755)
    #expect(try bsshServer("gen-host-key", "-t", "ed25519", "-o", folder.file("key")).code == 0)
    try folder.write("users", "users: [{name: bert, run_as: root, authorized_keys: []}]\n")
    try folder.write("banner", "hello\n")
    try FileManager.default.createDirectory(
      atPath: folder.file("log"), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    let file = try folder.write(
      "c.yaml",
      """
      server: {host_keys: [key], bind_address: "127.0.0.1:22", banner: banner}
      auth: {password: {users_file: users, users: [{name: root, run_as: root}\(more)]}}
      audit: {exporters: [{type: file, path: log/bssh/audit.log}]}
      """, mode: 0o644)
    let command = [
      folder.file("bssh-server"), "check-config", "-q", "-c", file, "--pid-file", folder.file("log/pid"),
    ]
    return (file, [command, ["--reuid=65533", "--regid=65533", "--clear-groups"] + command])
  }

  @Test(.enabled(if: geteuid() == 0)) func `what only root may do or read is no error for another user who checks`()
    throws
  {
    let folder = try Folder()
    let (file, run) = try forRoot(folder)
    let root = try bsshServer(Array(run[0].dropFirst()), program: run[0][0])
    #expect(root.code == 0 && !root.errors.contains("not checked"), "\(root.errors)")
    let other = try bsshServer(run[1], program: "/usr/bin/setpriv")
    #expect(other.code == 0, "\(other.errors)")
    let unchecked = "; not checked: this depends on the privileges of the user who starts the daemon"
    for line in [
      "\(file):1:22: server.host_keys: cannot read '\(folder.file("key"))': Permission denied",
      "server.banner: cannot read '\(folder.file("banner"))': Permission denied",
      "auth.password.users_file: cannot read '\(folder.file("users"))': Permission denied",
      "run_as: not started as root, the daemon cannot become 'root'; omit run_as",
      "audit.exporters[0].path: the journal cannot be written: open \(folder.file("log/bssh")): Permission denied",
      "server.port: port 22 needs root's privileges: Permission denied",
      "--pid-file: '\(folder.file("log"))' cannot be written to: Permission denied",
    ] { #expect(other.errors.contains(line + unchecked + "\n"), "\(line) in \(other.errors)") }
  }

  @Test(.enabled(if: geteuid() == 0)) func `what is wrong whoever starts the daemon is an error for every user`() throws
  {
    let folder = try Folder()
    let (file, run) = try forRoot(folder, ", {name: anna, run_as: no-such-account}")
    try FileManager.default.removeItem(atPath: folder.file("key"))
    try FileManager.default.removeItem(atPath: folder.file("log"))
    try folder.write("log", "", mode: 0o644)
    for words in run {
      let outcome = try bsshServer(
        Array(words.dropFirst(words == run[0] ? 1 : 0)), program: words == run[0] ? words[0] : "/usr/bin/setpriv")
      #expect(outcome.code == 78)
      for line in [
        "\(file):1:22: server.host_keys: '\(folder.file("key"))' does not exist",
        "run_as: the system has no account 'no-such-account'",
      ] { #expect(outcome.errors.contains(line), "\(line) in \(outcome.errors)") }
    }
  }

  @Test func `a configuration is searched for in the working directory first, then in the user's folder`() throws {
    let folder = try Folder()
    let key = folder.file("key")
    _ = try bsshServer("gen-host-key", "-o", key)
    try FileManager.default.createDirectory(atPath: folder.file("x/bssh"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder.file("h/.config/bssh"), withIntermediateDirectories: true)
    try folder.write("x/bssh/server.yaml", "server: {host_keys: [\(key)], port: 1}\n")
    try folder.write("h/.config/bssh/server.yaml", "server: {host_keys: [\(key)], port: 2}\n")
    func port(_ environment: [String: String]) throws -> String? {
      try bsshServer("check-config", environment: environment, directory: folder.path).output
        .split(separator: "\n").first { $0.contains("  port:") }.map { String($0.drop { $0 == " " }) }
    }
    let home = ["HOME": folder.file("h")]
    if access("/etc/bssh/server.yaml", F_OK) != 0 {
      #expect(try port(home) == "port: 2")
      #expect(try port(home.merging(["XDG_CONFIG_HOME": folder.file("x")]) { $1 }) == "port: 1")
    }
    try folder.write("bssh-server.yaml", "server: {host_keys: [\(key)], port: 3}\n")
    #expect(try port(home) == "port: 3")
  }

  @Test func `sockets of systemd are passed to the supervisor, and others are not`() throws {
    let folder = try Folder()
    let key = folder.file("key")
    _ = try bsshServer("gen-host-key", "-o", key)
    try FileManager.default.copyItem(atPath: program, toPath: folder.file("bssh-server"))
    // The message is the last thing in descriptor 3: its other end was closed with the previous program.
    try folder.write("bssh-supervisor", "#!/bin/sh\nexec cat <&3\n", mode: 0o755)
    guard getuid() != 0 || hasServiceAccounts else {
      return
    }
    let listener = try Listener(.init(address: "127.0.0.1", port: 0))
    let null = try Descriptor.open("/dev/null", O_RDWR)
    for (count, expected) in [("1", 1), ("2", 1), ("0", 0), ("17", 0), ("x", 0)] {
      let (reader, writer) = try Descriptor.pipe()
      let script = "LISTEN_PID=$$ LISTEN_FDS=\(count) exec \(folder.file("bssh-server")) run -k \(key)"
      var request = ChildProcess.Request(
        path: "/bin/sh", arguments: ["sh", "-c", script],
        descriptors: [null, writer, null, listener.descriptor, null])
      // Otherwise the directory of its journal would be created in the system.
      request.environment = ["PATH=/usr/bin:/bin", "BSSH_AUDIT_ENABLED=false"]
      request.directory = folder.path
      let child = try ChildProcess(request)
      child.descriptor.wait(for: POLLIN, milliseconds: 20_000)
      #expect(child.reap() == .code(0))
      let message = try reader.read(count: 64 << 10).bytes
      guard case .loaded(let loaded) = try LoaderResult(wireBytes: MessageVersion.message(in: message)) else {
        Issue.record("\(message)")
        return
      }
      #expect(loaded.listenerCount == expected)
      #expect(loaded.hostKeyCount == 1)
    }
  }

  @Test func `run executes the supervisor next to it, with its options and a socket as descriptor 3`() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.file("sbin"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder.file("lib/bssh"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: program, toPath: folder.file("sbin/bssh-server"))
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\"\nreadlink /proc/$$/fd/3\nprintf '%s\\n' \"fds: $LISTEN_FDS\"\n"
    try folder.write("lib/bssh/bssh-supervisor", script, mode: 0o755)
    let key = folder.file("key")
    _ = try bsshServer("gen-host-key", "-o", key)
    let outcome = try bsshServer(
      "run", "-D", "-k", key, environment: ["LISTEN_FDS": "1", "LISTEN_PID": "1", "BSSH_AUDIT_ENABLED": "false"],
      directory: folder.path,
      program: folder.file("sbin/bssh-server"))
    // As root it needs the accounts of its processes, which the test does not create.
    if getuid() == 0, !hasServiceAccounts {
      #expect(outcome.code == 78)
      #expect(outcome.errors.contains("the system has no account 'bssh-"))
      return
    }
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.dropLast(2) == [
        "--foreground", "--", folder.file("sbin/bssh-server"), "-k", key,
      ])
    #expect(lines.dropLast().last?.hasPrefix("socket:") == true)
    #expect(lines.last == "fds: ")
    #expect(outcome.errors == "")
  }
}
