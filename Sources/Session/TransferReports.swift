import System

/// What file transfers tell about themselves: for each a socket, by its token in the event loop.
struct TransferReports {
  /// Lines of one transfer that are taken before others have their turn: about as many as its socket holds.
  static let linesAtOnce = 512
  /// Milliseconds in which a transfer that has just told something is left alone: a client that moves thousands of
  /// files waits for each, and would wait for us to write about it, too.
  static let rest: Int64 = 50
  /// Lines that are taken of a transfer that is over: more than its socket holds.
  static let lastLines = 4096
  /// Bytes of a line.
  static let lineLength = 1000

  private var reports: [UInt64: (socket: MessageSocket, channel: UInt32)] = [:]
  /// Until when transfers are left alone, in milliseconds.
  private var rests: [UInt64: Int64] = [:]

  /// Begins to listen to a transfer.
  mutating func add(_ socket: MessageSocket, of channel: UInt32, token: UInt64) {
    reports[token] = (socket, channel)
  }

  /// True when the token is one of these.
  func has(_ token: UInt64) -> Bool { reports[token] != nil }

  /// Stops listening; returns what the event loop is to forget.
  mutating func remove(_ token: UInt64) -> Descriptor? {
    rests[token] = nil
    return reports.removeValue(forKey: token)?.socket.descriptor
  }

  /// Leaves a transfer alone for a while; returns what is not to be read meanwhile.
  mutating func rest(_ token: UInt64, at now: Int64) -> Descriptor? {
    guard let report = reports[token] else { return nil }
    rests[token] = now + TransferReports.rest
    return report.socket.descriptor
  }

  /// The end of the first rest; nil when there is none.
  var nextEnd: Int64? { rests.values.min() }

  /// Transfers that have rested; they can be read again.
  mutating func rested(at now: Int64) -> [(token: UInt64, descriptor: Descriptor)] {
    let over = rests.filter { $0.value <= now }.keys
    for token in over { rests[token] = nil }
    return over.compactMap { token in reports[token].map { (token, $0.socket.descriptor) } }
  }

  /// Takes lines that have come, each with its channel's number.
  ///
  /// - Returns: the lines, and whether there can be no more: the transfer ended, or sent what is no line.
  func take(_ token: UInt64, atMost limit: Int) -> (lines: [String], isOver: Bool) {
    guard let report = reports[token] else { return ([], false) }
    var lines: [String] = []
    while lines.count < limit {
      switch try? report.socket.receive() {
      case .message(let bytes, let descriptors):
        guard descriptors.isEmpty, bytes.count <= TransferReports.lineLength else { return (lines, true) }
        lines.append("channel \(report.channel): \(String(decoding: bytes, as: UTF8.self))")
      case .wouldBlock: return (lines, false)
      case .closed, nil: return (lines, true)
      }
    }
    return (lines, false)
  }
}
