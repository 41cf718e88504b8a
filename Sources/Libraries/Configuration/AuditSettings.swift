import Filter
import IPC

extension Settings {
  /// `audit:`: what becomes of the events that the daemon tells.
  public struct Audit: Equatable, Sendable {
    /// More exporters than that are no configuration.
    static let mostExporters = 16
    /// Where the journal is, as root, when nothing else is said.
    public static let defaultJournal = "/var/log/bssh/audit.log"

    /// What becomes of new logins while no event can be written.
    public enum OnFailure: String, CaseIterable, Sendable, SettingValue {
      case `continue`, refuse
    }

    public var enabled = true
    /// Where the events go: at most one is a file, which is the journal.
    public var exporters: [Exporter] = [.file(File())]
    /// Events in memory at most.
    public var bufferSize = 1000
    /// Events in one write at most.
    public var batchSize = 100
    /// Seconds until an event is on the disk at most.
    public var flushInterval = 5
    public var onFailure: OnFailure = .continue
    /// Names of users who may log in all the same.
    public var rescueUsers: [String] = []
    /// True: every read and write of a file is an event.
    public var verboseIO = false
    public var recording = Recording()
    /// True: utmp, wtmp, lastlog and btmp are kept, as root.
    public var loginRecords = true

    /// The defaults of every key.
    public init() {}

    /// Where the journal is, and how it is written.
    public var journal: File {
      for case .file(let file) in exporters { return file }
      return File()
    }

    /// The path of the journal.
    public var journalPath: String { journal.path ?? Self.defaultJournal }

    /// True when requests to a receiver have headers, which may be secrets.
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

    /// Where recordings are.
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
      "Whether the journal is kept: what happened, when, who did it, and what came of it."),
    Key(
      "audit.exporters", .exporters, \.settings.audit.exporters,
      "Where the events go. The file is the journal, and is there in any case; the others get what stands",
      "in it. The keys of each:"),
    Key(
      "audit.buffer_size", .integer(100...100_000), \.settings.audit.bufferSize,
      "Events that wait in memory for the journal; when there are more, what makes them waits as well."),
    Key(
      "audit.batch_size", .integer(1...10000), \.settings.audit.batchSize,
      "Events that are written at once, at most."),
    Key(
      "audit.flush_interval", .duration(1...3600), \.settings.audit.flushInterval,
      "The time until an event is on the disk, at most, where fsync says interval."),
    Key(
      "audit.on_failure", .choice(), \.settings.audit.onFailure,
      "What becomes of logins while events cannot be written: continue, refuse (which refuses new ones)."),
    Key(
      "audit.rescue_users", .list(.accountName, of: "a list of users", mayBeEmpty: true), \.settings.audit.rescueUsers,
      "Users who can log in all the same, to mend it."),
    Key(
      "audit.verbose_io", .boolean, \.settings.audit.verboseIO,
      "Whether every read and write of a file is an event, too; closing a file says how much it was."),
    Key(
      "audit.recording.enabled", .boolean, \.settings.audit.recording.enabled,
      "Whether terminals are recorded, as asciicast files."),
    Key(
      "audit.recording.directory", ValueType<String>.path.optional, \.settings.audit.recording.directory,
      "Where the recordings are; null for the directory recordings beside the journal."),
    Key(
      "audit.recording.users", .list(.userName, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.audit.recording.users,
      "Who is recorded: * stands for any letters, ? for one; [] for everyone."),
    Key(
      "audit.recording.input", .boolean, \.settings.audit.recording.input,
      "Whether what is typed is recorded as well, passwords that programs ask for with it."),
    Key(
      "audit.login_records", .boolean, \.settings.audit.loginRecords,
      "Whether who(1), last(1), lastlog(8) and lastb(1) show logins: utmp, wtmp, lastlog and btmp, where these",
      "files exist. Only as root."),
  ]
}

extension Settings {
  /// Where recordings of anybody are, those of blocks of `match` too; empty: nobody is recorded.
  public var recordingDirectories: [String] { recordingPlaces.map(\.path) }

  /// The same, with the block of `match`, from 0, that says so first; nil: none does.
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
  /// True when terminals of this user are recorded, with the settings of the login.
  public func records(_ user: String) -> Bool {
    recording.enabled && (recording.users.isEmpty || recording.users.contains { $0.matches(user) })
  }

  /// True when a login of this user is to end rather than to go on without a recording.
  public func insists(onRecording user: String) -> Bool {
    onFailure == .refuse && !rescueUsers.contains { $0.utf8.elementsEqual(user.utf8) }
  }
}

extension Settings.Audit {
  /// `audit.recording:`: which terminals are recorded.
  public struct Recording: Equatable, Sendable {
    public var enabled = false
    /// nil: the directory `recordings` beside the journal.
    public var directory: String?
    /// Patterns for the names of those who are recorded. Empty: everyone.
    public var users: [NamePattern] = []
    /// True: what is typed is recorded as well, passwords with it.
    public var input = false

    public init() {}
  }

  /// Where events go: an entry of `audit.exporters`.
  public enum Exporter: Equatable, Sendable {
    case file(File)
    case logstash(LogstashSettings)
    case otel(OTelSettings)
    case syslog(SyslogSettings)

    /// What `type` says.
    public enum Kind: String, CaseIterable, Sendable {
      case file, logstash, otel, syslog
    }

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
    /// When what was written has to be on the disk itself.
    public enum Sync: String, CaseIterable, Sendable {
      case always, interval, never
    }

    /// Absolute. Once loaded, nil is ``Settings/Audit/defaultJournal``.
    public var path: String?
    public var rotate = Rotate()
    public var sync: Sync = .interval
    /// Permissions of the file.
    public var mode: UInt32 = 0o600

    public init() {}
  }

  /// When the journal begins a new file, and what becomes of the old one.
  public struct Rotate: Equatable, Sendable {
    /// Bytes from which on a file gets no further line.
    public var maxSize: UInt64 = 100 << 20
    /// Old files that are kept.
    public var maxBackups = 5
    /// True: old files are compressed, by gzip.
    public var compress = true

    public init() {}
  }
}
