import Audit
import Wire

/// Messages from the supervisor to `bssh-journal`, on its descriptor 3. When the socket is closed, it exits after
/// everything is on the disk.
public enum SupervisorToJournal: WireMessage, Equatable {
  /// The first message, sent once: open the journal; with the descriptor of its directory. The reply is
  /// ``JournalToSupervisor/opened`` or ``JournalToSupervisor/notOpened(reason:isPassing:)``.
  case open(JournalSettings)
  /// Reopen the file, which may have been renamed. Sent at a reload.
  case reopen
  /// Append these events. The reply is ``JournalToSupervisor/written(batch:)`` or
  /// ``JournalToSupervisor/failed(batch:reason:)``, in order.
  case append(JournalBatch)
  /// Exit after everything is on the disk.
  case close

  public static let blanks: [Self] = [.open(.blank), .reopen, .append(.blank), .close]

  public var wireKind: Int {
    switch self {
    case .open: 1
    case .reopen: 2
    case .append: 3
    case .close: 4
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .open(let settings): self = try .open(coder.value(settings))
    case .reopen: self = .reopen
    case .append(let batch): self = try .append(coder.value(batch))
    case .close: self = .close
    }
  }
}

/// Messages from `bssh-journal` to the supervisor.
public enum JournalToSupervisor: WireMessage, Equatable {
  /// Irregularities that were found and repaired when the file was opened; sent only if there are any.
  case found(JournalFindings)
  /// The events of this batch are in the file; with `fsync: always`, on the disk.
  case written(batch: UInt64)
  /// No event of this batch is in the file, with the reason, at most 1024 bytes. 0: the error concerns no batch.
  case failed(batch: UInt64, reason: String)
  /// The file is open.
  case opened
  /// The file cannot be opened, with the reason, at most 1024 bytes. `isPassing`: a full or faulty disk, to which
  /// events could be written before.
  case notOpened(reason: String, isPassing: Bool)

  public static let blanks: [Self] = [
    .found(.blank), .written(batch: 0), .failed(batch: 0, reason: ""), .opened,
    .notOpened(reason: "", isPassing: false),
  ]

  public var wireKind: Int {
    switch self {
    case .found: 1
    case .written: 2
    case .failed: 3
    case .opened: 4
    case .notOpened: 5
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .found(let findings): self = try .found(coder.value(findings))
    case .written(let batch): self = try .written(batch: coder.number(batch))
    case .failed(let batch, let reason):
      self = try .failed(batch: coder.number(batch), reason: coder.text(reason, max: 1024))
    case .opened: self = .opened
    case .notOpened(let reason, let isPassing):
      self = try .notOpened(reason: coder.text(reason, max: 1024), isPassing: coder.flag(isPassing))
    }
  }
}

/// Events that are written together.
public struct JournalBatch: WireFields, Equatable {
  /// Limit of all events on the wire in bytes, so that a batch fits into a message.
  public static let sizeLimit = 128 << 10

  /// Increases from batch to batch; the same events can be sent again in a batch of another number.
  public var number: UInt64
  /// True if some of the events may already be among the last lines; these are not written again.
  public var isRepeated: Bool
  /// Encoded ``AuditEvent``s, as the supervisor queues them.
  public var events: [[UInt8]]

  public init(number: UInt64, isRepeated: Bool, events: [[UInt8]]) {
    self.number = number
    self.isRepeated = isRepeated
    self.events = events
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    number = try coder.number(value?.number)
    isRepeated = try coder.flag(value?.isRepeated)
    events = try coder.list(value?.events, max: listSize, length: Self.sizeLimit)
  }
}

/// Irregularities at the end of a series, found when the journal was opened.
public struct JournalFindings: WireFields, Equatable {
  /// The series that this is about.
  public var series = JournalSeries.main
  /// The size of an incomplete last line, which was removed, in bytes.
  public var tornBytes: UInt64 = 0
  /// The number of lines at the end that were written and are missing.
  public var missingLines: UInt64 = 0
  /// The last line is not the one that was written.
  public var isAltered = false

  public init() {}

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    series = try coder.choice(value?.series)
    tornBytes = try coder.number(value?.tornBytes)
    missingLines = try coder.number(value?.missingLines)
    isAltered = try coder.flag(value?.isAltered)
  }
}

/// The part of the configuration that `bssh-journal` gets.
public struct JournalSettings: WireFields, Equatable {
  /// When written events are flushed to the disk.
  public enum Sync: String, CaseIterable, Sendable {
    case always, interval, never
  }

  /// The absolute path of the main series. ``JournalSeries/path(of:)``
  public var path: String
  /// The permissions of the files.
  public var mode: UInt32
  /// The size, in bytes, at which a file is rotated.
  public var maxSize: UInt64
  /// The number of rotated files that are kept.
  public var maxBackups: UInt32
  /// Rotated files are compressed.
  public var compress: Bool
  /// When written events are flushed to the disk.
  public var sync: Sync
  /// Seconds after which events are flushed, if ``sync`` is `interval`.
  public var flushInterval: UInt32

  public init(
    path: String, mode: UInt32, maxSize: UInt64, maxBackups: UInt32, compress: Bool, sync: Sync, flushInterval: UInt32
  ) {
    self.path = path
    self.mode = mode
    self.maxSize = maxSize
    self.maxBackups = maxBackups
    self.compress = compress
    self.sync = sync
    self.flushInterval = flushInterval
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    path = try coder.text(value?.path, max: 4096)
    mode = try coder.number(value?.mode)
    maxSize = try coder.number(value?.maxSize)
    maxBackups = try coder.number(value?.maxBackups)
    compress = try coder.flag(value?.compress)
    sync = try coder.choice(value?.sync)
    flushInterval = try coder.number(value?.flushInterval)
  }
}
