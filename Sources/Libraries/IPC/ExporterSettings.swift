import Wire

/// The part of the configuration that `bssh-exporter` gets: in sealed memory, from the supervisor.
public struct ExporterSettings: WireFields, Equatable {
  /// Limit of these settings on the wire, in bytes.
  public static let sizeLimit = 8 << 20

  /// The name of the exporter in the log and of its cursor: `logstash logs.example.org:5044`.
  public var name: String
  /// The path of the journal; its rotated files are in the same directory, ``place``.
  public var journal: String
  /// The directory that is passed as a descriptor; nil: not known yet. Another directory needs another exporter.
  public var place: OpenedDirectory?
  /// Limit of the events in one batch.
  public var batchSize: UInt32
  /// Where the events are sent.
  public var receiver: Receiver

  /// The receiver of events.
  public enum Receiver: WireMessage, Equatable {
    /// JSON Lines over TCP.
    case logstash(LogstashSettings)
    /// OTLP.
    case otel(OTelSettings)
    /// The log of the system.
    case syslog(SyslogSettings)

    public static let blanks: [Self] = [.logstash(.blank), .otel(.blank), .syslog(.blank)]

    public var wireKind: Int {
      switch self {
      case .logstash: 1
      case .otel: 2
      case .syslog: 3
      }
    }

    public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
      switch try coder.message(value) {
      case .logstash(let settings): self = try .logstash(coder.value(settings))
      case .otel(let settings): self = try .otel(coder.value(settings))
      case .syslog(let settings): self = try .syslog(coder.value(settings))
      }
    }
  }

  public init(name: String, journal: String, batchSize: UInt32, receiver: Receiver) {
    self.name = name
    self.journal = journal
    self.batchSize = batchSize
    self.receiver = receiver
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    name = try coder.text(value?.name, max: 4096)
    journal = try coder.text(value?.journal, max: 4096)
    place = try coder.value(value?.place)
    batchSize = try coder.number(value?.batchSize, in: 1 ... .max)
    receiver = try coder.value(value?.receiver)
  }
}

/// Settings of a receiver of JSON Lines over TCP, as Logstash's input `tcp` with the codec `json_lines`. ``init()`` has the
/// defaults of the keys of `audit.exporters`.
public struct LogstashSettings: WireFields, Equatable {
  /// A name or an address, without brackets.
  public var host = ""
  /// The TCP port.
  public var port: UInt16 = 5044
  /// Encryption, which is off by default.
  public var tls = TLSSettings()
  /// Seconds that connecting may take, and that the receiver may accept nothing.
  public var timeout: UInt32 = 10

  public init() {}

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    host = try coder.text(value?.host, max: 1024)
    port = try coder.number(value?.port)
    tls = try coder.value(value?.tls)
    timeout = try coder.number(value?.timeout)
  }
}

/// Settings of an OpenTelemetry collector. ``init()`` has the defaults of the keys of `audit.exporters`.
public struct OTelSettings: WireFields, Equatable {
  /// The protocol of OTLP.
  public enum Transport: String, CaseIterable, Sendable {
    /// gRPC over HTTP/2.
    case grpc
    /// Protobuf over HTTP.
    case httpProtobuf = "http/protobuf"
    /// JSON over HTTP.
    case httpJSON = "http/json"
  }

  /// How requests are compressed.
  public enum Compression: String, CaseIterable, Sendable {
    case gzip, none
  }

  /// `http://collector:4317`, or `https:`, which uses TLS.
  public var endpoint = ""
  /// How logs are sent.
  public var transport = Transport.grpc
  /// Additional headers of each request, such as those that authenticate it.
  public var headers: [Header] = []
  /// Attributes of the resource, which override the built-in ones.
  public var resource: [Attribute] = []
  /// ``TLSSettings/isEnabled`` is ignored: the endpoint decides.
  public var tls = TLSSettings()
  /// How requests are compressed.
  public var compression = Compression.gzip
  /// Seconds that a request may take.
  public var timeout: UInt32 = 10

  /// A header of a request. The value may be a secret.
  public struct Header: WireFields, Equatable {
    /// A token as in RFC 9110, section 5.6.2; at most 256 bytes.
    public var name: String
    /// At most 8,192 bytes.
    public var value: SecretBytes

    public init(name: String, value: SecretBytes) {
      self.name = name
      self.value = value
    }

    public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
      name = try coder.text(value?.name, max: 256)
      self.value = try coder.secret(value?.value, max: 8192)
    }
  }

  /// An attribute of the resource.
  public struct Attribute: WireFields, Equatable {
    /// Such as `deployment.environment`; at most 256 bytes.
    public var name: String
    /// At most 8,192 bytes.
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }

    public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
      name = try coder.text(value?.name, max: 256)
      self.value = try coder.text(value?.value, max: 8192)
    }
  }

  public init() {}

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    endpoint = try coder.text(value?.endpoint, max: 4096)
    transport = try coder.choice(value?.transport)
    headers = try coder.list(value?.headers, max: listSize)
    resource = try coder.list(value?.resource, max: listSize)
    tls = try coder.value(value?.tls)
    compression = try coder.choice(value?.compression)
    timeout = try coder.number(value?.timeout)
  }
}

/// Settings of the system's log. ``init()`` has the defaults of the keys of `audit.exporters`.
public struct SyslogSettings: WireFields, Equatable {
  /// The facility of the messages. RFC 5424, section 6.2.1
  public enum Facility: String, CaseIterable, Sendable {
    case auth, authpriv, daemon, user, local0, local1, local2, local3, local4, local5, local6, local7

    /// The number in the message.
    public var number: UInt8 {
      switch self {
      case .user: 1
      case .daemon: 3
      case .auth: 4
      case .authpriv: 10
      case .local0: 16
      case .local1: 17
      case .local2: 18
      case .local3: 19
      case .local4: 20
      case .local5: 21
      case .local6: 22
      case .local7: 23
      }
    }
  }

  /// The facility of all messages.
  public var facility = Facility.authpriv
  /// The socket of a syslog daemon.
  public var socket = "/dev/log"
  /// The socket on which journald accepts entries with fields; nil, or if nobody listens there: ``socket`` is used.
  public var journalSocket: String?

  public init() {}

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    facility = try coder.choice(value?.facility)
    socket = try coder.text(value?.socket, max: 4096)
    journalSocket = try coder.text(value?.journalSocket, max: 4096)
  }
}

/// Whether and how a connection is encrypted, and who may be at the other end. ``init()`` has the defaults of the keys of
/// `tls`.
public struct TLSSettings: WireFields, Equatable {
  /// True: the connection is encrypted.
  public var isEnabled = false
  /// The path of the file with ``authorities``.
  public var authoritiesFile: String?
  /// The path of the file with ``certificate``.
  public var certificateFile: String?
  /// The path of the file with ``key``.
  public var keyFile: String?
  /// False: the certificate of the other end is not verified.
  public var verifies = true
  /// PEM: the authorities that the receiver's certificate may come from; nil: those of the system.
  public var authorities: [UInt8]?
  /// PEM: our certificate, for receivers that verify clients, with the intermediate ones.
  public var certificate: [UInt8]?
  /// PEM: the private key of ``certificate``.
  public var key: SecretBytes?

  public init() {}

  /// TLS, with the contents of files.
  public init(authorities: [UInt8]?, certificate: [UInt8]? = nil, key: SecretBytes? = nil, verifies: Bool = true) {
    isEnabled = true
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
    self.verifies = verifies
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    isEnabled = try coder.flag(value?.isEnabled)
    authoritiesFile = try coder.text(value?.authoritiesFile, max: 4096)
    certificateFile = try coder.text(value?.certificateFile, max: 4096)
    keyFile = try coder.text(value?.keyFile, max: 4096)
    verifies = try coder.flag(value?.verifies)
    authorities = try coder.bytes(value?.authorities, max: 4 << 20)
    certificate = try coder.bytes(value?.certificate, max: 1 << 20)
    key = try coder.secret(value?.key, max: 1 << 20)
  }
}
