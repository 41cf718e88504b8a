extension AuditRecord {
  /// The message of the log: one line, without the time and the number of the connection.
  ///
  /// Names and texts from clients are in quotation marks, and such marks in them follow a backslash. Invalid UTF-8
  /// becomes U+FFFD. Control characters are not escaped; whoever writes the line to a terminal or a log must do that.
  public func logMessage(of subject: Subject) -> String {
    (channel.map { "channel \($0): " } ?? "") + type.row.logMessage(self, subject)
  }
}

// Fragments from which the rows of ``EventRow`` compose their sentences.
extension AuditRecord {
  /// The reason code; empty: none.
  var why: String { reason?.code ?? "" }

  /// How a connection ended.
  var closed: String { "closed: \(why)\(details.map { " (\($0.quoted()))" } ?? "")" }

  var name: String { Self.quoted(path) }

  var otherName: String { Self.quoted(destination) }

  /// A file operation and its paths.
  var operation: String {
    let names = [path, destination].compactMap(\.self).map { Self.quoted($0) }
    return ([details ?? "transfer"] + names).joined(separator: " ")
  }

  /// The type of the event with reason, path and details.
  var general: String {
    let name = type.rawValue.split(separator: "_").joined(separator: " ")
    return [reason?.code, path.map { Self.quoted($0) }, details].compactMap(\.self).reduce(name + ":") { "\($0) \($1)" }
  }

  /// The program, with its command line.
  var program: String {
    let name =
      switch self.protocol {
      case .shell: "shell"
      case .sftp: "SFTP"
      case .scp: "SCP"
      case .exec, .ssh, .forward, nil: "command"
      }
    guard let command, self.protocol != .sftp else { return name }
    // A command can have up to 4 KiB.
    return "\(name) \(String(decoding: command.prefix(200), as: UTF8.self).quoted())"
  }

  /// How the program ended.
  var ending: String {
    let because = reason.map { " (\($0))" } ?? ""
    if let exitStatus { return "exited with \(exitStatus)" + because }
    if let signal { return "killed by SIG\(signal)" + because }
    return reason?.code ?? result.rawValue
  }

  /// The failure of an operation; empty: it succeeded.
  var failure: String { result == .success ? "" : " failed: \(details ?? reason?.code ?? result.rawValue)" }

  /// Why a file was not transferred completely; empty: it was.
  var shortfall: String {
    if result == .success { return "" }
    return reason == Reason(FileRefusal.brokenOff)
      ? ", broken off" : ", not all of it: \(details ?? reason?.code ?? result.rawValue)"
  }

  /// The target of a forward: a place, or the quoted path of a Unix socket.
  var forwardTarget: String { target.map { $0.quoted() } ?? name }

  /// The address of a forward, unless the client asked for it.
  var reached: String { address == target ? "" : AuditRecord.space(address.map { "at \($0)" }) }

  /// Where a forward comes from.
  var origin: String { AuditRecord.space(originator.map { "from \($0.quoted())" }) }

  /// After what was to be forwarded: that it failed.
  var forwardFailure: String {
    result == .success ? "" : " failed: \(reason?.code ?? result.rawValue)\(details.map { " (\($0))" } ?? "")"
  }

  /// `after 1.5 s`; nil: unknown.
  var duration: String? {
    milliseconds.map { "after \($0 / 1000).\($0 % 1000 / 100) s" }
  }

  var after: String { duration.map { " \($0)" } ?? "" }

  var traffic: String {
    guard let bytesIn, let bytesOut else { return "" }
    return ", \(bytesIn) bytes in, \(bytesOut) bytes out"
  }

  static func comma(_ text: String?) -> String { text.map { ", \($0)" } ?? "" }

  static func space(_ text: String?) -> String { text.map { " \($0)" } ?? "" }

  static func quoted(_ path: [UInt8]?) -> String {
    String(decoding: path ?? [], as: UTF8.self).quoted(by: "\"")
  }

  static func methods(_ subject: Subject) -> String {
    (subject.method ?? "nothing").split(separator: ",").joined(separator: ", ")
  }

  static func user(_ subject: Subject) -> String { (subject.user ?? "").quoted() }

  /// `192.0.2.1:22`, `[2001:db8::1]:22`; without a port only the address.
  static func place(_ subject: Subject) -> String {
    let address = subject.clientAddress ?? "connections"
    guard let port = subject.clientPort else { return address }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}
