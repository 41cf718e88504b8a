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
    let level = TransferLog.level(of: event)
    if log?.writes(level) == true { write(level, TransferLog.text(of: event)) }
  }

  static func level(of event: FileEvent) -> Log.Level {
    switch event {
    case .denied: .warning
    case .opened: .debug
    case .closed, .uploaded, .downloaded, .deleted, .renamed, .made, .linked, .listed, .attributesChanged: .info
    }
  }

  static func text(of event: FileEvent) -> String {
    func quoted(_ path: [UInt8]) -> String { "\"\(String(decoding: path, as: UTF8.self))\"" }
    return switch event {
    case .opened(let path, let reading, let writing):
      "open \(quoted(path))\(reading ? " for reading" : "")\(writing ? " for writing" : "")"
    case .closed(let path, let read, let written, let time):
      "close \(quoted(path)): \(read) bytes read, \(written) written, \(time) ms"
    case .uploaded(let path, let bytes, let time, let problem):
      "upload \(quoted(path)): \(bytes) bytes, \(time) ms\(problem.map(text) ?? "")"
    case .downloaded(let path, let bytes, let time): "download \(quoted(path)): \(bytes) bytes, \(time) ms"
    case .deleted(let path, let directory): "delete \(directory ? "directory " : "")\(quoted(path))"
    case .renamed(let from, let to): "rename \(quoted(from)) to \(quoted(to))"
    case .made(let path): "make directory \(quoted(path))"
    case .linked(let path, let target, let symbolic):
      "make \(symbolic ? "symbolic" : "hard") link \(quoted(path)) to \(quoted(target))"
    case .listed(let path, let entries): "list \(quoted(path)): \(entries) entries"
    case .attributesChanged(let path, let change): "change \(quoted(path)): \(parts(change))"
    case .denied(let operation, let paths, let rule):
      "denied by \(rule): \(operation.rawValue) \(paths.map(quoted).joined(separator: " "))"
    }
  }

  private static func text(of problem: UploadProblem) -> String {
    switch problem {
    case .failed(let error): ", not all of it: \(error)"
    case .brokenOff: ", broken off"
    }
  }

  private static func parts(_ change: FileChange) -> String {
    var parts: [String] = []
    if let size = change.size { parts.append("size \(size)") }
    if let owner = change.owner { parts.append("owner \(owner.user):\(owner.group)") }
    if let permissions = change.permissions { parts.append("mode \(String(permissions, radix: 8))") }
    if let times = change.times { parts.append("time \(times.modification.seconds)") }
    return parts.joined(separator: ", ")
  }
}
