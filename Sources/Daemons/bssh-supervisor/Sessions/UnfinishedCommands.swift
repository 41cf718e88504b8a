import Audit

/// The programs of one login whose start but not end was reported.
///
/// A session process runs as its user, who can kill or stop it. The supervisor keeps the reported starts, so that the
/// journal can name the programs without an end.
struct UnfinishedCommands: Equatable, Sendable {
  /// Maximum number of simultaneous programs of a login, which is that of a session process.
  static let limit = 1024
  /// Maximum number of bytes of a command in ``summary``.
  private static let shownBytes = 200
  /// Maximum number of programs in ``summary``.
  private static let shownCommands = 16

  private struct Command: Equatable {
    let channel: UInt32?
    let `protocol`: EventProtocol?
    /// The first ``shownBytes`` of the command.
    let line: [UInt8]

    init(_ record: AuditRecord) {
      (channel, `protocol`) = (record.channel, record.protocol)
      line = Array((record.command ?? []).prefix(UnfinishedCommands.shownBytes))
    }
  }

  private var commands: [Command] = []

  /// True if the end of each program was reported.
  var isEmpty: Bool { commands.isEmpty }

  /// Handles the start of a program: a `command_started`. False: there are more than ``limit``, which our session process
  /// would not allow.
  mutating func start(_ record: AuditRecord) -> Bool {
    guard commands.count < Self.limit else { return false }
    commands.append(Command(record))
    return true
  }

  /// Handles an event: a `command_executed` ends the oldest program with the same channel, protocol and command.
  mutating func handle(_ record: AuditRecord) {
    guard record.type == .commandExecuted, let index = commands.firstIndex(of: Command(record)) else { return }
    commands.remove(at: index)
  }

  /// The programs without an end: `1 command without an end: channel 0: exec 'sleep 60'`.
  var summary: String {
    let shown = commands.prefix(Self.shownCommands).map { command in
      let line = command.line.isEmpty ? "" : " " + String(decoding: command.line, as: UTF8.self).quoted()
      return "channel \(command.channel ?? 0): \(command.protocol?.rawValue ?? "exec")\(line)"
    }
    let count = "\(commands.count) \(commands.count == 1 ? "command" : "commands") without an end"
    let rest = commands.count - shown.count
    return shown.isEmpty ? count : "\(count): " + (shown + (rest > 0 ? ["\(rest) more"] : [])).joined(separator: "; ")
  }
}
