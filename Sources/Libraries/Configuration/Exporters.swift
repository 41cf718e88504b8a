extension EntryKey where Entry == Settings.Audit.File {
  /// The keys of an exporter of the type `file`.
  public static let all: [EntryKey] = [
    EntryKey(
      "path", ValueType<String>.path.optional, \.path, unless: .some(nil),
      "The file: /var/log/bssh/audit.log, or as a user $XDG_STATE_HOME/bssh/audit.log."),
    EntryKey(
      "rotate",
      .entry("a mapping of max_size, max_backups, compress", EntryKey<Settings.Audit.Rotate>.all, empty: .init()),
      \.rotate, unless: .init(), "When a new file begins. A mapping:"),
    EntryKey(
      "fsync", .choice(), \.sync, unless: .interval,
      "When events are on the disk: always (at once), interval (after flush_interval), never (whenever)."),
    EntryKey(
      "mode", .journalMode, \.mode, unless: 0o600, "Permissions of the file: \"0600\", or \"0640\" for its group."),
  ]
}

extension EntryKey where Entry == Settings.Audit.Rotate {
  /// The keys of `rotate`.
  public static let all: [EntryKey] = [
    EntryKey("max_size", .size(4096...1 << 50), \.maxSize, unless: 100 << 20, "The size from which on; 100MiB."),
    EntryKey("max_backups", .integer(0...1000), \.maxBackups, unless: 5, "Old files that are kept; 5."),
    EntryKey("compress", .boolean, \.compress, unless: true, "Whether old files are compressed, by gzip; true."),
  ]
}

extension EntryKey where Entry == Settings.Audit.Logstash {
  /// The keys of an exporter of the type `logstash`.
  public static let all: [EntryKey] = [
    EntryKey("host", .hostName, \.host, "Where it listens, for JSON Lines over TCP; must be there."),
    EntryKey("port", .integer(1...65535), \.port, unless: 5044, "Its port; 5044."),
    EntryKey(
      "tls",
      .entry("a mapping of enabled, ca, certificate, key, verify", EntryKey<Settings.Audit.TLS>.all, empty: .init()),
      \.tls, unless: .init(), "How it is known, and knows us. A mapping:"),
    EntryKey("timeout", .duration(1...3600), \.timeout, unless: 10, "The time until it has to answer; 10s."),
  ]
}

extension EntryKey where Entry == Settings.Audit.OTel {
  /// The keys of an exporter of the type `otel`.
  public static let all: [EntryKey] = [
    EntryKey(
      "endpoint", .endpoint, \.endpoint,
      "The collector, as http://localhost:4317 or https://otel.example.org; must be there."),
    EntryKey("protocol", .choice(), \.transport, unless: .grpc, "grpc, http/protobuf or http/json; grpc."),
    EntryKey("headers", .headers, \.headers, unless: [], "Headers of every request: a mapping of names to texts."),
    EntryKey(
      "tls",
      .entry("a mapping of ca, certificate, key, verify", EntryKey<Settings.Audit.TLS>.ofEndpoint, empty: .init()),
      \.tls,
      unless: .init(), "As for logstash, but that the endpoint says whether it is used."),
    EntryKey("compression", .choice(), \.compression, unless: .gzip, "gzip or none; gzip."),
    EntryKey(
      "resource", .attributes, \.resource, unless: [], "Attributes of the resource: a mapping of names to texts."),
    EntryKey("timeout", .duration(1...3600), \.timeout, unless: 10, "The time that a request may take; 10s."),
  ]
}

extension EntryKey where Entry == Settings.Audit.Syslog {
  /// The keys of an exporter of the type `syslog`.
  public static let all: [EntryKey] = [
    EntryKey("facility", .choice(), \.facility, unless: .authpriv, "What the events are counted under; authpriv."),
    EntryKey("socket", .path, \.socket, unless: "/dev/log", "The socket of the system's log; /dev/log."),
  ]
}

extension EntryKey where Entry == Settings.Audit.TLS {
  /// The keys of `tls`.
  public static let all: [EntryKey] =
    [EntryKey("enabled", .boolean, \.enabled, unless: false, "Whether TLS is used; false.")] + ofEndpoint

  /// Those that are left where an address says whether it is used.
  static let ofEndpoint: [EntryKey] = [
    EntryKey(
      "ca", ValueType<String>.path.optional, \.caFile, unless: .some(nil),
      "A file of authorities (PEM) that are trusted; the system's."),
    EntryKey(
      "certificate", ValueType<String>.path.optional, \.certificateFile, unless: .some(nil),
      "A file with our certificate (PEM); none."),
    EntryKey(
      "key", ValueType<String>.path.optional, \.keyFile, unless: .some(nil), "A file with the private key of it (PEM)."),
    EntryKey(
      "verify", .boolean, \.verify, unless: true, "Whether its certificate must be good, and for its name; true."),
  ]
}

/// What the template says about the keys of `audit.exporters`: a line for each, and how deep it stands.
enum ExporterHelp {
  static let lines: [String] =
    entry(.file, EntryKey<Settings.Audit.File>.all, below: ["rotate": lines(EntryKey<Settings.Audit.Rotate>.all)])
    + entry(.logstash, EntryKey<Settings.Audit.Logstash>.all, below: ["tls": lines(EntryKey<Settings.Audit.TLS>.all)])
    + entry(.otel, EntryKey<Settings.Audit.OTel>.all) + entry(.syslog, EntryKey<Settings.Audit.Syslog>.all)

  private static func entry<Entry>(
    _ kind: Settings.Audit.Exporter.Kind, _ keys: [EntryKey<Entry>], below: [String: [String]] = [:]
  ) -> [String] {
    ["  - type: \(kind.rawValue)"]
      + keys.flatMap { key in ["    \(key.name): \(key.meaning)"] + (below[key.name] ?? []).map { "      " + $0 } }
  }

  private static func lines<Entry>(_ keys: [EntryKey<Entry>]) -> [String] { keys.map { "\($0.name): \($0.meaning)" } }
}

extension ValueType where Value == [Settings.Audit.Exporter] {
  /// Exporters, each a mapping with a type and the keys of that.
  static let exporters = ValueType(
    description: "a list of exporters", isFileOnly: true,
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of exporters, found \(node.found)")
        return nil
      }
      guard items.count <= Settings.Audit.mostExporters else {
        faults.add(node, "expected at most \(Settings.Audit.mostExporters) exporters, found \(items.count)")
        return nil
      }
      return items.enumerated().compactMap { index, item in faults.within("[\(index)]") { exporter(item, &$0) } }
    },
    render: { .block($0.map(entries(of:))) })
}

private func exporter(_ node: Node, _ faults: inout Faults) -> Settings.Audit.Exporter? {
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
  case .file:
    var file = Settings.Audit.File()
    _ = EntryKey.read(entries, EntryKey<Settings.Audit.File>.all, into: &file, passing: ["type"], &faults)
    return .file(file)
  case .logstash:
    var logstash = Settings.Audit.Logstash()
    let keys = EntryKey<Settings.Audit.Logstash>.all
    let seen = EntryKey.read(entries, keys, into: &logstash, passing: ["type"], &faults)
    if !seen.contains("host") { faults.add(node, "the exporter has no host to send to") }
    return .logstash(logstash)
  case .otel:
    var otel = Settings.Audit.OTel()
    let seen = EntryKey.read(entries, EntryKey<Settings.Audit.OTel>.all, into: &otel, passing: ["type"], &faults)
    if !seen.contains("endpoint") { faults.add(node, "the exporter has no endpoint to send to") }
    return .otel(otel)
  case .syslog:
    var syslog = Settings.Audit.Syslog()
    _ = EntryKey.read(entries, EntryKey<Settings.Audit.Syslog>.all, into: &syslog, passing: ["type"], &faults)
    return .syslog(syslog)
  case nil: return nil
  }
}

private func entries(of exporter: Settings.Audit.Exporter) -> [(String, Rendering)] {
  let type: [(String, Rendering)] = [("type", .scalar(exporter.kind.rawValue))]
  return switch exporter {
  case .file(let file): type + EntryKey.render(file, EntryKey<Settings.Audit.File>.all)
  case .logstash(let logstash): type + EntryKey.render(logstash, EntryKey<Settings.Audit.Logstash>.all)
  case .otel(let otel): type + EntryKey.render(otel, EntryKey<Settings.Audit.OTel>.all)
  case .syslog(let syslog): type + EntryKey.render(syslog, EntryKey<Settings.Audit.Syslog>.all)
  }
}

extension ValueType where Value == UInt32 {
  fileprivate static let journalMode = scalar(
    "\"0600\" or \"0640\"",
    { ["600", "0600", "0o600"].contains($0) ? 0o600 : ["640", "0640", "0o640"].contains($0) ? 0o640 : nil },
    render: { "\"0\(String($0, radix: 8))\"" }, quotable: true)
}

extension ValueType where Value == String {
  /// A name of DNS, or an address.
  fileprivate static let hostName = text("a host") { text in
    let isName = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x3a, 0x5f: true
      default: false
      }
    }
    return isName && (1...253).contains(text.utf8.count)
      ? nil : "\(quoted(text)) is no name of a host and no address: an IPv6 address stands without brackets"
  }

  /// A URL without a user, a query and a fragment.
  fileprivate static let endpoint = text("a URL that begins with http:// or https://") { text in
    let rest = ["http://", "https://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) }
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"@?#\"<>\\^`{|}".utf8.contains($0) }
    guard let rest, isPlain, text.utf8.count <= 2048, let first = rest.utf8.first, first != 0x2f, first != 0x3a else {
      return "\(quoted(text)) is no endpoint: expected http:// or https://, a host, and if need be a port and a path"
    }
    return nil
  }
}

extension ValueType where Value == [Settings.Audit.Pair] {
  /// Headers of HTTP. RFC 9110, section 5
  fileprivate static let headers = pairs("a mapping of headers to texts", "the name of a header") { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// Attributes, as `deployment.environment`.
  fileprivate static let attributes = pairs("a mapping of attributes to texts", "the name of an attribute") { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "._-".utf8.contains(byte)
    }
  }

  private static func pairs(
    _ description: String, _ what: String, _ isOfName: @escaping @Sendable (UInt8) -> Bool
  ) -> ValueType {
    ValueType(
      description: description, isFileOnly: true,
      parse: { node, faults in
        guard case .mapping(let entries) = node.content, entries.count <= 64 else {
          faults.add(node, "expected \(description), at most 64, found \(node.found)")
          return nil
        }
        var pairs: [Settings.Audit.Pair] = []
        for entry in entries {
          faults.within(".\(entry.key)") { faults in
            guard (1...256).contains(entry.key.utf8.count), entry.key.utf8.allSatisfy(isOfName) else {
              return faults.add(at: entry.position, "\(quoted(entry.key)) is not \(what)")
            }
            if pairs.contains(where: { $0.name.lowercased() == entry.key.lowercased() }) {
              faults.add(at: entry.position, "given twice")
            }
            guard case .scalar(let text, _) = entry.value.content, text.utf8.count <= 8192,
              !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
            else {
              // The text may be a secret, and is not shown.
              return faults.add(entry.value, "expected a text of at most 8192 bytes without control characters")
            }
            pairs.append(.init(name: entry.key, value: text))
          }
        }
        return pairs
      },
      render: { .mapping($0.map { ($0.name, yamlText($0.value)) }) })
  }
}
