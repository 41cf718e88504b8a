import Wire

/// What the supervisor asks of the process that speaks with systemd.
public enum SupervisorToScopes: WireCodable, Equatable {
  /// Move a process out of the service, into a new scope; with a descriptor of the process. Answered with
  /// ``ScopesToSupervisor/moved(number:)`` or ``ScopesToSupervisor/notMoved(number:reason:)``.
  case move(number: UInt64, process: UInt32, scope: String, slice: String, description: String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .move(let number, let process, let scope, let slice, let description):
      writer.byte(1)
      writer.uint64(number)
      writer.uint32(process)
      writer.text(scope)
      writer.text(slice)
      writer.text(description)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.byte() == 1 else { throw .malformed }
    let number = try reader.uint64()
    let process = try reader.uint32()
    guard (2...UInt32(Int32.max)).contains(process) else { throw .malformed }
    self = .move(
      number: number, process: process, scope: try reader.text(limit: 256), slice: try reader.text(limit: 256),
      description: try reader.text(limit: 1024))
  }
}

/// What that process tells.
public enum ScopesToSupervisor: WireCodable, Equatable {
  /// The process is in its scope.
  case moved(number: UInt64)
  /// The process stays where it is.
  case notMoved(number: UInt64, reason: String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .moved(let number):
      writer.byte(1)
      writer.uint64(number)
    case .notMoved(let number, let reason):
      writer.byte(2)
      writer.uint64(number)
      writer.text(reason)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .moved(number: try reader.uint64())
    case 2: self = .notMoved(number: try reader.uint64(), reason: try reader.text(limit: 4096))
    default: throw .malformed
    }
  }
}
