import Audit
import IPC
import System

typealias Denial = CommandDenial

extension CommandDenial {
  /// The key of the configuration that decided, where it can be but one.
  var key: String? {
    switch self {
    case .notAllowed: "shell.allowed_commands"
    case .blocked: "shell.blocked_commands"
    case .noShell, .noTerminal, .noCommands, .noSFTP, .noSCP, .closed, .onTerminal, .noSubsystem, .malformed,
      .notSFTP, .noSignals:
      nil
    case .notRecorded: "audit.on_failure"
    }
  }

  /// What the user of the client sees.
  var words: String {
    let text =
      switch self {
      case .noTerminal: "this login has no terminal"
      case .noCommands: "this login runs no commands"
      case .noSFTP: "this login has no SFTP"
      case .noSCP: "this login has no SCP"
      case .closed: "this account is not available"
      case .onTerminal: "files are not transferred on a terminal"
      case .notAllowed, .blocked: "this command is not allowed"
      case .noShell: "this login has no shell"
      case .noSubsystem: "there is no such subsystem"
      case .malformed: "this is no command"
      case .notSFTP: "this login is for SFTP alone"
      case .noSignals: "this command takes no signals"
      case .notRecorded: "nothing can be run now, because it could not be recorded"
      }
    return "bssh: \(text) (\(self))"
  }

  /// How a command ends that is not run: as a shell says that it may not.
  static let exitStatus: UInt32 = 126
}

/// What a client asks to run.
enum Wanted: Equatable, CustomStringConvertible {
  case shell
  case command([UInt8])
  case sftp

  /// What SSH_ORIGINAL_COMMAND is when something else runs instead; nil: not set, as for a shell.
  var originalCommand: [UInt8]? {
    switch self {
    case .shell: nil
    case .command(let line): line
    case .sftp: CommandRules.sftp
    }
  }

  /// True for the command of an `exec` request.
  var isCommand: Bool { if case .command = self { true } else { false } }

  /// For the log, at most about 200 bytes.
  var description: String {
    switch self {
    case .shell: "shell"
    case .command(let line): "command \(Log.printable(String(decoding: line.prefix(200), as: UTF8.self).quoted()))"
    case .sftp: "SFTP"
    }
  }
}
