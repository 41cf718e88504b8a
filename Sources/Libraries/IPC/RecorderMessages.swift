import Wire

/// What the supervisor tells the process that keeps recordings and login records, over its descriptor 3. A closed socket
/// ends it.
public enum SupervisorToRecorder: WireCodable, Equatable {
  /// The first message, and the only one of its kind; with a descriptor for each directory.
  case prepare(RecorderSettings)
  /// Make the file of a recording, which must be new, and send its descriptor over the socket that comes as descriptor,
  /// with a message of one byte. Answered by ``RecorderToSupervisor/opened(number:)`` or
  /// ``RecorderToSupervisor/failed(number:reason:)``, in order.
  case open(number: UInt64, directory: String, name: String)
  /// Put this into the login records. Answered in order: a beginning by ``RecorderToSupervisor/entered(connection:)``, an end by
  /// ``RecorderToSupervisor/left(connection:)``, and everything by ``RecorderToSupervisor/replaced(_:connection:)`` once the files are
  /// others.
  case login(LoginEntry, connection: UInt64)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .prepare(let settings):
      writer.byte(1)
      settings.encode(to: &writer)
    case .open(let number, let directory, let name):
      writer.byte(2)
      writer.uint64(number)
      writer.text(directory)
      writer.text(name)
    case .login(let entry, let connection):
      writer.byte(3)
      entry.encode(to: &writer)
      writer.uint64(connection)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .prepare(try RecorderSettings(from: &reader))
    case 2:
      self = .open(
        number: try reader.uint64(), directory: try reader.text(limit: 4096), name: try reader.text(limit: 255))
    case 3: self = .login(try LoginEntry(from: &reader), connection: try reader.uint64())
    default: throw .malformed
    }
  }
}

/// What that process tells the supervisor.
public enum RecorderToSupervisor: WireCodable, Equatable {
  /// The file is there, and a descriptor that can only append to it was sent.
  case opened(number: UInt64)
  /// Why it is not, at most 1,024 bytes.
  case failed(number: UInt64, reason: String)
  /// A line for the log, at most 1,024 bytes.
  case note(String)
  /// The beginning of a login is in the records, as far as it can be.
  case entered(connection: UInt64)
  /// This is not in the login records: other files have taken their places, which only a new recorder can write.
  case replaced(LoginEntry, connection: UInt64)
  /// The end of a login is in the records, as far as it can be.
  case left(connection: UInt64)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .opened(let number):
      writer.byte(1)
      writer.uint64(number)
    case .failed(let number, let reason):
      writer.byte(2)
      writer.uint64(number)
      writer.text(reason)
    case .note(let text):
      writer.byte(3)
      writer.text(text)
    case .entered(let connection):
      writer.byte(4)
      writer.uint64(connection)
    case .replaced(let entry, let connection):
      writer.byte(5)
      entry.encode(to: &writer)
      writer.uint64(connection)
    case .left(let connection):
      writer.byte(6)
      writer.uint64(connection)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .opened(number: try reader.uint64())
    case 2: self = .failed(number: try reader.uint64(), reason: try reader.text(limit: 1024))
    case 3: self = .note(try reader.text(limit: 1024))
    case 4: self = .entered(connection: try reader.uint64())
    case 5: self = .replaced(try LoginEntry(from: &reader), connection: try reader.uint64())
    case 6: self = .left(connection: try reader.uint64())
    default: throw .malformed
    }
  }
}

/// All that the process that keeps recordings knows of the configuration.
public struct RecorderSettings: WireCodable, Equatable {
  /// At most ``mostDirectories``.
  public var directories: [OpenedDirectory]
  /// Whether there will be login records.
  public var keepsLogins: Bool

  /// As many as a message takes descriptors: those of the configuration, and of logins that began under others.
  public static let mostDirectories = 60

  public init(directories: [OpenedDirectory], keepsLogins: Bool) {
    self.directories = directories
    self.keepsLogins = keepsLogins
  }

  public func encode(to writer: inout WireWriter) {
    writer.list(directories) { $1.encode(to: &$0) }
    writer.boolean(keepsLogins)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    directories = try reader.list(minimumSize: 20) { (r: inout WireReader) throws(WireError) in
      try OpenedDirectory(from: &r)
    }
    guard directories.count <= Self.mostDirectories else { throw .tooLong }
    keepsLogins = try reader.boolean()
  }
}

/// A line of the login records: utmp, wtmp, lastlog, btmp. utmp(5)
public struct LoginEntry: WireCodable, Equatable {
  /// What happened.
  public enum Kind: UInt8, CaseIterable, Sendable {
    /// Somebody is logged in on a terminal.
    case began = 1
    /// That login is over.
    case ended = 2
    /// Somebody was refused.
    case refused = 3
  }

  public var kind: Kind
  /// Of a login that ended, nothing.
  public var user: String
  public var uid: UInt32
  /// As below /dev: `pts/3`.
  public var terminal: String
  /// The session process, as with sshd(8): the entry is there before the first program is.
  public var process: Int32
  /// Of the client, without brackets.
  public var address: String
  /// Microseconds from 1970 on.
  public var time: Int64

  public init(
    _ kind: Kind, user: String, uid: UInt32, terminal: String, process: Int32, address: String, time: Int64 = 0
  ) {
    self.kind = kind
    self.user = user
    self.uid = uid
    self.terminal = terminal
    self.process = process
    self.address = address
    self.time = time
  }

  public func encode(to writer: inout WireWriter) {
    writer.byte(kind.rawValue)
    writer.text(user)
    writer.uint32(uid)
    writer.text(terminal)
    writer.uint32(UInt32(bitPattern: process))
    writer.text(address)
    writer.uint64(UInt64(bitPattern: time))
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let kind = Kind(rawValue: try reader.byte()) else { throw .malformed }
    self.kind = kind
    user = try reader.text(limit: 1024)
    uid = try reader.accountNumber()
    terminal = try reader.text(limit: 64)
    process = Int32(bitPattern: try reader.uint32())
    address = try reader.text(limit: 64)
    time = Int64(bitPattern: try reader.uint64())
  }
}

/// A terminal of a login, as its session process tells of it.
public enum TerminalUse: WireCodable, Equatable {
  /// A program is about to run on it. `name`: `/dev/pts/3`; `process`: the session process.
  case began(channel: UInt32, name: String, process: Int32)
  /// The program has ended, or the terminal is hung up, whatever comes first.
  case ended(name: String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .began(let channel, let name, let process):
      writer.byte(1)
      writer.uint32(channel)
      writer.text(name)
      writer.uint32(UInt32(bitPattern: process))
    case .ended(let name):
      writer.byte(2)
      writer.text(name)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .began(
        channel: try reader.uint32(), name: try reader.text(limit: 64), process: Int32(bitPattern: try reader.uint32()))
    case 2: self = .ended(name: try reader.text(limit: 64))
    default: throw .malformed
    }
  }
}

/// What became of a recording, as the transport that wrote it tells.
public struct RecordingEnd: WireCodable, Equatable {
  public var channel: UInt32
  /// Bytes of the file.
  public var bytes: UInt64
  /// SHA-256 of them: 32 bytes.
  public var hash: [UInt8]
  /// From its start, in milliseconds.
  public var milliseconds: UInt64
  /// Why there is not all of it; nil: there is.
  public var failure: String?

  public init(channel: UInt32, bytes: UInt64, hash: [UInt8], milliseconds: UInt64, failure: String?) {
    self.channel = channel
    self.bytes = bytes
    self.hash = hash
    self.milliseconds = milliseconds
    self.failure = failure
  }

  public func encode(to writer: inout WireWriter) {
    writer.uint32(channel)
    writer.uint64(bytes)
    writer.string(hash)
    writer.uint64(milliseconds)
    writer.optional(failure) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    channel = try reader.uint32()
    bytes = try reader.uint64()
    hash = Array(try reader.string(limit: 32))
    guard hash.count == 32 else { throw .malformed }
    milliseconds = try reader.uint64()
    failure = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
  }
}
