import Audit
import Wire

/// What the supervisor tells `bssh-journal`, over its descriptor 3. A closed socket ends it, once all is on the disk.
public enum SupervisorToJournal: WireCodable, Equatable {
  /// The first message, and the only one of its kind: where the journal is; with the descriptor of its directory.
  /// Answered by ``JournalToSupervisor/opened`` or ``JournalToSupervisor/notOpened(reason:isPassing:)``.
  case open(JournalSettings)
  /// Look for the file anew: somebody may have moved it away. For reloads.
  case reopen
  /// Write these. Answered by ``JournalToSupervisor/written(batch:)`` or ``JournalToSupervisor/failed(batch:reason:)``, in order.
  case append(JournalBatch)
  /// End, once all is on the disk.
  case close

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .open(let settings):
      writer.byte(1)
      settings.encode(to: &writer)
    case .reopen: writer.byte(2)
    case .append(let batch):
      writer.byte(3)
      batch.encode(to: &writer)
    case .close: writer.byte(4)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .open(try JournalSettings(from: &reader))
    case 2: self = .reopen
    case 3: self = .append(try JournalBatch(from: &reader))
    case 4: self = .close
    default: throw .malformed
    }
  }
}

/// Events that are written together.
public struct JournalBatch: WireCodable, Equatable {
  /// Bytes of all events on the wire at most: with what stands around them, a message.
  public static let sizeLimit = 128 << 10

  /// Grows from batch to batch; the same events can come again under another number.
  public var number: UInt64
  /// True: some of the events may be among the last lines already, and are not to be there twice.
  public var isRepeated: Bool
  /// ``AuditEvent``s on the wire. The supervisor keeps them as that.
  public var events: [[UInt8]]

  public init(number: UInt64, isRepeated: Bool, events: [[UInt8]]) {
    self.number = number
    self.isRepeated = isRepeated
    self.events = events
  }

  public func encode(to writer: inout WireWriter) {
    writer.uint64(number)
    writer.boolean(isRepeated)
    writer.list(events) { $0.string($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    number = try reader.uint64()
    isRepeated = try reader.boolean()
    events = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      Array(try r.string(limit: Self.sizeLimit))
    }
  }
}

/// What `bssh-journal` tells the supervisor.
public enum JournalToSupervisor: WireCodable, Equatable {
  /// What it found when it opened the file, and mended; only if there is something to tell.
  case found(JournalFindings)
  /// The events of this batch are in the file; with `fsync: always`, on the disk.
  case written(batch: UInt64)
  /// None of this batch is in the file, and why, at most 1,024 bytes. 0: there was no batch.
  case failed(batch: UInt64, reason: String)
  /// The file is open.
  case opened
  /// It cannot be opened, and why, at most 1,024 bytes. `isPassing`: a full or faulty disk,
  /// where events could be written before.
  case notOpened(reason: String, isPassing: Bool)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .found(let findings):
      writer.byte(1)
      findings.encode(to: &writer)
    case .written(let batch):
      writer.byte(2)
      writer.uint64(batch)
    case .failed(let batch, let reason):
      writer.byte(3)
      writer.uint64(batch)
      writer.text(reason)
    case .opened: writer.byte(4)
    case .notOpened(let reason, let isPassing):
      writer.byte(5)
      writer.text(reason)
      writer.boolean(isPassing)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .found(try JournalFindings(from: &reader))
    case 2: self = .written(batch: try reader.uint64())
    case 3: self = .failed(batch: try reader.uint64(), reason: try reader.text(limit: 1024))
    case 4: self = .opened
    case 5: self = .notOpened(reason: try reader.text(limit: 1024), isPassing: try reader.boolean())
    default: throw .malformed
    }
  }
}

/// What was not as it should be at the end of a series of a journal that was opened.
public struct JournalFindings: WireCodable, Equatable {
  public var series = JournalSeries.main
  /// Bytes of a line that was not whole, and was cut off.
  public var tornBytes: UInt64 = 0
  /// Lines that had been written last, and are not there any more.
  public var missingLines: UInt64 = 0
  /// The last line is not the one that was written.
  public var isAltered = false

  public init() {}

  public func encode(to writer: inout WireWriter) {
    writer.byte(series.rawValue)
    writer.uint64(tornBytes)
    writer.uint64(missingLines)
    writer.boolean(isAltered)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let series = JournalSeries(rawValue: try reader.byte()) else { throw .malformed }
    self.series = series
    tornBytes = try reader.uint64()
    missingLines = try reader.uint64()
    isAltered = try reader.boolean()
  }
}

/// Where the journal is, and how it is written: all that `bssh-journal` knows of the configuration.
public struct JournalSettings: WireCodable, Equatable {
  /// When what was written has to be on the disk itself.
  public enum Sync: String, CaseIterable, Sendable {
    case always, interval, never
  }

  /// Absolute: that of the main series, ``JournalSeries/path(of:)``.
  public var path: String
  /// Permissions of the files.
  public var mode: UInt32
  /// Bytes from which on a file gets no further line.
  public var maxSize: UInt64
  /// Old files that are kept.
  public var maxBackups: UInt32
  /// Whether old files are compressed.
  public var compress: Bool
  public var sync: Sync
  /// Seconds after which events are on the disk, where ``sync`` is `interval`.
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

  public func encode(to writer: inout WireWriter) {
    writer.text(path)
    writer.uint32(mode)
    writer.uint64(maxSize)
    writer.uint32(maxBackups)
    writer.boolean(compress)
    writer.text(sync.rawValue)
    writer.uint32(flushInterval)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    path = try reader.text(limit: 4096)
    mode = try reader.uint32()
    maxSize = try reader.uint64()
    maxBackups = try reader.uint32()
    compress = try reader.boolean()
    guard let sync = Sync(rawValue: try reader.text(limit: 16)) else { throw .malformed }
    self.sync = sync
    flushInterval = try reader.uint32()
  }
}
