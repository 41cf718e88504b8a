import IPC
import Wire

/// An exporter of the type `file`.
extension Settings.Audit.File: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<Settings.Audit.File>] = [
    EntryKey(
      "path", ValueType<String>.path.optional, \.path,
      "The path; default: /var/log/bssh/audit.log, or not as root $XDG_STATE_HOME/bssh/audit.log."),
    EntryKey(
      "rotate",
      .entry("a mapping of max_size, max_backups, compress"),
      \.rotate, "When files are rotated. A mapping:"),
    EntryKey(
      "fsync", .choice(), \.sync,
      "When events are flushed to the disk: always (immediately), interval (after flush_interval), never."),
    EntryKey(
      "mode", .journalMode, \.mode, "Permissions of the file: \"0600\", or \"0640\" for its group."),
  ]
}

/// `rotate`.
extension Settings.Audit.Rotate: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<Settings.Audit.Rotate>] = [
    EntryKey("max_size", .size(4096...1 << 50), \.maxSize, showsDefault: true, "The size at which a file is rotated"),
    EntryKey(
      "max_backups", .integer(0...1000), \.maxBackups, showsDefault: true, "The number of rotated files that are kept"),
    EntryKey("compress", .boolean, \.compress, showsDefault: true, "Whether rotated files are compressed with gzip"),
  ]
}

/// An exporter of the type `logstash`.
extension LogstashSettings: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<LogstashSettings>] = [
    EntryKey("host", .hostName, \.host, isRequired: true, "The host that listens for JSON Lines over TCP; required."),
    EntryKey("port", .integer(1...65535), \.port, showsDefault: true, "The TCP port"),
    EntryKey(
      "tls",
      .entry("a mapping of enabled, ca, certificate, key, verify"),
      \.tls, "Encryption and authentication. A mapping:"),
    EntryKey("timeout", .duration(1...3600), \.timeout, showsDefault: true, "Time limit for a reply"),
  ]
}

/// An exporter of the type `otel`.
extension OTelSettings: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<OTelSettings>] = [
    EntryKey(
      "endpoint", .endpoint, \.endpoint, isRequired: true,
      "The collector: http://localhost:4317 or https://otel.example.org, for instance; required."),
    EntryKey("protocol", .choice(), \.transport, showsDefault: true, "grpc, http/protobuf or http/json"),
    EntryKey("headers", .headers, \.headers, "Additional headers of every request: a mapping of names to texts."),
    EntryKey(
      "tls",
      .entry("a mapping of ca, certificate, key, verify", TLSSettings.keysOfEndpoint),
      \.tls, "As for logstash, but the endpoint determines whether TLS is used."),
    EntryKey("compression", .choice(), \.compression, showsDefault: true, "gzip or none"),
    EntryKey(
      "resource", .attributes, \.resource, "Attributes of the resource: a mapping of names to texts."),
    EntryKey("timeout", .duration(1...3600), \.timeout, showsDefault: true, "Time limit for a request"),
  ]
}

/// An exporter of the type `syslog`.
extension SyslogSettings: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<SyslogSettings>] = [
    EntryKey("facility", .choice(), \.facility, showsDefault: true, "The facility of the messages"),
    EntryKey("socket", .path, \.socket, showsDefault: true, "The socket of the system log"),
  ]
}

/// `tls`.
extension TLSSettings: KeyedEntry, SettingValue {
  public static let keys: [EntryKey<TLSSettings>] =
    [EntryKey("enabled", .boolean, \.isEnabled, showsDefault: true, "Whether TLS is used")] + keysOfEndpoint

  /// The keys of `tls` for exporters whose endpoint determines whether TLS is used.
  static let keysOfEndpoint: [EntryKey<TLSSettings>] = [
    EntryKey(
      "ca", ValueType<String>.path.optional, \.authoritiesFile,
      "A PEM file with the trusted CAs; default: those of the system."),
    EntryKey(
      "certificate", ValueType<String>.path.optional, \.certificateFile,
      "A PEM file with our certificate; default: none."),
    EntryKey(
      "key", ValueType<String>.path.optional, \.keyFile, "A PEM file with the private key of the certificate."),
    EntryKey(
      "verify", .boolean, \.verifies, showsDefault: true, "Whether the receiver's certificate and its name are verified"
    ),
  ]
}

extension OTelSettings.Header: SettingValue {}
extension OTelSettings.Attribute: SettingValue {}
extension Settings.Audit.File.Sync: SettingValue {}
extension OTelSettings.Transport: SettingValue {}
extension OTelSettings.Compression: SettingValue {}
extension SyslogSettings.Facility: SettingValue {}
extension Settings.Audit.Exporter.Kind: SettingValue {}

/// The description of the keys of `audit.exporters` in the template: an indented line for each.
enum ExporterHelp {
  static let lines: [String] =
    entry(.file, Settings.Audit.File.keys, below: ["rotate": lines(Settings.Audit.Rotate.keys)])
    + entry(.logstash, LogstashSettings.keys, below: ["tls": lines(TLSSettings.keys)])
    + entry(.otel, OTelSettings.keys) + entry(.syslog, SyslogSettings.keys)

  private static func entry<Entry>(
    _ kind: Settings.Audit.Exporter.Kind, _ keys: [EntryKey<Entry>], below: [String: [String]] = [:]
  ) -> [String] {
    ["  - type: \(kind.rawValue)"]
      + keys.flatMap { key in ["    \(key.name): \(key.meaning)"] + (below[key.name] ?? []).map { "      " + $0 } }
  }

  private static func lines<Entry>(_ keys: [EntryKey<Entry>]) -> [String] { keys.map { "\($0.name): \($0.meaning)" } }
}

extension ValueType where Value == [Settings.Audit.Exporter] {
  /// Exporters: each is a mapping with a type and the keys of that type.
  static let exporters = ValueType(
    description: "a list of exporters", isFileOnly: true,
    schema: .list(of: exporterSchema, atMost: Settings.Audit.exporterLimit),
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of exporters, found \(node.found)")
        return nil
      }
      guard items.count <= Settings.Audit.exporterLimit else {
        faults.add(node, "expected at most \(Settings.Audit.exporterLimit) exporters, found \(items.count)")
        return nil
      }
      return items.enumerated().compactMap { index, item in faults.within("[\(index)]") { exporter(item, &$0) } }
    },
    render: { .block($0.map(entries(of:))) })
}

private var exporterSchema: JSONSchema {
  func entry<Entry: KeyedEntry>(_ kind: Settings.Audit.Exporter.Kind, _: Entry.Type) -> JSONSchema {
    let type = JSONSchema.object([("const", .text(kind.rawValue))])
    return .mapping(
      [("type", type)] + Entry.keys.map { ($0.name, $0.schema) },
      required: ["type"] + Entry.keys.filter(\.isRequired).map(\.name))
  }
  return .anyOf(
    entry(.file, Settings.Audit.File.self), entry(.logstash, LogstashSettings.self),
    entry(.otel, OTelSettings.self), entry(.syslog, SyslogSettings.self))
}

private func exporter(_ node: Node, _ faults: inout ValueDiagnostics) -> Settings.Audit.Exporter? {
  let kinds = Settings.Audit.Exporter.Kind.allCases.map(\.rawValue).joined(separator: ", ")
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected an exporter with a type (\(kinds)), found \(node.found)")
    return nil
  }
  guard let type = node.entry("type") else {
    faults.add(node, "the exporter has no type: one of \(kinds)")
    return nil
  }
  let kind = faults.within(".type") { ValueType<Settings.Audit.Exporter.Kind>.choice().parse(type, &$0) }
  switch kind {
  case .file: return .file(entry(entries, &faults).0)
  case .logstash:
    let (logstash, seen): (LogstashSettings, Set<String>) = entry(entries, &faults)
    if !seen.contains("host") { faults.add(node, "the exporter has no host") }
    return .logstash(logstash)
  case .otel:
    let (otel, seen): (OTelSettings, Set<String>) = entry(entries, &faults)
    if !seen.contains("endpoint") { faults.add(node, "the exporter has no endpoint") }
    return .otel(otel)
  case .syslog: return .syslog(entry(entries, &faults).0)
  case nil: return nil
  }
}

private func entry<Entry: KeyedEntry>(_ entries: [Node.Entry], _ faults: inout ValueDiagnostics) -> (Entry, Set<String>)
{
  var entry = Entry()
  let seen = Entry.read(entries, into: &entry, passing: ["type"], &faults)
  return (entry, seen)
}

private func entries(of exporter: Settings.Audit.Exporter) -> [(String, Rendering)] {
  let type: [(String, Rendering)] = [("type", .scalar(exporter.kind.rawValue))]
  return switch exporter {
  case .file(let file): type + file.rendered()
  case .logstash(let logstash): type + logstash.rendered()
  case .otel(let otel): type + otel.rendered()
  case .syslog(let syslog): type + syslog.rendered()
  }
}

extension Settings.Audit.Exporter: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    let kind: Kind = try coder.choice(value?.kind)
    // When reading, a new entry of the kind determines which fields follow.
    switch value ?? Self(kind) {
    case .file(let file): return .file(try .code(value.map { _ in file }, in: &coder))
    case .logstash(let logstash): return .logstash(try .code(value.map { _ in logstash }, in: &coder))
    case .otel(let otel): return .otel(try .code(value.map { _ in otel }, in: &coder))
    case .syslog(let syslog): return .syslog(try .code(value.map { _ in syslog }, in: &coder))
    }
  }

  static func code<Coder: FieldCoder>(list: [Self]?, in coder: inout Coder) throws(Coder.Failure) -> [Self] {
    try code(list: list, atMost: Settings.Audit.exporterLimit, in: &coder)
  }

  private init(_ kind: Kind) {
    self =
      switch kind {
      case .file: .file(.init())
      case .logstash: .logstash(.init())
      case .otel: .otel(.init())
      case .syslog: .syslog(.init())
      }
  }
}

extension ValueType where Value == UInt32 {
  fileprivate static let journalMode = scalar(
    "\"0600\" or \"0640\"",
    schema: .object([
      ("enum", .array([.text("0600"), .text("0640"), .text("600"), .text("640"), .literal("600"), .literal("640")]))
    ]),
    { ["600", "0600", "0o600"].contains($0) ? 0o600 : ["640", "0640", "0o640"].contains($0) ? 0o640 : nil },
    render: { "\"0\(String($0, radix: 8))\"" }, quotable: true)
}

extension ValueType where Value == String {
  /// A DNS name or an address.
  fileprivate static let hostName = text("a host") { text in
    let isName = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x3a, 0x5f: true
      default: false
      }
    }
    return isName && (1...253).contains(text.utf8.count)
      ? nil : "\(quoted(text)) is neither a host name nor an address; IPv6 addresses must be without brackets"
  }

  /// A URL without user, query and fragment.
  fileprivate static let endpoint = text("a URL that begins with http:// or https://") { text in
    let rest = ["http://", "https://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) }
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"@?#\"<>\\^`{|}".utf8.contains($0) }
    guard let rest, isPlain, text.utf8.count <= 2048, let first = rest.utf8.first, first != 0x2f, first != 0x3a else {
      return
        "\(quoted(text)) is not an endpoint: expected http:// or https://, a host, and optionally a port and a path"
    }
    return nil
  }
}

extension ValueType where Value == [OTelSettings.Header] {
  /// HTTP headers. RFC 9110, section 5
  fileprivate static let headers = mapping(
    "a mapping of headers to texts", "the name of a header", pattern: "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}"
  ) { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  } make: {
    OTelSettings.Header(name: $0, value: SecretBytes(Array($1.utf8)))
  } parts: { header in
    (header.name, header.value.lend { String(decoding: $0, as: UTF8.self) })
  }
}

extension ValueType where Value == [OTelSettings.Attribute] {
  /// Attributes, such as `deployment.environment`.
  fileprivate static let attributes = mapping(
    "a mapping of attributes to texts", "the name of an attribute", pattern: "[A-Za-z0-9._-]{1,256}"
  ) { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "._-".utf8.contains(byte)
    }
  } make: {
    OTelSettings.Attribute(name: $0, value: $1)
  } parts: {
    ($0.name, $0.value)
  }
}

extension ValueType {
  /// A mapping of at most 64 names to texts.
  fileprivate static func mapping<Element>(
    _ description: String, _ what: String, pattern: String, _ isOfName: @escaping @Sendable (UInt8) -> Bool,
    make: @escaping @Sendable (_ name: String, _ text: String) -> Element,
    parts: @escaping @Sendable (Element) -> (name: String, text: String)
  ) -> ValueType where Value == [Element] {
    ValueType(
      description: description, isFileOnly: true, schema: .names(pattern, to: .anyOf(.scalar, .null), atMost: 64),
      parse: { node, faults in
        guard case .mapping(let entries) = node.content, entries.count <= 64 else {
          faults.add(node, "expected \(description), at most 64, found \(node.found)")
          return nil
        }
        var names: Set<String> = []
        var elements: [Element] = []
        for entry in entries {
          faults.within(".\(entry.key)") { faults in
            guard (1...256).contains(entry.key.utf8.count), entry.key.utf8.allSatisfy(isOfName) else {
              return faults.add(at: entry.position, "\(quoted(entry.key)) is not \(what)")
            }
            if !names.insert(entry.key.lowercased()).inserted {
              faults.add(at: entry.position, "given twice")
            }
            guard case .scalar(let text, _) = entry.value.content, text.utf8.count <= 8192,
              !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
            else {
              // The text may be a secret, so the fault does not contain it.
              return faults.add(entry.value, "expected a text of at most 8192 bytes without control characters")
            }
            elements.append(make(entry.key, text))
          }
        }
        return elements
      },
      render: { elements in
        .mapping(elements.map(parts).map { ($0.name, yamlText($0.text)) })
      })
  }
}
