import IPC
import Wire

/// A client's request on a session channel.
enum ParsedChannelRequest: Equatable {
  /// To be passed on to the session.
  case forSession(ChannelRequest)
  /// eow@openssh.com: the client reads no more of the program's output.
  case endOfWrite
  /// Unknown, or longer than what may be passed on: to be answered with CHANNEL_FAILURE.
  case refused
}

extension ParsedChannelRequest {
  /// Limit of TERM in bytes.
  static let termLimit = 1024
  /// Limit of encoded terminal modes in bytes.
  static let modesLimit = 4096
  /// Limit of a name of a variable, subsystem or signal, in bytes.
  static let nameLimit = 1024
  /// Limit of a variable's value or a command in bytes; execve(2) takes no longer argument.
  static let argumentLimit = 128 << 10
  /// Bytes of a longer command that are passed on.
  static let overlongCommandLimit = 4096

  /// Parses a CHANNEL_REQUEST from behind its channel number. RFC 4254, section 5.4 and 6
  ///
  /// - Throws: `WireError` for a request of a known type that is malformed or has trailing bytes. One that exceeds a
  ///   limit is well-formed, and no reason to end the connection.
  static func parse(
    _ reader: inout WireReader
  ) throws(WireError) -> (request: ParsedChannelRequest, wantsReply: Bool) {
    let type = String(decoding: try reader.string(), as: UTF8.self)
    let wantsReply = try reader.boolean()
    var request: ChannelRequest?
    switch type {
    case "pty-req":
      let term = Array(try reader.string())
      let (columns, rows) = (try reader.uint32(), try reader.uint32())
      let (xPixels, yPixels) = (try reader.uint32(), try reader.uint32())
      let modes = Array(try reader.string())
      if term.count <= termLimit, modes.count <= modesLimit {
        request = .terminal(
          term: term, columns: columns, rows: rows, xPixels: xPixels, yPixels: yPixels, modes: modes)
      }
    case "env":
      let (name, value) = (Array(try reader.string()), Array(try reader.string()))
      if name.count <= nameLimit, value.count <= argumentLimit { request = .environment(name: name, value: value) }
    case "shell": request = .shell
    case "exec":
      let command = try reader.string()
      request =
        command.count <= argumentLimit
        ? .execute(Array(command)) : .overlongCommand(Array(command.prefix(overlongCommandLimit)))
    case "subsystem":
      let name = Array(try reader.string())
      if name.count <= nameLimit { request = .subsystem(name) }
    case "window-change":
      request = .windowChange(
        columns: try reader.uint32(), rows: try reader.uint32(), xPixels: try reader.uint32(),
        yPixels: try reader.uint32())
    case "signal":
      let name = Array(try reader.string())
      if name.count <= nameLimit { request = .signal(name) }
    case "break": request = .breakSignal(try reader.uint32())
    case "eow@openssh.com":
      try reader.end()
      return (.endOfWrite, wantsReply)
    default: return (.refused, wantsReply)
    }
    try reader.end()
    return (request.map { ParsedChannelRequest.forSession($0) } ?? .refused, wantsReply)
  }
}
