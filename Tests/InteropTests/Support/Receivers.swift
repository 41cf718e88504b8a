import Foundation
import Testing

/// A program that receives events in a test: one of Clients, or rsyslog. It is killed and started again.
final class EventReceiver {
  let port: UInt16
  /// Where it puts what it gets.
  let events: ReceivedEvents
  private let command: [String]
  private let environment: [String: String]
  private let isScript: Bool
  private(set) var client: Client?

  /// One of our scripts, told how to behave.
  init(script: String, python: String = Daemon.python, in directory: String, arguments: [String] = []) throws {
    port = try Daemon.freePort()
    events = ReceivedEvents(path: "\(directory)/received-\(port)")
    command = [python, Daemon.client(script), "\(port)", events.path] + arguments
    environment = ["PYTHONDONTWRITEBYTECODE": "1"]
    isScript = true
    try start()
  }

  /// rsyslog with these lines of configuration; `PORT`, `FILE` and `DIRECTORY` in them stand for what they say.
  init(rsyslog lines: String, in directory: String) throws {
    port = try Daemon.freePort()
    events = ReceivedEvents(path: "\(directory)/received-\(port)")
    // Each message is written before the next one is read: what is killed has nothing in memory.
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

  /// Starts it, again or at first, and waits until it listens.
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

/// Certificates for a receiver at 127.0.0.1, which is called localhost, for its client, and of an authority nobody knows.
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
