import Model
import Wire

/// Messages from the supervisor to the recorder, on its descriptor 3. It exits when the socket is closed.
public enum SupervisorToRecorder: WireMessage, Equatable {
  /// The first message, sent once; with a descriptor for each directory.
  case prepare(RecorderSettings)
  /// Create the file of a recording and send its descriptor, with a message of one byte, over the socket that is the
  /// descriptor of this message. The reply is ``RecorderToSupervisor/opened(number:)`` or
  /// ``RecorderToSupervisor/failed(number:reason:)``, in order.
  case open(number: UInt64, directory: String, name: String)
  /// Write an entry of the login records. The replies are in order: ``RecorderToSupervisor/entered(connection:)`` for
  /// the start of a login, ``RecorderToSupervisor/left(connection:)`` for the end, and for every entry
  /// ``RecorderToSupervisor/replaced(_:connection:)`` once the files have been replaced.
  case login(LoginEntry, connection: UInt64)

  public static let blanks: [Self] = [
    .prepare(.blank), .open(number: 0, directory: "", name: ""), .login(.blank, connection: 0),
  ]

  public var wireKind: Int {
    switch self {
    case .prepare: 1
    case .open: 2
    case .login: 3
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .prepare(let settings): self = try .prepare(coder.value(settings))
    case .open(let number, let directory, let name):
      self = try .open(
        number: coder.number(number), directory: coder.text(directory, max: 4096), name: coder.text(name, max: 255))
    case .login(let entry, let connection): self = try .login(coder.value(entry), connection: coder.number(connection))
    }
  }
}

/// Messages from the recorder to the supervisor.
public enum RecorderToSupervisor: WireMessage, Equatable {
  /// The file is created, and a descriptor that can only append to it was sent.
  case opened(number: UInt64)
  /// The file is not created, with the reason, at most 1024 bytes.
  case failed(number: UInt64, reason: String)
  /// A line for the log, at most 1024 bytes.
  case log(String)
  /// The start of a login is in the records, as far as possible.
  case entered(connection: UInt64)
  /// This entry is not in the login records, because their files were replaced; only a new recorder can open these.
  case replaced(LoginEntry, connection: UInt64)
  /// The end of a login is in the records, as far as possible.
  case left(connection: UInt64)

  public static let blanks: [Self] = [
    .opened(number: 0), .failed(number: 0, reason: ""), .log(""), .entered(connection: 0),
    .replaced(.blank, connection: 0), .left(connection: 0),
  ]

  public var wireKind: Int {
    switch self {
    case .opened: 1
    case .failed: 2
    case .log: 3
    case .entered: 4
    case .replaced: 5
    case .left: 6
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .opened(let number): self = try .opened(number: coder.number(number))
    case .failed(let number, let reason):
      self = try .failed(number: coder.number(number), reason: coder.text(reason, max: 1024))
    case .log(let text): self = try .log(coder.text(text, max: 1024))
    case .entered(let connection): self = try .entered(connection: coder.number(connection))
    case .replaced(let entry, let connection):
      self = try .replaced(coder.value(entry), connection: coder.number(connection))
    case .left(let connection): self = try .left(connection: coder.number(connection))
    }
  }
}

/// The part of the configuration that the recorder gets.
public struct RecorderSettings: WireFields, Equatable {
  /// At most ``mostDirectories``.
  public var directories: [OpenedDirectory]
  /// Login records are kept.
  public var keepsLogins: Bool

  /// Limit of ``directories``, which a message can carry as descriptors: those of the configuration, and of logins that
  /// started under an earlier one.
  public static let mostDirectories = 60

  public init(directories: [OpenedDirectory], keepsLogins: Bool) {
    self.directories = directories
    self.keepsLogins = keepsLogins
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    directories = try coder.list(value?.directories, max: Self.mostDirectories)
    keepsLogins = try coder.flag(value?.keepsLogins)
  }
}

/// A line of the login records: utmp, wtmp, lastlog, btmp. utmp(5)
public struct LoginEntry: WireFields, Equatable {
  /// The kind of an entry.
  public enum Kind: CaseIterable, Sendable {
    /// A login started on a terminal.
    case began
    /// A login ended.
    case ended
    /// A login was refused.
    case refused
  }

  /// The kind of this entry.
  public var kind: Kind
  /// The user name; empty for a login that ended.
  public var user: String
  /// The user id.
  public var uid: UInt32
  /// The terminal relative to /dev: `pts/3`.
  public var terminal: String
  /// The session process, because the entry is written before the first program is started.
  public var process: Int32
  /// The client's address without brackets.
  public var address: String
  /// Microseconds since the epoch.
  public var time: Int64

  /// An entry with these values.
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

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    kind = try coder.choice(value?.kind)
    user = try coder.text(value?.user, max: 1024)
    uid = try coder.number(value?.uid, in: .accounts)
    terminal = try coder.text(value?.terminal, max: 64)
    process = try coder.number(value?.process)
    address = try coder.text(value?.address, max: 64)
    time = try coder.number(value?.time)
  }
}
