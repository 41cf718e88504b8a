import Audit
import System

/// Writes file events to a log, one line each.
final class TransferLog: FileObserver {
  private var log: Log?

  /// Opens the log that the command line asks for; without syslog nothing is logged.
  init(_ arguments: SFTPArguments) {
    guard let level = arguments.logLevel else { return }
    if arguments.logsToStandardError {
      log = Log(threshold: level, style: .plain)
    } else if let output = try? Descriptor.datagram(to: "/dev/log") {
      log = Log(
        threshold: level, style: .syslog(program: "bssh-transfer", facility: arguments.facility), output: output)
    }
  }

  /// Writes a line.
  func write(_ level: Log.Level, _ text: String) { log?.write(level, text) }

  func record(_ event: FileEvent) {
    // SFTPCommand logs it.
    if case .violated = event { return }
    let level = TransferLog.level(of: event)
    if log?.writes(level) == true { write(level, AuditRecord(event).logMessage(of: Subject())) }
  }

  /// The level at which an event is logged.
  static func level(of event: FileEvent) -> Log.Level {
    switch event {
    case .denied, .refused, .forbidden: .warning
    case .violated: .error
    case .opened, .read, .written: .debug
    case .closed, .uploaded, .downloaded, .deleted, .renamed, .made, .linked, .listed, .attributesChanged: .info
    }
  }
}
