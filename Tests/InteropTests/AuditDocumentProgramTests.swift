import Foundation
import Testing

/// The examples of Documentation/AUDIT.md for Logstash and for Loki. Neither can run in a test: the pipeline is read by
/// Logstash's grammar, and the queries by Loki's own parser; logstash.py and loki.py execute them.
extension Interop.AuditDocument {
  /// A folder for the files of such a program.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "bssh-document-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    chmod(folder, 0o755)
    try body(folder)
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func audit(_ entry: String) -> Daemon.Keys {
    ["exporters": "[{type: file, path: DIRECTORY/audit/audit.log}, \(entry)]"]
  }

  private func failToLogIn(_ daemon: Daemon, from source: String) throws {
    #expect(try daemon.ssh("-b", source, "-o", "PubkeyAuthentication=no", "host", "true").status == 255)
  }

  // MARK: Logstash

  /// Documents by index and id.
  private typealias Documents = [String: [String: [String: Any]]]

  /// The pipeline, and certificates in the places that it names.
  private func pipeline(in folder: String) throws -> String {
    _ = try TestCertificates(in: folder)
    chmod("\(folder)/client.key", 0o600)
    let pipeline = try #require(try blocks("logstash").first)
    #expect(pipeline.contains("port => 5044"))
    return pipeline.replacingOccurrences(of: "/etc/logstash", with: folder)
  }

  /// The entry of `audit.exporters` that the document shows for it.
  private func logstashEntry(port: UInt16, in folder: String) throws -> String {
    let text = try #require(try blocks("yaml").first { $0.contains("- type: logstash") })
    let entry = try #require(text.firstMatch(of: /- (type: logstash\n(?: {6}.*\n)*)/)).1
    let lines = entry.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    return "{\(lines.joined(separator: ", "))}".replacingOccurrences(of: "logs.example.org", with: "localhost")
      .replacingOccurrences(of: "port: 5044", with: "port: \(port)")
      .replacingOccurrences(of: "/etc/bssh/logs-ca.pem", with: "\(folder)/ca.pem")
      .replacingOccurrences(of: "/etc/bssh/logs.", with: "\(folder)/client.")
  }

  /// The state of logstash.py: the number of received lines, and its documents.
  private func stored(_ logstash: EventReceiver) throws -> (received: Int, documents: Documents) {
    try logstash.tell("show")
    let content = try Data(contentsOf: URL(fileURLWithPath: logstash.events.path))
    let object = try JSONSerialization.jsonObject(with: content) as? [String: Any]
    return (
      try #require(object?["received"] as? Int),
      try #require(object?["documents"] as? Documents)
    )
  }

  /// Waits until each of these events has a document, and at least `count` lines were received.
  private func wait(for events: [DaemonJournal.Event], _ count: Int, in logstash: EventReceiver) throws {
    try eventually(within: 60, "\(events.count) documents, \(count) lines") {
      let stored = try stored(logstash)
      let ids = Set(stored.documents.values.flatMap(\.keys))
      return stored.received >= count && ids.isSuperset(of: events.map(\.id))
    }
  }

  /// Checks that the document is the event: every key, the time, and a tag where the pipeline adds one.
  private func expect(_ document: [String: Any], is event: DaemonJournal.Event) {
    let tags = ["auth_failure": ["refused"], "transfer_denied": ["refused"]][event.type]
    #expect(document["tags"] as? [String] == tags, "\(event)")
    // With a resolution of milliseconds.
    #expect(document["@timestamp"] as? String == event["timestamp"].map { $0.prefix(23) + "Z" }, "\(event)")
    #expect(Set(document.keys).subtracting(["tags", "@timestamp", "@version"]) == Set(event.values.keys))
    for (key, value) in event.values { #expect(document[key] as? NSObject == value as? NSObject, "\(key): \(event)") }
  }

  @Test(.timeLimit(.minutes(3)))
  func `the pipeline for Logstash stores one document for each event, however often it is sent`() throws {
    try withFolder { folder throws in
      try write(pipeline(in: folder), to: "\(folder)/pipeline")
      let logstash = try EventReceiver(
        script: "logstash.py", python: EventReceiver.pythonWithPackages(), in: folder,
        arguments: ["\(folder)/pipeline"])
      let deny: Daemon.Keys = [
        "enabled": "true", "rules": "[{pattern: '*.secret', action: deny, operations: [upload]}]",
      ]
      try withDaemon(filter: deny, audit: audit(logstashEntry(port: logstash.port, in: folder))) { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 0)
        try failToLogIn(daemon, from: "127.0.0.1")
        #expect(try daemon.sftp("-put \(daemon.directory)/id.pub no.secret").status == 0)
        try daemon.events.events(3, of: "connection_closed")
        let first = try daemon.events.all()
        try wait(for: first, first.count, in: logstash)
        // A broken connection has acknowledged nothing: everything is sent again.
        try logstash.tell("reset")
        #expect(try daemon.ssh("host", "true").status == 0)
        try daemon.events.events(4, of: "connection_closed")
        let events = try daemon.events.all()
        try wait(for: events, first.count + events.count, in: logstash)
        // Another month, and a partial line.
        let old = #"{"id":"old","timestamp":"2025-12-31T23:59:59.999999Z","event_type":"audit_gap"}"#
        try write("\(old)\n{\"id\":\"half\",", to: "\(folder)/lines")
        let client = "openssl s_client -quiet -no_ign_eof -cert \(folder)/client.pem -key \(folder)/client.key"
        try succeed("sh", "-c", "timeout 20 \(client) -connect 127.0.0.1:\(logstash.port) <\(folder)/lines")
        try wait(for: [DaemonJournal.Event(old)], first.count + events.count + 2, in: logstash)

        let documents = try stored(logstash).documents
        #expect(documents.values.reduce(0) { $0 + $1.count } == events.count + 1)
        #expect(events.contains { $0.type == "auth_failure" } && events.contains { $0.type == "transfer_denied" })
        for event in events {
          let month = try #require(event["timestamp"]).prefix(7).replacingOccurrences(of: "-", with: ".")
          expect(try #require(documents["bssh-\(month)"]?[event.id]), is: event)
        }
        let other = try #require(documents["bssh-2025.12"]?["old"])
        #expect(other["@timestamp"] as? String == "2025-12-31T23:59:59.999Z")
        #expect(other["tags"] as? [String] == ["alarm"])
      }
    }
  }

  @Test(.timeLimit(.minutes(2))) func `a pipeline with an error is refused, with its name`() throws {
    try withFolder { folder throws in
      let pipeline = try pipeline(in: folder)
      let python = try EventReceiver.pythonWithPackages()
      for (words, others, expected) in [
        ("output {", "output", "ParseError"), ("date {", "grok {", "the plugin grok"),
        ("add_tag =>", "add_tags =>", "the option mutate.add_tags"), ("json_lines", "jsonlines", "codec"),
        ("[event_type] ==", "[event_type] !=", "'!='"), ("YYYY", "yyyy", "the time +yyyy.MM"),
      ] {
        #expect(pipeline.contains(words))
        try write(pipeline.replacingOccurrences(of: words, with: others), to: "\(folder)/pipeline")
        let outcome = try run([python, Daemon.client("logstash.py"), "0", "\(folder)/stored", "\(folder)/pipeline"])
        #expect(outcome.status == 1 && outcome.errors.contains(expected), "\(others): \(outcome)")
      }
    }
  }

  // MARK: Loki

  /// A body of Loki's push API: lines with their labels, all with the same time in nanoseconds.
  private func stream(_ labels: [String: String], _ values: [[Any]]) -> [String: Any] {
    ["stream": labels, "values": values]
  }

  /// The labels that Loki's OTLP receiver makes of the received records: names with underscores, and strings.
  private func entries(of collector: EventReceiver, _ time: Int) throws -> [[Any]] {
    let lines = try String(contentsOfFile: collector.events.path, encoding: .utf8).split(separator: "\n")
    return try lines.map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect((object?["resource"] as? [String: Any])?["service.name"] as? String == "bssh-server")
      let attributes = try #require(object?["attributes"] as? [String: Any])
      let metadata = attributes.map { ($0.key.replacingOccurrences(of: ".", with: "_"), "\($0.value)") }
      return ["\(time)", object?["body"] ?? "", Dictionary(uniqueKeysWithValues: metadata)]
    }
  }

  /// The result by address, or the error.
  private func ask(_ query: String, _ time: Int, in folder: String) throws -> ([String: String], error: String) {
    try write(query, to: "\(folder)/query")
    let outcome = try run([
      EventReceiver.pythonWithPackages(), Daemon.client("loki.py"), "\(folder)/query", "\(folder)/push", "\(time)",
    ])
    if outcome.status != 0 { return ([:], outcome.errors) }
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    let result = try #require((object?["data"] as? [String: Any])?["result"] as? [[String: Any]])
    return (
      try result.reduce(into: [:]) { counts, series in
        let metric = try #require(series["metric"] as? [String: String])
        counts[try #require(metric["client_ip"])] = (series["value"] as? [Any])?.last as? String
      }, ""
    )
  }

  @Test(.timeLimit(.minutes(3))) func `the queries for Loki count failed logins by address`() throws {
    let queries = try blocks("logql")
    try #require(queries.count == 2)
    let place = "loki.example.org:3100"
    let text = try #require(Self.text)
    let entry = String(try #require(text.firstMatch(of: /`(\{type: otel, endpoint: "[^`]*\/otlp"[^`]*)`/)).1)
    #expect(entry.contains("\"http://\(place)/otlp\""))
    try withFolder { folder throws in
      let collector = try EventReceiver(collector: .httpProtobuf, in: folder, arguments: ["/otlp"])
      let keys = audit(entry.replacingOccurrences(of: place, with: "127.0.0.1:\(collector.port)"))
      try withDaemon(audit: keys) { daemon throws in
        for _ in 0..<3 { try failToLogIn(daemon, from: "127.0.0.1") }
        try failToLogIn(daemon, from: "127.0.0.2")
        #expect(try daemon.ssh("host", "echo auth_failure").output == "auth_failure\n")
        try daemon.events.events(5, of: "connection_closed")
        let lines = try daemon.events.lines().lines
        collector.events.expect(try daemon.events.all().map(\.id), ReceivedEvents.ofRecord)

        let now = Int(Date().timeIntervalSince1970) * 1_000_000_000
        let sixMinutesAgo = "\(now - 360_000_000_000)"
        let values = lines.map { ["\(now)", $0] }
        // A partial line, and something that is not JSON.
        let torn = [#"{"event_type":"auth_failure","client_i"#, "auth_failure from 127.0.0.3"]
        let sent = try entries(of: collector, now)
        let streams = [
          stream(["job": "bssh"], values + torn.map { ["\(now)", $0] } + lines.map { [sixMinutesAgo, $0] }),
          stream(["job": "other"], values),
          stream(["service_name": "bssh-server"], sent + sent.map { [sixMinutesAgo] + $0.dropFirst() }),
          stream(["service_name": "other"], sent),
        ]
        let push = try JSONSerialization.data(withJSONObject: ["streams": streams])
        try push.write(to: URL(fileURLWithPath: "\(folder)/push"))
        for query in queries {
          #expect(try ask(query, now, in: folder) == (["127.0.0.1": "3", "127.0.0.2": "1"], ""), "\(query)")
          // The query is executed, not merely printed.
          let successes = query.replacingOccurrences(of: "auth_failure", with: "auth_success")
          #expect(try ask(successes, now, in: folder) == (["127.0.0.1": "1"], ""))
          let broken = query.replacingOccurrences(of: "[5m])", with: "[5m]")
          #expect(try ask(broken, now, in: folder).error.contains("parse error"))
        }
        for (words, others, expected) in [
          ("| json", "| jsn", "parse error"), ("| json", "| logfmt", "Unsupported:  | unpack_logfmt"),
          (#"| __error__="""#, "", "pipeline error: JSONParserErr"),
        ] {
          #expect(queries[0].contains(words))
          let query = queries[0].replacingOccurrences(of: words, with: others)
          #expect(try ask(query, now, in: folder).error.contains(expected), "\(query)")
        }
      }
    }
  }
}
