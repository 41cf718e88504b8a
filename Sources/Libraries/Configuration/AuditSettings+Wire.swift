import Filter
import Wire

extension Settings.Audit: WireCodable {
  /// More exporters than that are no configuration.
  static let mostExporters = 16

  public func encode(to writer: inout WireWriter) {
    writer.boolean(enabled)
    writer.list(exporters) { $1.encode(to: &$0) }
    for number in [bufferSize, batchSize, flushInterval] { writer.number(number) }
    writer.text(onFailure.rawValue)
    writer.list(rescueUsers) { $0.text($1) }
    writer.boolean(verboseIO)
    recording.encode(to: &writer)
    writer.boolean(loginRecords)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    enabled = try reader.boolean()
    exporters = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try Exporter(from: &r) }
    guard exporters.count <= Self.mostExporters else { throw .tooLong }
    bufferSize = try reader.number()
    batchSize = try reader.number()
    flushInterval = try reader.number()
    onFailure = try reader.choice()
    rescueUsers = try reader.texts()
    verboseIO = try reader.boolean()
    recording = try Recording(from: &reader)
    loginRecords = try reader.boolean()
  }
}

extension Settings.Audit.Recording: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.boolean(enabled)
    writer.optional(directory) { $0.text($1) }
    writer.list(users) { $0.text($1.description) }
    writer.boolean(input)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    enabled = try reader.boolean()
    directory = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    users = try reader.texts().map { NamePattern($0) }
    input = try reader.boolean()
  }
}

extension Settings.Audit.Exporter: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(kind.rawValue)
    switch self {
    case .file(let file):
      writer.optional(file.path) { $0.text($1) }
      writer.uint64(file.rotate.maxSize)
      writer.number(file.rotate.maxBackups)
      writer.boolean(file.rotate.compress)
      writer.text(file.sync.rawValue)
      writer.uint32(file.mode)
    case .logstash(let logstash):
      writer.text(logstash.host)
      writer.number(Int(logstash.port))
      logstash.tls.encode(to: &writer)
      writer.number(logstash.timeout)
    case .otel(let otel):
      writer.text(otel.endpoint)
      writer.text(otel.transport.rawValue)
      writer.list(otel.headers) { $1.encode(to: &$0) }
      otel.tls.encode(to: &writer)
      writer.text(otel.compression.rawValue)
      writer.list(otel.resource) { $1.encode(to: &$0) }
      writer.number(otel.timeout)
    case .syslog(let syslog):
      writer.text(syslog.facility.rawValue)
      writer.text(syslog.socket)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let kind: Kind = try reader.choice()
    switch kind {
    case .file:
      var file = Settings.Audit.File()
      file.path = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
      file.rotate.maxSize = try reader.uint64()
      file.rotate.maxBackups = try reader.number()
      file.rotate.compress = try reader.boolean()
      file.sync = try reader.choice()
      file.mode = try reader.uint32()
      self = .file(file)
    case .logstash:
      var logstash = Settings.Audit.Logstash()
      logstash.host = try reader.text()
      guard let port = UInt16(exactly: try reader.uint32()) else { throw .malformed }
      logstash.port = port
      logstash.tls = try Settings.Audit.TLS(from: &reader)
      logstash.timeout = try reader.number()
      self = .logstash(logstash)
    case .otel:
      var otel = Settings.Audit.OTel()
      otel.endpoint = try reader.text()
      otel.transport = try reader.choice()
      otel.headers = try reader.pairs()
      otel.tls = try Settings.Audit.TLS(from: &reader)
      otel.compression = try reader.choice()
      otel.resource = try reader.pairs()
      otel.timeout = try reader.number()
      self = .otel(otel)
    case .syslog:
      var syslog = Settings.Audit.Syslog()
      syslog.facility = try reader.choice()
      syslog.socket = try reader.text()
      self = .syslog(syslog)
    }
  }
}

extension Settings.Audit.TLS: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.boolean(enabled)
    for path in [caFile, certificateFile, keyFile] { writer.optional(path) { $0.text($1) } }
    writer.boolean(verify)
    for content in [ca, certificate, key] { writer.optional(content) { $0.string($1) } }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    enabled = try reader.boolean()
    for path in [\Self.caFile, \.certificateFile, \.keyFile] {
      self[keyPath: path] = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    }
    verify = try reader.boolean()
    for content in [\Self.ca, \.certificate, \.key] {
      self[keyPath: content] = try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) }
    }
  }
}

extension Settings.Audit.Pair: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.text(value)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text()
    value = try reader.text()
  }
}

extension WireReader {
  mutating func choice<Value: RawRepresentable<String>>() throws(WireError) -> Value {
    guard let value = Value(rawValue: try text(limit: 64)) else { throw .malformed }
    return value
  }

  fileprivate mutating func pairs() throws(WireError) -> [Settings.Audit.Pair] {
    try list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in try Settings.Audit.Pair(from: &r) }
  }
}
