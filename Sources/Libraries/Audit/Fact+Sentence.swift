extension Fact {
  /// The line of the log: one line, without the time and the number of the connection.
  ///
  /// Names and texts of clients stand in quotation marks, with a backslash before each such mark in them; who writes it to
  /// a terminal or a log makes control characters visible. Bytes that are not UTF-8 become U+FFFD.
  public func sentence(of subject: Subject) -> String {
    (channel.map { "channel \($0): " } ?? "") + type.row.sentence(self, subject)
  }
}

// The parts of sentences, of which the rows of ``EventRow`` make theirs.
extension Fact {
  /// The code of its reason.
  var why: String { reason?.code ?? "" }

  /// How a connection ended.
  var closed: String { "closed: \(why)\(details.map { " (\($0.quoted()))" } ?? "")" }

  var name: String { Self.quoted(path) }

  var otherName: String { Self.quoted(destination) }

  /// An operation on files, and what it was about.
  var operation: String {
    let names = [path, destination].compactMap(\.self).map { Self.quoted($0) }
    return ([details ?? "transfer"] + names).joined(separator: " ")
  }

  /// The type of the event, and what is known of it.
  var general: String {
    let name = type.rawValue.split(separator: "_").joined(separator: " ")
    return [reason?.code, path.map { Self.quoted($0) }, details].compactMap(\.self).reduce(name + ":") { "\($0) \($1)" }
  }

  /// What ran, or was to run.
  var program: String {
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

  /// How it ended.
  var ending: String {
    let because = reason.map { " (\($0))" } ?? ""
    if let exitStatus { return "exited with \(exitStatus)" + because }
    if let signal { return "killed by SIG\(signal)" + because }
    return reason?.code ?? result.rawValue
  }

  /// After what was tried: that it failed.
  var failure: String { result == .success ? "" : " failed: \(details ?? reason?.code ?? result.rawValue)" }

  /// Why a file is not what it was to be.
  var shortfall: String {
    if result == .success { return "" }
    return reason == Reason(FileRefusal.brokenOff)
      ? ", broken off" : ", not all of it: \(details ?? reason?.code ?? result.rawValue)"
  }

  /// `after 1.5 s`; nil: that is not known.
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

  /// `192.0.2.1:22`, `[2001:db8::1]:22`; without a port as it is.
  static func place(_ subject: Subject) -> String {
    let address = subject.clientAddress ?? "connections"
    guard let port = subject.clientPort else { return address }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}
