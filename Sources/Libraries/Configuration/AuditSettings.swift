import Filter
import IPC

extension Settings {
  /// `audit:`: the journal, the exporters, recordings and login records.
  public struct Audit: Equatable, Sendable {
    /// Maximum number of exporters.
    static let exporterLimit = 16
    /// The default path of the journal if the daemon runs as root.
    public static let defaultJournal = "/var/log/bssh/audit.log"

    /// Whether new logins are accepted while events cannot be written.
    public enum OnFailure: String, CaseIterable, Sendable, SettingValue {
      case `continue`, refuse
    }

    /// True: events are written to the journal.
    public var enabled = true
    /// The destinations of events. At most one is a file, which is the journal.
    public var exporters: [Exporter] = [.file(File())]
    /// Maximum number of events that wait in memory.
    public var bufferSize = 1000
    /// Maximum number of events in one write.
    public var batchSize = 100
    /// Maximum time until an event is on the disk, in seconds; only if ``File/Sync`` is `interval`.
    public var flushInterval = 5
    /// Whether new logins are accepted while events cannot be written.
    public var onFailure: OnFailure = .continue
    /// The names of users whose logins are accepted nevertheless.
    public var rescueUsers: [String] = []
    /// True: every read and write of a file is reported as an event.
    public var verboseIO = false
    /// Which terminals are recorded.
    public var recording = Recording()
    /// True: logins are entered in utmp, wtmp, lastlog and btmp, if the daemon runs as root.
    public var loginRecords = true

    /// The defaults of every key.
    public init() {}

    /// The settings of the journal.
    public var journal: File {
      for case .file(let file) in exporters { return file }
      return File()
    }

    /// The path of the journal.
    public var journalPath: String { journal.path ?? Self.defaultJournal }

    /// True if an exporter sends additional headers, which may be secrets.
    var hasHeaders: Bool { otels.contains { !$0.headers.isEmpty } }

    private var otels: [OTelSettings] {
      exporters.compactMap { if case .otel(let otel) = $0 { otel } else { nil } }
    }

    mutating func removeHeaders() {
      exporters = exporters.map {
        guard case .otel(var otel) = $0 else { return $0 }
        otel.headers = []
        return .otel(otel)
      }
    }

    /// The directory of recordings.
    public var recordingDirectory: String {
      if let directory = recording.directory { return directory }
      let path = journalPath
      return path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex) + "/recordings"
    }
  }
}

extension KeyTable {
  static let audit: [Key] = [
    Key(
      "audit.enabled", .boolean, \.settings.audit.enabled,
      "Whether the journal is written: what happened, when, who did it, and the result."),
    Key(
      "audit.exporters", .exporters, \.settings.audit.exporters,
      "Destinations of events. The file is the journal, which is always written; the others get the events",
      "in it. The keys of each:"),
    Key(
      "audit.buffer_size", .integer(100...100_000), \.settings.audit.bufferSize,
      "Number of events that can wait in memory for the journal; at the limit, their sources wait as well."),
    Key(
      "audit.batch_size", .integer(1...10000), \.settings.audit.batchSize,
      "Maximum number of events that are written at once."),
    Key(
      "audit.flush_interval", .duration(1...3600), \.settings.audit.flushInterval,
      "Maximum time until an event is on the disk, if fsync is interval."),
    Key(
      "audit.on_failure", .choice(), \.settings.audit.onFailure,
      "What happens to logins while events cannot be written: continue, refuse (new ones are refused)."),
    Key(
      "audit.rescue_users", .list(.accountName, of: "a list of users", mayBeEmpty: true), \.settings.audit.rescueUsers,
      "Users who may log in nevertheless, to repair the server."),
    Key(
      "audit.verbose_io", .boolean, \.settings.audit.verboseIO,
      "Whether every read and write of a file is an event too. The event of a closed file has the totals."),
    Key(
      "audit.recording.enabled", .boolean, \.settings.audit.recording.enabled,
      "Whether terminals are recorded in asciicast files."),
    Key(
      "audit.recording.directory", ValueType<String>.path.optional, \.settings.audit.recording.directory,
      "The directory of recordings; null for the directory recordings beside the journal."),
    Key(
      "audit.recording.users", .list(.userName, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.audit.recording.users,
      "Users whose terminals are recorded; [] for all. * matches any characters, ? one."),
    Key(
      "audit.recording.input", .boolean, \.settings.audit.recording.input,
      "Whether input is recorded too, including passwords that are typed."),
    Key(
      "audit.login_records", .boolean, \.settings.audit.loginRecords,
      "Whether logins are recorded for who(1), last(1), lastlog(8) and lastb(1) in utmp, wtmp, lastlog and",
      "btmp, if these files exist. Only as root."),
  ]
}

extension Settings {
  /// The directories of recordings, including those of `match` blocks; empty: no terminals are recorded.
  public var recordingDirectories: [String] { recordingPlaces.map(\.path) }

  /// ``recordingDirectories``, each with the index of the first `match` block that names it; nil: no block.
  public var recordingPlaces: [(path: String, block: Int?)] {
    let blocks = matches.enumerated().filter { $1.paths.contains { $0.hasPrefix("audit.recording.") } }
    guard audit.recording.enabled || blocks.contains(where: { $1.values.audit.recording.enabled }) else { return [] }
    let others = blocks.compactMap { number, block in
      block.values.audit.recording.directory.map { (path: $0, block: Optional(number)) }
    }
    return ([(path: audit.recordingDirectory, block: nil)] + others).reduce(into: []) { places, place in
      if !places.contains(where: { $0.path == place.path }) { places.append(place) }
    }
  }
}

extension Settings.Audit {
  /// True if the terminals of this user are recorded. These must be the settings of the login.
  public func records(_ user: String) -> Bool {
    recording.enabled && (recording.users.isEmpty || recording.users.contains { $0.matches(user) })
  }

  /// True if a login of this user ends when its terminal cannot be recorded.
  public func insists(onRecording user: String) -> Bool {
    onFailure == .refuse && !rescueUsers.contains { $0.utf8.elementsEqual(user.utf8) }
  }
}

extension Settings.Audit {
  /// `audit.recording:`: which terminals are recorded.
  public struct Recording: Equatable, Sendable {
    /// True: terminals are recorded.
    public var enabled = false
    /// The directory of recordings; nil: `recordings` beside the journal.
    public var directory: String?
    /// Patterns for the names of the users whose terminals are recorded; empty: all users.
    public var users: [NamePattern] = []
    /// True: input is recorded too, including passwords.
    public var input = false

    public init() {}
  }

  /// A destination of events: an entry of `audit.exporters`.
  public enum Exporter: Equatable, Sendable {
    /// The journal.
    case file(File)
    /// JSON Lines over TCP.
    case logstash(LogstashSettings)
    /// OTLP.
    case otel(OTelSettings)
    /// The log of the system.
    case syslog(SyslogSettings)

    /// The values of the key `type`.
    public enum Kind: String, CaseIterable, Sendable {
      case file, logstash, otel, syslog
    }

    /// The value of the key `type`.
    public var kind: Kind {
      switch self {
      case .file: .file
      case .logstash: .logstash
      case .otel: .otel
      case .syslog: .syslog
      }
    }
  }

  /// The journal: JSON Lines in a file.
  public struct File: Equatable, Sendable {
    /// When events are flushed to the disk. fsync(2)
    public enum Sync: String, CaseIterable, Sendable {
      case always, interval, never
    }

    /// The absolute path; nil in loaded settings: ``Settings/Audit/defaultJournal``.
    public var path: String?
    /// When files are rotated.
    public var rotate = Rotate()
    /// When events are flushed to the disk.
    public var sync: Sync = .interval
    /// The permissions of the files.
    public var mode: UInt32 = 0o600

    public init() {}
  }

  /// When the file of the journal is rotated, and how long rotated files are kept.
  public struct Rotate: Equatable, Sendable {
    /// The size, in bytes, at which a file is rotated.
    public var maxSize: UInt64 = 100 << 20
    /// The number of rotated files that are kept.
    public var maxBackups = 5
    /// True: rotated files are compressed with gzip.
    public var compress = true

    public init() {}
  }
}
