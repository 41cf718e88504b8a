import Foundation
import IPC
import System
import Testing

/// A program that receives events in a test: one of Clients, or rsyslog. It is killed and restarted.
final class EventReceiver {
  let port: UInt16
  /// Where it stores what it receives.
  let events: ReceivedEvents
  private let command: [String]
  private let environment: [String: String]
  private let isScript: Bool
  private(set) var client: Client?

  /// One of our scripts, with instructions how to behave.
  init(script: String, python: String = Daemon.python, in directory: String, arguments: [String] = []) throws {
    port = try Daemon.freePort()
    events = ReceivedEvents(path: "\(directory)/received-\(port)")
    command = [python, Daemon.client(script), "\(port)", events.path] + arguments
    environment = ["PYTHONDONTWRITEBYTECODE": "1"]
    isScript = true
    try start()
  }

  /// An OpenTelemetry collector, with the official stubs.
  convenience init(collector transport: OTelSettings.Transport, in directory: String, arguments: [String] = []) throws {
    try self.init(
      script: transport == .grpc ? "collector_grpc.py" : "collector_http.py", python: Self.pythonWithPackages(),
      in: directory, arguments: arguments)
  }

  /// A Python with packages of PyPI; created if it does not exist.
  static func pythonWithPackages() throws -> String {
    let root = Daemon.repository
    let outcome = try run(["\(root)/scripts/make-test-venv.sh"], environment: ["HOME": root], within: 240)
    guard outcome.status == 0 else { throw Failure("no packages of Python: \(outcome.errors)") }
    return outcome.line + "/bin/python"
  }

  /// rsyslog with these lines of configuration, in which `PORT`, `FILE` and `DIRECTORY` are replaced.
  init(rsyslog lines: String, in directory: String) throws {
    port = try Daemon.freePort()
    events = ReceivedEvents(path: "\(directory)/received-\(port)")
    // Each message is written before the next one is read: a killed process has nothing in memory.
    let configuration =
      """
      global(workDirectory="\(directory)" maxMessageSize="1024k" parser.escapeControlCharactersOnReceive="off")
      main_queue(queue.type="Direct")
      template(name="raw" type="string" string="%rawmsg%\\n")
      """ + "\n"
      + lines.replacingOccurrences(of: "PORT", with: "\(port)")
      .replacingOccurrences(of: "FILE", with: events.path).replacingOccurrences(of: "DIRECTORY", with: directory) + "\n"
    let file = "\(directory)/rsyslog-\(port).conf"
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: file))
    command = ["rsyslogd", "-n", "-f", file, "-i", "\(directory)/rsyslog-\(port).pid"]
    environment = [:]
    isScript = false
    try start()
  }

  /// Starts it, for the first time or again, and waits until it listens.
  func start() throws {
    let client = try Client(command, environment: environment)
    self.client = client
    if isScript { try client.output.line(within: 60) { $0.hasPrefix("ready") } }
  }

  /// Ends it with SIGKILL.
  func kill() throws {
    client?.signal(SIGKILL)
    _ = try client?.wait()
    client = nil
  }

  /// Tells a script how to behave from now on.
  func tell(_ words: String) throws {
    guard let client else { throw Failure("the receiver does not run") }
    let start = client.output.count
    try client.send(words + "\n")
    try client.output.line(after: start, within: 30) { $0 == "done \(words)" }
  }
}

/// systemd-journald, in a mount namespace of its own with an empty /run. It is killed and restarted.
final class Journald {
  static let path = "/lib/systemd/systemd-journald"
  /// Keeps the namespace.
  private let keeper: Client
  private var client: Client?

  init() throws {
    // It must not switch the kernel's auditing on or off, or read the kernel's messages.
    let script = """
      mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal &&
      printf '[Journal]\\nAudit=\\nReadKMsg=no\\nRateLimitBurst=0\\n' >/run/systemd/journald.conf.d/test.conf &&
      echo ready && exec cat
      """
    keeper = try Client(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
    try keeper.output.line(with: "ready")
    try start()
  }

  /// The prefix that runs a command line in its namespace.
  var launcher: [String] { ["nsenter", "--mount=/proc/\(keeper.pid)/ns/mnt"] }

  /// Starts it, for the first time or again, and waits until it listens.
  func start() throws {
    client = try Client(launcher + [Self.path])
    let socket = "/proc/\(keeper.pid)/root/run/systemd/journal/socket"
    eventually(within: 30, "journald listens") { (try? Descriptor.datagram(to: socket)) != nil }
  }

  /// Ends it with SIGKILL.
  func kill() throws {
    client?.signal(SIGKILL)
    _ = try client?.wait()
    client = nil
  }

  /// The entries of exporters.
  func entries() throws -> [[String: Any]] {
    let words = "journalctl -o json -q --no-pager -D /run/log/journal SYSLOG_IDENTIFIER=bssh-audit"
    let outcome = try run(launcher + words.split(separator: " ").map(String.init))
    return outcome.output.split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
  }

  /// Waits until these events, the first of a journal, have arrived; without repeats they must have come in order.
  func expect(_ ids: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
    var seen: Set<String> = []
    var distinct: [String] = []
    try eventually(within: 60, "all \(ids.count) events", sourceLocation: sourceLocation) {
      seen = []
      distinct = try entries().compactMap { $0["BSSH_ID"] as? String }.filter { seen.insert($0).inserted }
      return seen.isSuperset(of: ids)
    }
    let known = Set(ids)
    #expect(distinct.filter(known.contains) == ids, "not in order", sourceLocation: sourceLocation)
  }
}

/// Certificates for a receiver at 127.0.0.1, which is called localhost, for its client, and of an unknown CA.
struct TestCertificates {
  let directory: String

  init(in directory: String) throws {
    self.directory = directory
    let script = """
      set -e
      cd \(directory)
      new() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj "/CN=$1" "${@:2}" 2>/dev/null; }
      for ca in ca other-ca; do new $ca -x509 -days 2 -out $ca.pem -addext basicConstraints=critical,CA:TRUE; done
      for name in server client stranger; do
        new $name -out $name.csr
        if [ $name = stranger ]; then ca=other-ca; else ca=ca; fi
        if [ $name = server ]; then names=DNS:localhost; else names=DNS:$name; fi
        printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth,clientAuth\\n' "$names" > ext
        openssl x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -CAcreateserial -days 2 -extfile ext \\
          -out $name.pem 2>/dev/null
      done
      chmod 644 *.key
      """
    try succeed("bash", "-c", script)
  }

  func bytes(_ name: String) -> [UInt8] {
    FileManager.default.contents(atPath: "\(directory)/\(name)").map(Array.init) ?? []
  }
}
