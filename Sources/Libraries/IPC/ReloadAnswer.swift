import Wire

/// What came of a reload: one datagram from the supervisor to `bssh-server reload`, which asked for it with SIGHUP.
public enum ReloadAnswer: WireCodable, Equatable {
  /// The new configuration applies.
  case applied
  /// The one before still applies; what is wrong, one line each, as much of it as a datagram holds.
  case refused([String])

  /// Where the process with this number waits for its answer. Only root can make a socket there.
  public static func path(for process: Int32) -> String { "/run/bssh/reload.\(process)" }

  /// Bytes on the wire at most.
  public static let longest = 64 << 10

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .applied: writer.byte(1)
    case .refused(let problems):
      writer.byte(2)
      var room = Self.longest - 64
      let fitting = problems.prefix { problem in
        room -= problem.utf8.count + 4
        return room >= 0
      }
      let left = problems.count - fitting.count
      writer.list(Array(fitting) + (left > 0 ? ["… and \(left) more"] : [])) { $0.text($1) }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .applied
    case 2:
      self = .refused(
        try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: Self.longest) })
    default: throw .malformed
    }
  }
}
