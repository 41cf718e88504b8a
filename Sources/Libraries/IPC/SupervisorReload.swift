import Wire

/// The result of a reload: one datagram from the supervisor to `bssh-server reload`, which requested it with SIGHUP.
public enum ReloadReply: WireMessage, Equatable {
  /// The new configuration is in effect.
  case applied
  /// The previous configuration is still in effect; with the errors, one line each, as many as fit into a datagram.
  case refused([String])

  /// The socket on which the process with this id waits for the result. Only root can create it.
  public static func path(for process: Int32) -> String { "/run/bssh/reload.\(process)" }

  /// Limit on the wire, in bytes.
  public static let sizeLimit = 64 << 10

  /// As many of the errors as fit into a datagram, and the number of the others.
  private static func fitting(_ problems: [String]) -> [String] {
    var room = Self.sizeLimit - 64
    let fitting = problems.prefix { problem in
      room -= problem.utf8.count + 4
      return room >= 0
    }
    let left = problems.count - fitting.count
    return Array(fitting) + (left > 0 ? ["… and \(left) more"] : [])
  }

  public static let blanks: [Self] = [.applied, .refused([])]

  public var wireKind: Int {
    switch self {
    case .applied: 1
    case .refused: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .applied: self = .applied
    case .refused(let problems):
      self = try .refused(coder.list(Self.fitting(problems), max: listSize, length: Self.sizeLimit))
    }
  }
}
