import Model
import Wire

/// Messages from the supervisor to a zygote: a process that is initialized once and copies itself for each connection.
public enum SupervisorToZygote: WireMessage, Equatable {
  /// The first message, sent once; with settings for a zygote of transports, with the descriptor of the executable of
  /// transfers for one of session processes.
  case prepare(TransportSettings?)
  /// Create a copy with these descriptors: a socket and a pipe of its connection to the supervisor, and its standard
  /// error. The reply has the same `number`.
  case fork(number: UInt64, identity: ForkIdentity?)

  public static let blanks: [Self] = [.prepare(nil), .fork(number: 0, identity: nil)]

  public var wireKind: Int {
    switch self {
    case .prepare: 1
    case .fork: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .prepare(let settings): self = try .prepare(coder.value(settings))
    case .fork(let number, let identity):
      self = try .fork(number: coder.number(number), identity: coder.value(identity))
    }
  }
}

/// Messages from a zygote to the supervisor; one reply to each `fork`, in order.
public enum ZygoteToSupervisor: WireMessage, Equatable {
  /// Initialized. `weaknesses`: parts of the sandbox that the kernel does not support, for the log.
  case ready(weaknesses: [String])
  /// The copy, a child of the supervisor.
  case forked(number: UInt64, pid: Int32)
  /// No copy was created; the reason is for the log.
  case failed(number: UInt64, reason: String)

  public static let blanks: [Self] = [
    .ready(weaknesses: []), .forked(number: 0, pid: 0), .failed(number: 0, reason: ""),
  ]

  public var wireKind: Int {
    switch self {
    case .ready: 1
    case .forked: 2
    case .failed: 3
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .ready(let weaknesses):
      self = try .ready(weaknesses: coder.list(weaknesses, max: listSize, length: 256))
    case .forked(let number, let pid): self = try .forked(number: coder.number(number), pid: coder.number(pid))
    case .failed(let number, let reason):
      self = try .failed(number: coder.number(number), reason: coder.text(reason, max: 1024))
    }
  }
}

/// The credentials that a copy changes to.
public struct ForkIdentity: WireFields, Equatable {
  /// The user id.
  public var uid: UInt32
  /// The primary group id.
  public var gid: UInt32
  /// The supplementary groups.
  public var groups: [UInt32]

  public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    uid = try coder.number(value?.uid, in: .accounts)
    gid = try coder.number(value?.gid, in: .accounts)
    groups = try coder.list(value?.groups, max: 65_536, in: .accounts)
  }
}
