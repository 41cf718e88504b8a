import Wire

/// What the supervisor tells a zygote: a process that is prepared once, and copies itself for each connection.
public enum SupervisorToZygote: WireCodable, Equatable {
  /// First of all, once. With settings for a zygote of transports; with the executable of transfers as a descriptor for
  /// one of session processes.
  case prepare(TransportSettings?)
  /// Make a copy, which serves the connection that comes as descriptors, a socket and a pipe; a third one is to be its
  /// standard error. `number` comes back in the answer.
  case fork(number: UInt64, identity: ForkIdentity?)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .prepare(let settings):
      writer.byte(1)
      writer.optional(settings) { $1.encode(to: &$0) }
    case .fork(let number, let identity):
      writer.byte(2)
      writer.uint64(number)
      writer.optional(identity) { $1.encode(to: &$0) }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .prepare(
        try reader.optional { (r: inout WireReader) throws(WireError) in try TransportSettings(from: &r) })
    case 2:
      self = .fork(
        number: try reader.uint64(),
        identity: try reader.optional { (r: inout WireReader) throws(WireError) in try ForkIdentity(from: &r) })
    default: throw .malformed
    }
  }
}

/// What a zygote answers; each `fork` is answered once, in order.
public enum ZygoteToSupervisor: WireCodable, Equatable {
  /// Prepared. `weaknesses`: what the kernel could not do for the sandbox, for people.
  case ready(weaknesses: [String])
  /// The process is the supervisor's child.
  case forked(number: UInt64, pid: Int32)
  /// For people.
  case failed(number: UInt64, reason: String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .ready(let weaknesses):
      writer.byte(1)
      writer.list(weaknesses) { $0.text($1) }
    case .forked(let number, let pid):
      writer.byte(2)
      writer.uint64(number)
      writer.uint32(UInt32(bitPattern: pid))
    case .failed(let number, let reason):
      writer.byte(3)
      writer.uint64(number)
      writer.text(reason)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .ready(
        weaknesses: try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
          try r.text(limit: 256)
        })
    case 2: self = .forked(number: try reader.uint64(), pid: Int32(bitPattern: try reader.uint32()))
    case 3: self = .failed(number: try reader.uint64(), reason: try reader.text(limit: 1024))
    default: throw .malformed
    }
  }
}

/// Whose rights a copy takes.
public struct ForkIdentity: WireCodable, Equatable {
  public var uid: UInt32
  public var gid: UInt32
  public var groups: [UInt32]

  public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }

  public func encode(to writer: inout WireWriter) {
    writer.uint32(uid)
    writer.uint32(gid)
    writer.list(groups) { $0.uint32($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    uid = try reader.accountNumber()
    gid = try reader.accountNumber()
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.accountNumber() }
  }
}
