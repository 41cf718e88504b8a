import Foundation
import Testing

/// Debian's sshd, for the same account and key, for comparison.
final class Reference {
  let port: UInt16
  private let server: Client
  private let madeDirectory: Bool

  init(for daemon: Daemon) throws {
    port = try Daemon.freePort()
    // Debian's sshd needs this directory.
    madeDirectory = mkdir("/run/sshd", 0o755) == 0
    let text = """
      HostKey \(daemon.directory)/host0
      ListenAddress 127.0.0.1
      Port \(port)
      PidFile none
      UsePAM no
      AuthorizedKeysFile .ssh/authorized_keys
      AcceptEnv LANG LC_*
      PrintMotd no

      """
    let path = "\(daemon.directory)/sshd_config"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    server = try Client(["/usr/sbin/sshd", "-D", "-e", "-f", path])
    try server.errors.line(with: "Server listening")
  }

  deinit {
    server.end()
    if madeDirectory { rmdir("/run/sshd") }
  }

  /// Options that direct our ssh to this server.
  var options: [String] { ["-o", "Port=\(port)", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"] }
}

/// Runs `body` with a daemon and an sshd.
func withReference(
  shell: Daemon.Keys = [:], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (Daemon, Reference) throws -> Void
) throws {
  try withDaemon(shell: shell, sourceLocation: sourceLocation) { daemon in
    let reference = try Reference(for: daemon)
    try body(daemon, reference)
  }
}
