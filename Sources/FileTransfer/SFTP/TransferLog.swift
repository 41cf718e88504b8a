import Audit
import System

/// Writes what happened to files into a log, a line for each event.
final class TransferLog: FileObserver {
  private var log: Log?

  init(_ arguments: SFTPArguments) {
    guard let level = arguments.logLevel else { return }
    if arguments.logsToStandardError {
      log = Log(threshold: level, style: .plain)
    } else if let output = try? Descriptor.datagram(to: "/dev/log") {
      log = Log(
        threshold: level, style: .syslog(program: "bssh-transfer", facility: arguments.facility), output: output)
    }
  }

  func write(_ level: Log.Level, _ text: String) { log?.write(level, text) }

  func record(_ event: FileEvent) {
    // The command itself says so.
    if case .violated = event { return }
    let level = TransferLog.level(of: event)
    if log?.writes(level) == true { write(level, Fact(event).sentence(of: Subject())) }
  }

  static func level(of event: FileEvent) -> Log.Level {
    switch event {
    case .denied, .refused, .forbidden: .warning
    case .violated: .error
    case .opened, .read, .written: .debug
    case .closed, .uploaded, .downloaded, .deleted, .renamed, .made, .linked, .listed, .attributesChanged: .info
    }
  }
}
