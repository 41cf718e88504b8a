import Foundation
import System
import Testing

/// A bssh-server that one test runs, with an account that can log in, keys on both sides, and an ssh that knows them.
///
/// Everything is below a directory whose parents belong to root or to the user who runs the tests, as authorized_keys
/// require.
final class Daemon {
  /// As which user the daemon runs.
  enum Mode {
    /// As the user who runs the tests: with root's privileges, or all processes with one user id.
    case asIs
    /// The test as root, but the daemon as the unprivileged user 65533.
    case unprivileged
  }

  /// Keys of server.yaml in flow style: `["max_connections": "2", "rekey": "{bytes: 1MiB}"]`. `DIRECTORY` in a value is
  /// replaced by the daemon's directory.
  typealias Keys = [String: String]

  let directory: String
  let port: UInt16
  let user: TestAccount
  let runsAsRoot: Bool
  /// The path of bssh-server.
  let server: String
  /// The events of the daemon.
  let events: DaemonJournal
  /// The log of the daemon.
  var log: Text { guardian.errors }
  private let services: ServiceAccounts?
  private(set) var guardian: Client!
  /// The process that was started: it becomes the supervisor.
  private(set) var pid: pid_t = 0
  private var isStopped = false
  private var command: [String] = []
  private var environmentOfDaemon: [String: String] = [:]
  /// The processes of daemons that were restarted.
  private var earlier: [Client] = []
  private let sections: [(name: String, keys: Keys)]
  private let userKeys: String
  /// Whether the journal must be valid at the end: false if a test damages it.
  var keepsJournal = true

  /// Starts a daemon and waits until it listens.
  ///
  /// - Parameters:
  ///   - launcher: a command that starts the daemon and is given its command line; `DIRECTORY` as in keys.
  ///   - userKeys: more keys of the account's entry among the users, in flow style: `sftp_only: true`.
  ///   - hostKeys: types for gen-host-key; `rsa` and `ecdsa` may have a size after a space.
  ///   - prepare: writes further files into the directory before the start; executables in a folder `bin` replace
  ///     the built ones.
  init(
    mode: Mode = .asIs, server serverKeys: Keys = [:], auth: Keys = [:], shell: Keys = [:],
    sftp: Keys = [:], scp: Keys = [:], filter: Keys = [:], forwarding: Keys = [:], audit: Keys = [:],
    security: Keys = [:], userKeys: String = "", hostKeys: [String] = ["ed25519"],
    loginShell: String = "/bin/sh", arguments: [String] = ["-v"],
    environment: [String: String] = [:], launcher: [String] = [],
    prepare: (Daemon.Preparation) throws -> Void = { _ in }
  ) throws {
    let base = isRoot ? "/var/lib" : "\(NSHomeDirectory())/.cache"
    directory = "\(base)/bssh-interop-\(UInt32.random(in: 100_000_000...999_999_999))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    chmod(directory, 0o755)
    events = DaemonJournal(path: "\(directory)/audit/audit.log")
    port = try Daemon.freePort()
    runsAsRoot = isRoot && mode == .asIs
    switch mode {
    case .asIs where isRoot:
      services = try ServiceAccounts()
      user = try TestAccount(in: directory, shell: loginShell)
    case .asIs:
      services = nil
      user = try TestAccount(in: directory, as: (geteuid(), getegid()))
    case .unprivileged:
      services = nil
      user = try TestAccount(in: directory, as: (65533, 65533))
    }
    sections = [
      ("server", serverKeys),
      (
        "audit",
        [
          "exporters": "[{type: file, path: DIRECTORY/audit/audit.log}]",
          // The login records are those of this machine.
          "login_records": "false",
        ].merging(audit) { $1 }
      ),
      // Most tests use one address, and many fail to log in. Tests about addresses use others.
      (
        "security",
        ["whitelist_ips": "[127.0.0.1, \"::1\"]", "ban_state_file": "DIRECTORY/bans"].merging(security) { $1 }
      ),
      ("auth", auth), ("shell", shell), ("sftp", sftp), ("scp", scp), ("filter", filter),
      ("forwarding", forwarding),
    ]
    self.userKeys = userKeys
    if !runsAsRoot {
      try FileManager.default.createDirectory(atPath: "\(directory)/audit", withIntermediateDirectories: true)
      chown("\(directory)/audit", user.uid, user.gid)
    }
    let executables = try Daemon.executables(in: directory)
    try prepare(Preparation(directory: directory, executables: executables, user: user))
    let replaced = FileManager.default.fileExists(atPath: "\(directory)/bin/bssh-server")
    server = (replaced ? "\(directory)/bin" : executables) + "/bssh-server"
    for (index, type) in hostKeys.enumerated() {
      let words = type.split(separator: " ").map(String.init)
      try succeed(
        [server, "gen-host-key", "-t", words[0], "-o", "\(directory)/host\(index)"]
          + (words.count > 1 ? ["--bits", words[1]] : []))
      chown("\(directory)/host\(index)", runsAsRoot ? 0 : user.uid, runsAsRoot ? 0 : user.gid)
    }
    try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "interop", "-f", "\(directory)/id")
    let publicKey = try String(contentsOfFile: "\(directory)/id.pub", encoding: .utf8)
    try user.authorize(publicKey)
    command =
      (mode == .unprivileged ? ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"] : [])
      + launcher.map { $0.replacingOccurrences(of: "DIRECTORY", with: directory) }
      + [server, "run", "-D", "-c", "\(directory)/server.yaml"] + arguments
    try writeConfiguration(hostKeyCount: hostKeys.count)
    try writeClientFiles(hostKeyCount: hostKeys.count)
    // Logins of tests must not reach this machine's systemd.
    self.environmentOfDaemon = ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"].merging(environment) { $1 }
    try start()
    // It listens before its spare transports exist; then it is complete, unless a test has others.
    if !replaced && serverKeys["spare_transports"] == nil { waitForSpares() }
  }

  private func waitForSpares() {
    eventually(within: 10, "spare transports") { processes.count { $0.title == "bssh-transport: spare" } >= 2 }
  }

  /// Ends the daemon with this signal and starts it again, as a service manager does. The previous one keeps running:
  /// its logins must have ended before this daemon is stopped.
  func restart(_ number: Int32 = Glibc.SIGTERM) throws {
    signal(number)
    let code = try exitCode()
    let expected = number == SIGKILL ? -Int(SIGKILL) : 0
    guard code == expected else { throw Failure("the daemon ended with \(code)") }
    earlier.append(guardian)
    try start()
    waitForSpares()
  }

  deinit {
    if !isStopped { abandon() }
  }

  /// Everything that exists before the daemon starts.
  struct Preparation {
    let directory: String
    /// Where the built executables are.
    let executables: String
    let user: TestAccount
  }

  private func start() throws {
    guardian = try Client(
      [Daemon.python, Daemon.client("subreaper.py")] + command, environment: environmentOfDaemon)
    let line = try guardian.output.line { $0.hasPrefix("pid ") }
    pid = pid_t(line.dropFirst(4)) ?? 0
    do {
      try log.line(with: "ready")
    } catch {
      abandon()
      throw error
    }
  }

  // MARK: Files

  /// Where the tested executables are: next to the tests, or where $BSSH_TEST_EXECUTABLES says.
  static var built: String {
    get throws {
      if let folder = ProcessInfo.processInfo.environment["BSSH_TEST_EXECUTABLES"] { return folder }
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return (tests as NSString).deletingLastPathComponent
    }
  }

  /// The executables, in a place that every account can reach.
  private static func executables(in directory: String) throws -> String {
    let built = try built
    var folder = built
    while folder != "/" {
      var entry = stat()
      guard stat(folder, &entry) == 0, entry.st_mode & 0o005 == 0o005 else { break }
      folder = (folder as NSString).deletingLastPathComponent
    }
    if folder == "/" { return built }
    try copyExecutables(from: built, to: "\(directory)/executables")
    return "\(directory)/executables"
  }

  /// The daemon's programs.
  static let programs = ExecutableName.allCases.map(\.rawValue)

  /// Copies the daemon's programs.
  static func copyExecutables(from: String, to: String) throws {
    try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
    for name in programs {
      try FileManager.default.copyItem(atPath: "\(from)/\(name)", toPath: "\(to)/\(name)")
      // As install.sh installs them.
      chmod("\(to)/\(name)", ["bssh-session", "bssh-transfer"].contains(name) ? 0o711 : 0o755)
    }
  }

  private func writeConfiguration(hostKeyCount: Int) throws {
    let keys = (0..<hostKeyCount).map { "\"\(directory)/host\($0)\"" }.joined(separator: ", ")
    let server = ["bind_address": "127.0.0.1", "port": String(port), "host_keys": "[\(keys)]"]
    var auth: Keys = [:]
    if !runsAsRoot || !userKeys.isEmpty {
      let more = userKeys.isEmpty ? "" : ", \(userKeys)"
      let place = runsAsRoot ? "" : ", home: \"\(user.home)\", shell: /bin/sh"
      auth["password"] = "{users: [{name: \(user.name)\(place)\(more)}]}"
    }
    var text = ""
    for (name, keys) in sections {
      let own = name == "server" ? server : name == "auth" ? auth : [:]
      let keys = own.merging(keys) { $1 }
      if keys.isEmpty { continue }
      text += "\(name):\n" + keys.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)\n" }.joined()
    }
    try configure(text.replacingOccurrences(of: "DIRECTORY", with: directory))
  }

  /// Writes server.yaml; SIGHUP applies it. The journal stays where it is, unless `text` says something else.
  func configure(_ text: String) throws {
    let audit = "\naudit: {exporters: [{type: file, path: \(events.path)}]}\n"
    let text = text.contains("audit:") ? text : text + audit
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/server.yaml"))
    chmod("\(directory)/server.yaml", 0o600)
    if !runsAsRoot { chown("\(directory)/server.yaml", user.uid, user.gid) }
  }

  /// Gives the daemon a new configuration, which must be valid, and waits until it applies.
  func reload(_ text: String) throws {
    try configure(text)
    let start = log.count
    signal(SIGHUP)
    try log.line(with: "the new configuration applies", after: start)
  }

  /// The contents of server.yaml.
  var configuration: String {
    get throws { try String(contentsOfFile: "\(directory)/server.yaml", encoding: .utf8) }
  }

  private func writeClientFiles(hostKeyCount: Int) throws {
    let known = try (0..<hostKeyCount).map { number in
      "[127.0.0.1]:\(port) " + (try String(contentsOfFile: "\(directory)/host\(number).pub", encoding: .utf8))
    }
    try Data(known.joined().utf8).write(to: URL(fileURLWithPath: "\(directory)/known_hosts"))
    try Data(sshConfiguration(port: port).utf8).write(to: URL(fileURLWithPath: "\(directory)/ssh_config"))
    let wrapper = "#!/bin/sh\nexec ssh -F \(directory)/ssh_config \"$@\"\n"
    try Data(wrapper.utf8).write(to: URL(fileURLWithPath: "\(directory)/ssh"))
    chmod("\(directory)/ssh", 0o755)
  }

  private func sshConfiguration(port: UInt16) -> String {
    """
    Host *
      HostName 127.0.0.1
      Port \(port)
      User \(user.name)
      IdentityFile \(directory)/id
      IdentitiesOnly yes
      IdentityAgent none
      UserKnownHostsFile \(directory)/known_hosts
      GlobalKnownHostsFile none
      StrictHostKeyChecking yes
      UpdateHostKeys no
      BatchMode yes
      ConnectTimeout 15
      LogLevel INFO

    """
  }

  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard code == 0 else { throw Failure("no free port: \(String(cString: strerror(errno)))") }
    return UInt16(bigEndian: address.sin_port)
  }

  /// The top of the repository.
  static let repository = ((#filePath as NSString).deletingLastPathComponent as NSString)
    .appendingPathComponent("../../..")

  // MARK: Clients

  static let python = "/usr/bin/python3"

  /// A script of our own.
  static func client(_ name: String) -> String {
    let support = (#filePath as NSString).deletingLastPathComponent
    return (support as NSString).deletingLastPathComponent + "/Clients/\(name)"
  }

  /// Environment variables for scripts and clients.
  var environment: [String: String] {
    [
      "PORT": String(port), "LOGIN": user.name, "KEY": "\(directory)/id", "AUTHORIZED_KEYS": user.authorizedKeys,
      "SSH": "\(directory)/ssh", "DIRECTORY": directory, "USER_HOME": user.home, "HOME": directory,
      "PYTHONDONTWRITEBYTECODE": "1",
      "MESSAGE_VERSION": MessageVersion.header.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
      "DAEMON": String(pid), "GUARDIAN": String(guardian.pid),
    ]
  }

  /// Runs `ssh` with these arguments after its own options; `host` is the daemon.
  func ssh(_ words: String..., within seconds: Double = 30) throws -> Outcome { try ssh(words, within: seconds) }

  func ssh(_ words: [String], within seconds: Double = 30) throws -> Outcome {
    try run(["\(directory)/ssh"] + words, environment: environment, within: seconds)
  }

  /// Starts `ssh` without waiting for it.
  func startSSH(_ words: String...) throws -> Client { try startSSH(words) }

  func startSSH(_ words: [String]) throws -> Client {
    try Client(["\(directory)/ssh"] + words, environment: environment)
  }

  /// Runs a shell command; `$SSH` in it is our ssh.
  func shell(_ script: String, within seconds: Double = 60) throws -> Outcome {
    try run(["bash", "-c", script], environment: environment, within: seconds)
  }

  /// Runs a claim of one of our scripts, which fails with a reason if it does not hold.
  func claim(
    _ script: String, _ claim: String, environment more: [String: String] = [:], within seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let arguments = [Daemon.python, Daemon.client(script), claim]
    let outcome = try run(arguments, environment: environment.merging(more) { $1 }, within: seconds)
    if outcome.status != 0 {
      Issue.record(
        "\(claim): \(outcome.output)\(outcome.errors)\nlog:\n\(log.all.suffix(6000))", sourceLocation: sourceLocation)
    }
  }

  // MARK: Processes

  /// All processes of the daemon and of its logins.
  var processes: [RunningProcess] { RunningProcess.descendants(of: guardian.pid) }

  /// The daemon's processes with this name.
  func processes(_ name: String) -> [RunningProcess] { processes.filter { $0.name == name } }

  /// The processes that serve connections and logins, or were started by them: all except those that always exist.
  var logins: [RunningProcess] {
    processes.filter { process in
      let title = process.title
      return !["bssh-supervisor", "bssh-authority", "bssh-journal", "bssh-recorder", "bssh-exporter"].contains(
        process.name)
        && !title.hasSuffix(": zygote")
        && !title.hasSuffix(": spare")
        && !title.hasSuffix(": scopes")
    }
  }

  /// The processes with this argument in their command lines.
  func processes(running word: String) -> [RunningProcess] { processes.filter { $0.arguments.contains(word) } }

  /// Kills the process with this argument in its command line; it may be about to start.
  func killProcess(running word: String, sourceLocation: SourceLocation = #_sourceLocation) {
    eventually("'\(word)' runs", sourceLocation: sourceLocation) { !processes(running: word).isEmpty }
    for process in processes(running: word) { kill(process.pid, SIGKILL) }
  }

  /// Sends the supervisor a signal.
  func signal(_ number: Int32) { kill(pid, number) }

  // MARK: The end

  /// Waits for the main process's end and returns its exit code, negative for a signal.
  func exitCode(within seconds: Double = 60) throws -> Int {
    let line = try guardian.output.line(within: seconds) { $0.hasPrefix("exit ") }
    return Int(line.dropFirst(5)) ?? Int.min
  }

  /// Ends the daemon with SIGTERM; it must exit with 0 and leave nothing behind.
  func stop(sourceLocation: SourceLocation = #_sourceLocation) throws {
    defer { abandon() }
    if RunningProcess.isRunning(pid) { signal(SIGTERM) }
    let code = try exitCode()
    if code != 0 {
      Issue.record("the daemon ended with \(code); log:\n\(log.all.suffix(6000))", sourceLocation: sourceLocation)
    }
    var left: [Substring] = []
    for guardian in earlier + [guardian!] {
      guardian.closeInput()
      try guardian.wait(within: 20)
      left += try guardian.output.whole().split(separator: "\n").filter { $0.hasPrefix("left ") }
    }
    if !left.isEmpty {
      Issue.record("the daemon left: \(left.joined(separator: "; "))", sourceLocation: sourceLocation)
    }
    if keepsJournal {
      do { try events.check(sourceLocation: sourceLocation) } catch {
        Issue.record("the journal: \(error)", sourceLocation: sourceLocation)
      }
    }
    for password in DaemonJournal.passwords where log.all.contains(password) {
      Issue.record("the password '\(password)' is in the log", sourceLocation: sourceLocation)
    }
    // Journals, their heads, recordings, cursors, bans.
    for path in written {
      guard let content = FileManager.default.contents(atPath: path) else { continue }
      for password in DaemonJournal.passwords where content.range(of: Data(password.utf8)) != nil {
        Issue.record("the password '\(password)' is in \(path)", sourceLocation: sourceLocation)
      }
    }
  }

  /// All files that the daemon wrote.
  private var written: [String] {
    let entries = FileManager.default.enumerator(atPath: "\(directory)/audit")?.compactMap { $0 as? String } ?? []
    return entries.map { "\(directory)/audit/\($0)" } + ["\(directory)/bans"]
  }

  private func abandon() {
    guard !isStopped else { return }
    isStopped = true
    for guardian in earlier + [guardian].compactMap({ $0 }) {
      for process in RunningProcess.descendants(of: guardian.pid) { kill(process.pid, SIGKILL) }
      guardian.closeInput()
      _ = try? guardian.wait(within: 20)
    }
    user.remove()
    services?.remove()
    try? FileManager.default.removeItem(atPath: directory)
  }
}

/// Runs `body` with a daemon, which must then exit with 0 and leave nothing behind.
func withDaemon(
  mode: Daemon.Mode = .asIs, server: Daemon.Keys = [:], auth: Daemon.Keys = [:], shell: Daemon.Keys = [:],
  sftp: Daemon.Keys = [:], scp: Daemon.Keys = [:], filter: Daemon.Keys = [:], forwarding: Daemon.Keys = [:],
  audit: Daemon.Keys = [:], security: Daemon.Keys = [:], userKeys: String = "", hostKeys: [String] = ["ed25519"],
  loginShell: String = "/bin/sh",
  arguments: [String] = ["-v"],
  environment: [String: String] = [:], launcher: [String] = [], sourceLocation: SourceLocation = #_sourceLocation,
  prepare: (Daemon.Preparation) throws -> Void = { _ in }, _ body: (Daemon) throws -> Void
) throws {
  let daemon = try Daemon(
    mode: mode, server: server, auth: auth, shell: shell, sftp: sftp, scp: scp, filter: filter,
    forwarding: forwarding, audit: audit, security: security, userKeys: userKeys, hostKeys: hostKeys,
    loginShell: loginShell, arguments: arguments,
    environment: environment,
    launcher: launcher, prepare: prepare)
  do {
    try body(daemon)
  } catch {
    Issue.record("\(error)\nlog:\n\(daemon.log.all.suffix(6000))", sourceLocation: sourceLocation)
  }
  try daemon.stop(sourceLocation: sourceLocation)
}
