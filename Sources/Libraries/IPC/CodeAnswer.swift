import Wire

/// What an authority says of a one-time code. Whether it was used before is not its to say: others answer as well.
public enum CodeAnswer: WireCodable, Equatable {
  /// It is the user's code of this step of time; RFC 6238, section 4.2.
  case right(step: UInt64)
  /// It is none of the user's codes that are good now.
  case wrong
  /// There is no such user, or the user has no secret.
  case noSecret

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .right(let step):
      writer.byte(1)
      writer.uint64(step)
    case .wrong: writer.byte(2)
    case .noSecret: writer.byte(3)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .right(step: try reader.uint64())
    case 2: self = .wrong
    case 3: self = .noSecret
    default: throw .malformed
    }
  }
}
