extension Fact {
  /// What people read of a fact: one line, without the time and the number of the connection.
  ///
  /// Names and texts of clients stand in quotation marks, with a backslash before each such mark in them; who writes it to
  /// a terminal or a log makes control characters visible. Bytes that are not UTF-8 become U+FFFD.
  public func sentence(of subject: Subject) -> String {
    switch type {
    case .connectionOpen, .connectionClosed, .connectionRefused, .authRateLimited, .ipBlocked, .ipUnblocked:
      aboutConnection(subject)
    case .authSuccess: "accepted \(Self.user(subject)) by \(Self.methods(subject))\(comma(details))"
    case .authFailure:
      "refused \(Self.user(subject)) by \(Self.methods(subject)): \(reason ?? result.rawValue)\(comma(details))"
    case .sessionStart: "logged in \(Self.user(subject))\(space(details))"
    case .sessionEnd: "logged out \(Self.user(subject))\(after)\(traffic)"
    case .commandStarted: "\(onChannel)\(program) starts\(comma(details))"
    case .sessionLost: "lost the session process of \(Self.user(subject)): \(reason ?? "")\(comma(details))"
    case .commandExecuted: "\(onChannel)\(program) \(ending)\(after)\(traffic)\(comma(details))"
    case .commandBlocked: "\(onChannel)\(details ?? program) refused: \(reason ?? "")"
    case .fileOpenRead, .fileOpenWrite, .fileRead, .fileWrite, .fileClose, .fileUploaded, .fileDownloaded,
      .fileDeleted, .fileRenamed, .directoryCreated, .directoryDeleted, .directoryListed, .transferDenied,
      .transferAllowed, .attributesChanged, .linkCreated:
      "\(onChannel)\(aboutFile)"
    case .forwardOpen, .forwardClosed, .forwardDenied, .agentForwarded, .recordingStarted, .recordingFinished,
      .suspiciousActivity, .daemonStarted, .daemonStopped, .configurationLoaded, .configurationRejected, .adminAction,
      .auditGap, .eventsCounted:
      onChannel + general
    }
  }

  private func aboutConnection(_ subject: Subject) -> String {
    let place = Self.place(subject)
    return switch type {
    case .connectionOpen: "connection from \(place)\(space(details))"
    case .connectionClosed:
      "closed: \(reason ?? "")\(details.map { " (\($0.quoted()))" } ?? "")\(comma(duration))\(traffic)"
    case .ipBlocked: "banned \(place)\(space(details))"
    case .ipUnblocked: "unbanned \(place)\(space(details))"
    default: "refused \(place): \(reason ?? "")\(comma(details))"
    }
  }

  private var aboutFile: String {
    let name = Self.quoted(path)
    return switch type {
    case .fileOpenRead: "open \(name) for reading\(failure)"
    case .fileOpenWrite: "open \(name) for writing\(failure)"
    case .fileRead: "read \(name): \(bytes ?? 0) bytes\(comma(details))"
    case .fileWrite: "write \(name): \(bytes ?? 0) bytes\(comma(details))"
    case .fileClose: "close \(name): \(bytesIn ?? 0) bytes in, \(bytesOut ?? 0) bytes out, \(milliseconds ?? 0) ms"
    case .fileUploaded: "upload \(name): \(bytes ?? 0) bytes, \(milliseconds ?? 0) ms\(shortfall)"
    case .fileDownloaded: "download \(name): \(bytes ?? 0) bytes, \(milliseconds ?? 0) ms\(shortfall)"
    case .fileDeleted: "delete \(name)\(failure)"
    case .fileRenamed: "rename \(name) to \(Self.quoted(destination))\(failure)"
    case .directoryCreated: "make directory \(name)\(failure)"
    case .directoryDeleted: "delete directory \(name)\(failure)"
    case .directoryListed: "list \(name): \(details ?? "")"
    case .attributesChanged: "change \(name): \(details ?? "")"
    case .linkCreated: "make \(details ?? "link") \(name) to \(Self.quoted(destination))"
    case .transferDenied: "denied by \(rule ?? reason ?? ""): \(operation)"
    default: "allowed by \(rule ?? ""): \(operation)"
    }
  }

  private var operation: String {
    let names = [path, destination].compactMap(\.self).map { Self.quoted($0) }
    return ([details ?? "transfer"] + names).joined(separator: " ")
  }

  private var general: String {
    let name = type.rawValue.split(separator: "_").joined(separator: " ")
    return [reason, path.map { Self.quoted($0) }, details].compactMap(\.self).reduce(name + ":") { "\($0) \($1)" }
  }

  /// What ran, or was to run.
  private var program: String {
    let name =
      switch self.protocol {
      case .shell: "shell"
      case .sftp: "SFTP"
      case .scp: "SCP"
      case .exec, .ssh, .forward, nil: "command"
      }
    guard let command, self.protocol != .sftp else { return name }
    // A command can have 100 KiB.
    return "\(name) \(String(decoding: command.prefix(200), as: UTF8.self).quoted())"
  }

  private var ending: String {
    if let exitStatus { return "exited with \(exitStatus)" + (reason.map { " (\($0))" } ?? "") }
    if let signal { return "killed by SIG\(signal)" + (reason.map { " (\($0))" } ?? "") }
    return reason ?? result.rawValue
  }

  /// After what was tried: that it failed.
  private var failure: String { result == .success ? "" : " failed: \(details ?? reason ?? result.rawValue)" }

  /// Why a file is not what it was to be.
  private var shortfall: String {
    if result == .success { return "" }
    return reason == "broken_off" ? ", broken off" : ", not all of it: \(details ?? reason ?? result.rawValue)"
  }

  private var onChannel: String { channel.map { "channel \($0): " } ?? "" }

  private var duration: String? {
    milliseconds.map { "after \($0 / 1000).\($0 % 1000 / 100) s" }
  }

  private var after: String { duration.map { " \($0)" } ?? "" }

  private var traffic: String {
    guard let bytesIn, let bytesOut else { return "" }
    return ", \(bytesIn) bytes in, \(bytesOut) bytes out"
  }

  private func comma(_ text: String?) -> String { text.map { ", \($0)" } ?? "" }

  private func space(_ text: String?) -> String { text.map { " \($0)" } ?? "" }

  private static func quoted(_ path: [UInt8]?) -> String {
    String(decoding: path ?? [], as: UTF8.self).quoted(by: "\"")
  }

  private static func methods(_ subject: Subject) -> String {
    (subject.method ?? "nothing").split(separator: ",").joined(separator: ", ")
  }

  private static func user(_ subject: Subject) -> String { (subject.user ?? "").quoted() }

  /// `192.0.2.1:22`, `[2001:db8::1]:22`; without a port as it is.
  private static func place(_ subject: Subject) -> String {
    let address = subject.clientAddress ?? "connections"
    guard let port = subject.clientPort else { return address }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}
