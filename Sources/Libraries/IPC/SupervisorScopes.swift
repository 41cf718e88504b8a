import Wire

/// Messages from the supervisor to the process that talks to systemd.
public enum SupervisorToScopes: WireMessage, Equatable {
  /// Move a process from the service to a new scope; with a descriptor of the process. The reply is
  /// ``ScopesToSupervisor/moved(number:)`` or ``ScopesToSupervisor/notMoved(number:reason:)``.
  case move(number: UInt64, process: UInt32, scope: String, slice: String, description: String)

  public static let blanks: [Self] = [.move(number: 0, process: 0, scope: "", slice: "", description: "")]

  public var wireKind: Int {
    switch self {
    case .move: 1
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .move(let number, let process, let scope, let slice, let description):
      self = try .move(
        number: coder.number(number), process: coder.number(process, in: 2...UInt32(Int32.max)),
        scope: coder.text(scope, max: 256), slice: coder.text(slice, max: 256),
        description: coder.text(description, max: 1024))
    }
  }
}

/// Messages from the process that talks to systemd to the supervisor.
public enum ScopesToSupervisor: WireMessage, Equatable {
  /// The process is in its scope.
  case moved(number: UInt64)
  /// The process was not moved.
  case notMoved(number: UInt64, reason: String)

  public static let blanks: [Self] = [.moved(number: 0), .notMoved(number: 0, reason: "")]

  public var wireKind: Int {
    switch self {
    case .moved: 1
    case .notMoved: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .moved(let number): self = try .moved(number: coder.number(number))
    case .notMoved(let number, let reason):
      self = try .notMoved(number: coder.number(number), reason: coder.text(reason, max: 4096))
    }
  }
}
