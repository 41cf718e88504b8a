import Audit

/// An OTLP request with events as log records: `ExportLogsServiceRequest`, encoded in Protocol Buffers or JSON.
///
/// https://opentelemetry.io/docs/specs/otlp; opentelemetry/proto/logs/v1/logs.proto has the field numbers.
public struct OTLPRequest: Sendable {
  private let resources: [(host: String, lines: ArraySlice<JournalLine>)]
  private let version: String
  private let attributes: [(name: String, value: String)]

  /// - Parameters:
  ///   - lines: the events; consecutive events with the same host share a resource.
  ///   - version: the version of the server.
  ///   - resource: resource attributes from the configuration, which replace the default ones with the same name.
  public init(_ lines: [JournalLine], version: String, resource: [(name: String, value: String)]) {
    self.version = version
    attributes = resource
    var resources: [(host: String, lines: ArraySlice<JournalLine>)] = []
    var start = 0
    for end in 1..<max(lines.count + 1, 1) {
      guard end == lines.count || lines[end].event.host != lines[start].event.host else { continue }
      resources.append((lines[start].event.host, lines[start..<end]))
      start = end
    }
    self.resources = resources
  }

  /// The resource attributes, such as service.name. Those in the configuration replace our own.
  private func resource(_ host: String) -> [(name: String, value: EventFields.Value)] {
    let own = [("service.name", "bssh-server"), ("service.version", version), ("host.name", host)]
    return own.filter { name, _ in !attributes.contains { $0.name == name } }.map { ($0.0, .text($0.1)) }
      + attributes.map { ($0.name, .text($0.value)) }
  }

  /// The name of the instrumentation scope.
  private static let scope = "bssh-audit"

  /// The attributes of a record. Time and host are omitted, because the record and the resource contain them.
  private static func attributes(of line: JournalLine) -> [(name: String, value: EventFields.Value)] {
    EventFields(line).all.filter { $0.key != "timestamp" && $0.key != "host" }.map { ($0.attribute, $0.value) }
  }

  // MARK: Protocol Buffers

  /// The request in Protocol Buffers.
  public var protobuf: [UInt8] {
    var request = ProtobufWriter()
    for (host, lines) in resources {
      var resource = ProtobufWriter()
      for attribute in self.resource(host) { resource.message(1, Self.keyValue(attribute)) }
      var scope = ProtobufWriter()
      scope.string(1, Self.scope)
      scope.string(2, version)
      var scopeLogs = ProtobufWriter()
      scopeLogs.message(1, scope)
      for line in lines { scopeLogs.message(2, Self.record(line)) }
      var resourceLogs = ProtobufWriter()
      resourceLogs.message(1, resource)
      resourceLogs.message(2, scopeLogs)
      request.message(1, resourceLogs)
    }
    return request.bytes
  }

  private static func record(_ line: JournalLine) -> ProtobufWriter {
    let severity = line.event.record.severity
    let time = nanoseconds(line.event.time)
    var record = ProtobufWriter()
    record.fixed64(1, time)
    record.integer(2, severity.number)
    record.string(3, severity.name)
    record.message(5, value(.text(EventFields.summary(line))))
    for (name, value) in attributes(of: line) { record.message(6, keyValue((name, value))) }
    record.fixed64(11, time)
    record.string(12, line.event.record.type.rawValue)
    return record
  }

  private static func keyValue(_ attribute: (name: String, value: EventFields.Value)) -> ProtobufWriter {
    var pair = ProtobufWriter()
    pair.string(1, attribute.name)
    pair.message(2, value(attribute.value))
    return pair
  }

  private static func value(_ value: EventFields.Value) -> ProtobufWriter {
    var any = ProtobufWriter()
    switch value {
    case .text(let text): any.bytesField(1, text.utf8)
    case .number(let number): any.presentInteger(3, Int64(clamping: number))
    }
    return any
  }

  /// Times before 1970 become 0.
  private static func nanoseconds(_ microseconds: Int64) -> UInt64 {
    let (product, overflow) = UInt64(clamping: microseconds).multipliedReportingOverflow(by: 1000)
    return overflow ? .max : product
  }

  // MARK: JSON

  /// The request in the JSON encoding of Protocol Buffers, in which 64-bit integers are strings.
  public var json: [UInt8] {
    var bytes = Array("{\"resourceLogs\":[".utf8)
    for (index, (host, lines)) in resources.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes += "{\"resource\":{\"attributes\":".utf8
      Self.append(resource(host), to: &bytes)
      bytes += "},\"scopeLogs\":[{\"scope\":{\"name\":".utf8
      JSONText.append(Self.scope, to: &bytes)
      bytes += ",\"version\":".utf8
      JSONText.append(version, to: &bytes)
      bytes += "},\"logRecords\":[".utf8
      for line in lines {
        if line.sequence != lines.first?.sequence { bytes.append(UInt8(ascii: ",")) }
        Self.append(line, to: &bytes)
      }
      bytes += "]}]}".utf8
    }
    return bytes + Array("]}".utf8)
  }

  private static func append(_ line: JournalLine, to bytes: inout [UInt8]) {
    let severity = line.event.record.severity
    let time = nanoseconds(line.event.time)
    bytes += "{\"timeUnixNano\":\"\(time)\",\"observedTimeUnixNano\":\"\(time)\"".utf8
    bytes += ",\"severityNumber\":\(severity.number),\"severityText\":\"\(severity.name)\"".utf8
    bytes += ",\"eventName\":\"\(line.event.record.type.rawValue)\",\"body\":{\"stringValue\":".utf8
    JSONText.append(EventFields.summary(line), to: &bytes)
    bytes += "},\"attributes\":".utf8
    append(attributes(of: line), to: &bytes)
    bytes.append(UInt8(ascii: "}"))
  }

  private static func append(_ attributes: [(name: String, value: EventFields.Value)], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
    for (index, attribute) in attributes.enumerated() {
      bytes += (index > 0 ? ",{\"key\":" : "{\"key\":").utf8
      JSONText.append(attribute.name, to: &bytes)
      switch attribute.value {
      case .text(let text):
        bytes += ",\"value\":{\"stringValue\":".utf8
        JSONText.append(text, to: &bytes)
      case .number(let number):
        bytes += ",\"value\":{\"intValue\":\"\(Int64(clamping: number))\"".utf8
      }
      bytes += "}}".utf8
    }
    bytes.append(UInt8(ascii: "]"))
  }
}
