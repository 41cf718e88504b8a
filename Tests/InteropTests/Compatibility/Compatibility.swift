import Foundation
import Testing

extension Daemon {
  /// Runs claims of one of our scripts, one after the other, whether or not earlier ones hold; failures have reasons.
  func claims(
    _ script: String, _ claims: String..., python: String = Daemon.python, environment more: [String: String] = [:],
    within seconds: Double = 90, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let arguments = [python, Daemon.client(script)] + claims
    let outcome = try run(arguments, environment: environment.merging(more) { $1 }, within: seconds)
    if outcome.status != 0 {
      Issue.record(
        "\(script): \(outcome.output)\(outcome.errors)\nlog:\n\(log.all.suffix(4000))", sourceLocation: sourceLocation)
    }
  }

  /// Runs one function of tools.sh, which fails with a reason.
  func tool(
    _ name: String, environment more: [String: String] = [:], within seconds: Double = 120,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let variables = environment.merging(["PASSWORD": Daemon.password]) { $1 }.merging(more) { $1 }
    let outcome = try run(["bash", Daemon.client("tools.sh"), name], environment: variables, within: seconds)
    if outcome.status != 0 {
      let text = "\(name): \(outcome.output.suffix(4000))\(outcome.errors.suffix(4000))"
      Issue.record("\(text)\nlog:\n\(log.all.suffix(4000))", sourceLocation: sourceLocation)
    }
  }

  /// A Python environment with clients that Debian does not have; created if it does not exist yet.
  static func clientsEnvironment() throws -> String {
    let outcome = try run(
      ["\(repository)/scripts/make-test-venv.sh", "--clients"], environment: ["HOME": NSHomeDirectory()], within: 200)
    guard outcome.status == 0 else { throw Failure("no clients of PyPI: \(outcome.errors)") }
    return outcome.line
  }

  /// The password of ``withPasswords(_:)``.
  static let password = "right horse"
}

/// Runs `body` with a daemon on which the account also has a password.
func withPasswords(
  hostKeys: [String] = ["ed25519"], sourceLocation: SourceLocation = #_sourceLocation, _ body: (Daemon) throws -> Void
) throws {
  try withDaemon(
    auth: ["methods": "[publickey, password, keyboard-interactive]"],
    userKeys: "password_hash: \"$2b$10$abcdefghijklmnopqrstuuD7glF7JkEDexTpZG9m5tiAZ7VOyjUiO\"", hostKeys: hostKeys,
    sourceLocation: sourceLocation, body)
}

/// Runs `body` with a file system of 2 MiB, which is soon full.
func withSmallFileSystem(_ daemon: Daemon, _ body: (String) throws -> Void) throws {
  let place = "\(daemon.directory)/full"
  try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
  try succeed("mount", "-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", place)
  defer { _ = try? run(["umount", "-l", place]) }
  try body(place)
}
