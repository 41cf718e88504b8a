import Audit
import IPC
import Model
import System

typealias Denial = CommandDenial

extension CommandDenial {
  /// The configuration key that decided; nil if it could be several.
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

  /// The message for the user of the client.
  var words: String {
    let text =
      switch self {
      case .noTerminal: "terminals are not allowed for this login"
      case .noCommands: "commands are not allowed for this login"
      case .noSFTP: "SFTP is not allowed for this login"
      case .noSCP: "SCP is not allowed for this login"
      case .closed: "this account is not available"
      case .onTerminal: "files cannot be transferred on a terminal"
      case .notAllowed, .blocked: "this command is not allowed"
      case .noShell: "shells are not allowed for this login"
      case .noSubsystem: "there is no such subsystem"
      case .malformed: "the command is malformed"
      case .notSFTP: "this login is restricted to SFTP"
      case .noSignals: "this command does not accept signals"
      case .notRecorded: "the command is refused, because it cannot be recorded"
      }
    return "bssh: \(text) (\(self))"
  }

  /// The exit status of a command that is denied: the one of a shell for a command that it may not execute.
  static let exitStatus: UInt32 = 126
}

/// The program that a client requests.
enum RequestedProgram: Equatable, CustomStringConvertible {
  case shell
  case command([UInt8])
  case sftp

  /// The value of SSH_ORIGINAL_COMMAND when a forced command runs instead; nil: it is not set, as for a shell.
  var originalCommand: [UInt8]? {
    switch self {
    case .shell: nil
    case .command(let line): line
    case .sftp: CommandRules.sftp
    }
  }

  /// True for the command of an `exec` request.
  var isCommand: Bool { if case .command = self { true } else { false } }

  /// For the log, about 200 bytes at most.
  var description: String {
    switch self {
    case .shell: "shell"
    case .command(let line): "command \(Log.printable(String(decoding: line.prefix(200), as: UTF8.self).quoted()))"
    case .sftp: "SFTP"
    }
  }
}
