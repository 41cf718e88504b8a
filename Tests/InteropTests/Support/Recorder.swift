import Foundation
import IPC
import Wire

extension Daemon {
  /// The recorder processes: there are two while one of them is being replaced.
  var recorders: [RunningProcess] { processes("bssh-recorder") }

  /// Bytes that the supervisor has sent to a process and that it has not read.
  func waiting(for process: RunningProcess) throws -> Int {
    let outcome = try socket("waiting", process)
    guard let count = Int(outcome) else { throw Failure("no number: \(outcome)") }
    return count
  }

  /// Sends the supervisor a message as a compromised process would.
  func say(_ messages: [some WireCodable], as process: RunningProcess) throws {
    let texts = messages.map { message in message.wireBytes.map { String(format: "%02x", $0) }.joined() }
    _ = try socket("say", process, texts)
  }

  private func socket(_ what: String, _ process: RunningProcess, _ messages: [String] = []) throws -> String {
    let outcome = try run(
      [Daemon.python, Daemon.client("socket_of.py"), what, String(process.pid)] + messages, environment: environment)
    guard outcome.status == 0 else { throw Failure("socket_of.py: \(outcome.errors)") }
    return outcome.line
  }

  /// The session process of the only login of this account.
  func session(of account: TestAccount) -> RunningProcess? { sessions(of: account).first }

  /// The session processes of this account's logins.
  func sessions(of account: TestAccount) -> [RunningProcess] {
    processes.filter { $0.title.split(separator: "@").first == "bssh-session: \(account.name)" }
  }
}
