import Audit
import IPC
import System

/// Why a login may not have what its client asks for: the raw value is a stable code for the log.
enum Denial: String, Error, Equatable {
  /// `shell.pty`, `sftp_only`, or a key's `no-pty`.
  case noTerminal = "no_terminal"
  /// `shell.enabled` or `sftp_only`.
  case noCommands = "no_commands"
  case noSFTP = "no_sftp"
  case noSCP = "no_scp"
  /// The account's shell is nologin or false, and the configuration does not say that it is for files.
  case closed = "nologin_shell"
  /// A terminal would change the bytes of files.
  case onTerminal = "transfer_on_terminal"
  case notAllowed = "command_not_allowed"
  case blocked = "command_blocked"
  case noShell = "shell_not_allowed"
  /// No other than SFTP is there.
  case noSubsystem = "no_such_subsystem"
  /// No program can have a zero byte among its arguments.
  case malformed = "malformed_command"
  /// Something other than SFTP, where SFTP is the forced command.
  case notSFTP = "forced_command"
  /// Of a transfer, a forced command, or a command that had to be allowed: nobody sends them signals.
  case noSignals = "no_signals"

  /// Events cannot be written, and `audit.on_failure` is `refuse`.
  case notRecorded = "audit_unavailable"

  init(_ refusal: CommandRules.Refusal) {
    switch refusal {
    case .notAllowed: self = .notAllowed
    case .blocked: self = .blocked
    case .noShell: self = .noShell
    }
  }

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

  /// What the client's user is told.
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
    return "bssh: \(text) (\(rawValue))"
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
