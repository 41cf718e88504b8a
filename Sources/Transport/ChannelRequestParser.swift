import IPC
import Wire

/// What a client asks on a session channel.
enum ParsedChannelRequest: Equatable {
  /// For the session.
  case forSession(ChannelRequest)
  /// eow@openssh.com: the client reads no more of what the program writes.
  case endOfWrite
  /// For nobody here: answered with failure.
  case unknown
}

extension ParsedChannelRequest {
  /// Reads a CHANNEL_REQUEST after its channel number: RFC 4254, section 6.
  ///
  /// - Throws: WireError for a request of a known type that is not well formed, or has bytes left over.
  static func parse(
    _ reader: inout WireReader
  ) throws(WireError) -> (request: ParsedChannelRequest, wantsReply: Bool) {
    let name = Array(try reader.string(limit: 256))
    let wantsReply = try reader.boolean()
    let request: ChannelRequest
    switch String(decoding: name, as: UTF8.self) {
    case "pty-req":
      request = .terminal(
        term: Array(try reader.string(limit: 1024)), columns: try reader.uint32(), rows: try reader.uint32(),
        xPixels: try reader.uint32(), yPixels: try reader.uint32(), modes: Array(try reader.string(limit: 4096)))
    case "env":
      request = .environment(
        name: Array(try reader.string(limit: 1024)), value: Array(try reader.string(limit: 128 << 10)))
    case "shell": request = .shell
    case "exec": request = .execute(Array(try reader.string(limit: 128 << 10)))
    case "subsystem": request = .subsystem(Array(try reader.string(limit: 1024)))
    case "window-change":
      request = .windowChange(
        columns: try reader.uint32(), rows: try reader.uint32(), xPixels: try reader.uint32(),
        yPixels: try reader.uint32())
    case "signal": request = .signal(Array(try reader.string(limit: 256)))
    case "break": request = .breakSignal(try reader.uint32())
    case "eow@openssh.com":
      try reader.end()
      return (.endOfWrite, wantsReply)
    default: return (.unknown, wantsReply)
    }
    try reader.end()
    return (.forSession(request), wantsReply)
  }
}
