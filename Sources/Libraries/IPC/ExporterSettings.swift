import Wire

/// All that an exporter knows of the configuration: the supervisor hands it to `bssh-exporter` as sealed memory.
public struct ExporterSettings: WireCodable, Equatable {
  /// Bytes that these settings have on the wire at most.
  public static let longest = 8 << 20

  /// What the log calls it, and what its cursor is called by: `logstash logs.example.org:5044`.
  public var name: String
  /// The journal that it reads; the older files of it are beside it, in the directory of ``place``.
  public var journal: String
  /// Which directory it is that comes as a descriptor: another one is another exporter's. nil: it is not known yet.
  public var place: OpenedDirectory?
  /// Events that are sent together at most.
  public var batchSize: UInt32
  public var receiver: Receiver

  /// Where events go.
  public enum Receiver: Equatable, Sendable {
    case logstash(LogstashSettings)
    case otel(OTelSettings)
    case syslog(SyslogSettings)
  }

  public init(name: String, journal: String, batchSize: UInt32, receiver: Receiver) {
    self.name = name
    self.journal = journal
    self.batchSize = batchSize
    self.receiver = receiver
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.text(journal)
    writer.optional(place) { $1.encode(to: &$0) }
    writer.uint32(batchSize)
    switch receiver {
    case .logstash(let settings):
      writer.byte(1)
      settings.encode(to: &writer)
    case .otel(let settings):
      writer.byte(2)
      settings.encode(to: &writer)
    case .syslog(let settings):
      writer.byte(3)
      settings.encode(to: &writer)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text(limit: 4096)
    journal = try reader.text(limit: 4096)
    place = try reader.optional { (r: inout WireReader) throws(WireError) in try OpenedDirectory(from: &r) }
    batchSize = try reader.uint32()
    guard batchSize > 0 else { throw .malformed }
    switch try reader.byte() {
    case 1: receiver = .logstash(try LogstashSettings(from: &reader))
    case 2: receiver = .otel(try OTelSettings(from: &reader))
    case 3: receiver = .syslog(try SyslogSettings(from: &reader))
    default: throw .malformed
    }
  }
}

/// A receiver of JSON Lines over TCP, as Logstash's input `tcp` with the codec `json_lines`.
public struct LogstashSettings: WireCodable, Equatable {
  /// A name or an address, without brackets.
  public var host: String
  public var port: UInt16
  /// nil: nothing is encrypted.
  public var tls: TLSSettings?
  /// Seconds that a connection may take, and that a receiver may take nothing.
  public var timeout: UInt32

  public init(host: String, port: UInt16, tls: TLSSettings?, timeout: UInt32) {
    self.host = host
    self.port = port
    self.tls = tls
    self.timeout = timeout
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(host)
    writer.uint32(UInt32(port))
    writer.optional(tls) { $1.encode(to: &$0) }
    writer.uint32(timeout)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    host = try reader.text(limit: 1024)
    guard let port = UInt16(exactly: try reader.uint32()) else { throw .malformed }
    self.port = port
    tls = try reader.optional { (r: inout WireReader) throws(WireError) in try TLSSettings(from: &r) }
    timeout = try reader.uint32()
  }
}

/// A collector of OpenTelemetry.
public struct OTelSettings: WireCodable, Equatable {
  /// How logs are sent.
  public enum Transport: String, CaseIterable, Sendable {
    case grpc
    case httpProtobuf = "http/protobuf"
    case httpJSON = "http/json"
  }

  /// `http://collector:4317`, or `https:`.
  public var endpoint: String
  public var transport: Transport
  /// More headers of each request, such as those that prove who is asking.
  public var headers: [Header]
  /// Attributes of the resource, beside and over those that there are anyway.
  public var resource: [Attribute]
  public var tls: TLSSettings
  /// Whether requests are compressed with gzip.
  public var compression: Bool
  /// Seconds that a request may take.
  public var timeout: UInt32

  /// A header of a request.
  public struct Header: Equatable, Sendable {
    public var name: String
    public var value: SecretBytes

    public init(name: String, value: SecretBytes) {
      self.name = name
      self.value = value
    }
  }

  /// What a resource is said to be.
  public struct Attribute: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
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

  public func encode(to writer: inout WireWriter) {
    writer.text(endpoint)
    writer.text(transport.rawValue)
    writer.list(headers) {
      $0.text($1.name)
      $0.string($1.value)
    }
    writer.list(resource) {
      $0.text($1.name)
      $0.text($1.value)
    }
    tls.encode(to: &writer)
    writer.boolean(compression)
    writer.uint32(timeout)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    endpoint = try reader.text(limit: 4096)
    guard let transport = Transport(rawValue: try reader.text(limit: 64)) else { throw .malformed }
    self.transport = transport
    headers = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      Header(name: try r.text(limit: 256), value: try r.secret(limit: 8192))
    }
    resource = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      Attribute(name: try r.text(limit: 256), value: try r.text(limit: 8192))
    }
    tls = try TLSSettings(from: &reader)
    compression = try reader.boolean()
    timeout = try reader.uint32()
  }
}

/// The system's log.
public struct SyslogSettings: WireCodable, Equatable {
  /// The facility's number: 10 is authpriv. RFC 5424, section 6.2.1
  public var facility: UInt8
  /// Where journald takes entries with fields; nil, and where nobody listens there: ``socket`` is used.
  public var journalSocket: String?
  /// Where a syslog daemon takes messages.
  public var socket: String

  public init(facility: UInt8, journalSocket: String? = nil, socket: String) {
    self.facility = facility
    self.journalSocket = journalSocket
    self.socket = socket
  }

  public func encode(to writer: inout WireWriter) {
    writer.byte(facility)
    writer.optional(journalSocket) { $0.text($1) }
    writer.text(socket)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    facility = try reader.byte()
    guard facility < 24 else { throw .malformed }
    journalSocket = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    socket = try reader.text(limit: 4096)
  }
}

/// How a connection is encrypted, and who may be at its other end. Certificates and keys in PEM, as their files have them.
public struct TLSSettings: WireCodable, Equatable {
  /// Authorities that the receiver's certificate may come from; nil for those of the system.
  public var authorities: [UInt8]?
  /// Our own, for receivers that want to know who is sending.
  public var certificate: [UInt8]?
  public var key: SecretBytes?
  /// False: whoever answers is believed.
  public var verifies: Bool

  public init(authorities: [UInt8]? = nil, certificate: [UInt8]? = nil, key: SecretBytes? = nil, verifies: Bool = true)
  {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
    self.verifies = verifies
  }

  public func encode(to writer: inout WireWriter) {
    for file in [authorities, certificate] { writer.optional(file) { $0.string($1) } }
    writer.optional(key) { $0.string($1) }
    writer.boolean(verifies)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    authorities = try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string(limit: 4 << 20)) }
    certificate = try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string(limit: 1 << 20)) }
    key = try reader.optional { (r: inout WireReader) throws(WireError) in try r.secret(limit: 1 << 20) }
    verifies = try reader.boolean()
  }
}
