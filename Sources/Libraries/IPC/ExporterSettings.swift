import Wire

/// The part of the configuration that `bssh-exporter` gets: in sealed memory, from the supervisor.
public struct ExporterSettings: WireFields, Equatable {
  /// Limit of these settings on the wire, in bytes.
  public static let longest = 8 << 20

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
    /// The system log.
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

/// A receiver of JSON Lines over TCP, such as Logstash's input `tcp` with the codec `json_lines`.
public struct LogstashSettings: WireFields, Equatable {
  /// A name, or an address without brackets.
  public var host: String
  /// The TCP port.
  public var port: UInt16
  /// nil: no encryption.
  public var tls: TLSSettings?
  /// Seconds until a connection attempt fails, and until a receiver that accepts no bytes is disconnected.
  public var timeout: UInt32

  public init(host: String, port: UInt16, tls: TLSSettings?, timeout: UInt32) {
    self.host = host
    self.port = port
    self.tls = tls
    self.timeout = timeout
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    host = try coder.text(value?.host, max: 1024)
    port = try coder.number(value?.port)
    tls = try coder.value(value?.tls)
    timeout = try coder.number(value?.timeout)
  }
}

/// An OpenTelemetry collector.
public struct OTelSettings: WireFields, Equatable {
  /// The protocol of OTLP.
  public enum Transport: String, CaseIterable, Sendable {
    /// OTLP/gRPC.
    case grpc
    /// OTLP/HTTP with Protobuf.
    case httpProtobuf = "http/protobuf"
    /// OTLP/HTTP with JSON.
    case httpJSON = "http/json"
  }

  /// `http://collector:4317`, or `https:`.
  public var endpoint: String
  /// The protocol.
  public var transport: Transport
  /// Additional headers of each request, such as credentials.
  public var headers: [Header]
  /// Attributes of the resource, which override the default ones.
  public var resource: [Attribute]
  /// Applies to an `https:` endpoint.
  public var tls: TLSSettings
  /// Requests are compressed with gzip.
  public var compression: Bool
  /// Seconds until a request fails.
  public var timeout: UInt32

  /// An HTTP header.
  public struct Header: WireFields, Equatable {
    /// At most 256 bytes.
    public var name: String
    /// At most 8 KiB.
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
    /// At most 256 bytes.
    public var name: String
    /// At most 8 KiB.
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

  public init(
    endpoint: String, transport: Transport, headers: [Header] = [], resource: [Attribute] = [],
    tls: TLSSettings = TLSSettings(), compression: Bool, timeout: UInt32
  ) {
    self.endpoint = endpoint
    self.transport = transport
    self.headers = headers
    self.resource = resource
    self.tls = tls
    self.compression = compression
    self.timeout = timeout
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    endpoint = try coder.text(value?.endpoint, max: 4096)
    transport = try coder.choice(value?.transport)
    headers = try coder.list(value?.headers, max: listSize)
    resource = try coder.list(value?.resource, max: listSize)
    tls = try coder.value(value?.tls)
    compression = try coder.flag(value?.compression)
    timeout = try coder.number(value?.timeout)
  }
}

/// The system log.
public struct SyslogSettings: WireFields, Equatable {
  /// The facility's number: 10 is authpriv. RFC 5424, section 6.2.1
  public var facility: UInt8
  /// The socket of journald for entries with fields; if nil, or if nobody listens there, ``socket`` is used.
  public var journalSocket: String?
  /// The socket of the syslog daemon.
  public var socket: String

  public init(facility: UInt8, journalSocket: String? = nil, socket: String) {
    self.facility = facility
    self.journalSocket = journalSocket
    self.socket = socket
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    facility = try coder.number(value?.facility, in: 0...23)
    journalSocket = try coder.text(value?.journalSocket, max: 4096)
    socket = try coder.text(value?.socket, max: 4096)
  }
}

/// TLS of a connection. Certificates and keys are the contents of their PEM files.
public struct TLSSettings: WireFields, Equatable {
  /// CA certificates that the receiver's certificate is verified with; nil: those of the system.
  public var authorities: [UInt8]?
  /// The client certificate; nil: none.
  public var certificate: [UInt8]?
  /// The private key of ``certificate``.
  public var key: SecretBytes?
  /// False: the receiver's certificate is not verified.
  public var verifies: Bool

  public init(authorities: [UInt8]? = nil, certificate: [UInt8]? = nil, key: SecretBytes? = nil, verifies: Bool = true)
  {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
    self.verifies = verifies
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    authorities = try coder.bytes(value?.authorities, max: 4 << 20)
    certificate = try coder.bytes(value?.certificate, max: 1 << 20)
    key = try coder.secret(value?.key, max: 1 << 20)
    verifies = try coder.flag(value?.verifies)
  }
}
