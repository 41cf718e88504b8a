import Audit
import Foundation
import IPC
import System
import Testing
import Wire

extension Interop {
  /// bssh-exporter alone, with a journal that the test writes, and collectors built from the official stubs.
  @Suite(.serialized) struct OTLPExporter {
    private static let transports: [OTelSettings.Transport] = [.grpc, .httpProtobuf, .httpJSON]

    private func collector(
      _ transport: OTelSettings.Transport, in journal: TestJournal, arguments: [String] = []
    ) throws -> EventReceiver {
      try EventReceiver(collector: transport, in: journal.directory, arguments: arguments)
    }

    private func otel(
      _ collector: EventReceiver, _ transport: OTelSettings.Transport,
      _ change: (inout OTelSettings) -> Void = { _ in }
    ) -> ExporterSettings.Receiver {
      var settings = OTelSettings()
      settings.endpoint = "http://127.0.0.1:\(collector.port)"
      settings.transport = transport
      change(&settings)
      return .otel(settings)
    }

    private func records(_ collector: EventReceiver) -> [[String: Any]] {
      let data = FileManager.default.contents(atPath: collector.events.path) ?? Data()
      return data.split(separator: 10).compactMap {
        try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]
      }
    }

    @Test(.timeLimit(.minutes(6)), arguments: transports)
    func `a collector gets every event, whoever is killed, slow or refuses in between`(
      _ transport: OTelSettings.Transport
    ) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      let exporter = try RunningExporter(journal, otel(collector, transport))
      let isGRPC = transport == .grpc
      try journal.append(300)
      collector.events.expect(atLeast: 300, ReceivedEvents.ofRecord)
      try collector.kill()
      try journal.append(150)
      try journal.rotate()
      try exporter.note(with: "events wait")
      try collector.start()
      collector.events.expect(atLeast: 450, ReceivedEvents.ofRecord)
      for error in isGRPC ? ["UNAVAILABLE", "UNAUTHENTICATED 10", "RESOURCE_EXHAUSTED 50"] : ["503 1", "429 0", "502"] {
        let said = exporter.messages.count
        try collector.tell("fail \(error)")
        try journal.append(120)
        try journal.rotate(compress: false)
        try exporter.note(
          after: said, with: error.split(separator: " ")[0] == "UNAUTHENTICATED" ? "UNAUTHENTICATED" : "events wait")
        // Errors that an administrator has to fix cause long delays: a restart does not.
        exporter.kill()
        try collector.tell("ok")
        try exporter.start()
        collector.events.expect(atLeast: journal.ids.count, ReceivedEvents.ofRecord)
      }
      try exporter.dieOften(10, journal)
      try collector.tell("slow 0.05")
      exporter.kill()
      try journal.append(400)
      try exporter.start()
      try journal.rotate()
      try journal.append(1)
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      #expect(exporter.lost.isEmpty)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `a record contains everything that the event does`(_ transport: OTelSettings.Transport) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      let exporter = try RunningExporter(
        journal, otel(collector, transport) { $0.resource = [.init(name: "deployment.environment", value: "lab")] })
      journal.time = 1_700_000_000_123
      try journal.append(1) { event in
        event.record = AuditRecord(.authFailure, .denied, .ssh)
        event.record.reason = "wrong_password"
        event.record.details = "third try \"of\" three\n"
        event.record.exitStatus = 0
        event.record.path = [0x2f, 0xff]
        event.subject.clientPort = 2222
        event.subject.connection = 7
      }
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      let record = try #require(records(collector).first)
      let attributes = try #require(record["attributes"] as? [String: Any])
      #expect(record["severity"] as? Int == 13 && record["severity_text"] as? String == "WARN")
      #expect(
        record["time"] as? Int == 1_700_000_000_123_000_000 && record["observed"] as? Int == record["time"] as? Int)
      #expect(record["event"] as? String == "auth_failure")
      #expect(
        (record["body"] as? String)?.hasPrefix("auth_failure anna from 192.0.2.7: denied (wrong_password)") == true)
      #expect(record["scope"] as? String == "bssh-audit" && record["version"] as? String == version)
      #expect(
        record["resource"] as? [String: String] == [
          "service.name": "bssh-server", "service.version": version, "host.name": "server.example.org",
          "deployment.environment": "lab",
        ])
      let texts = [
        "event.id": journal.ids[0], "event.type": "auth_failure", "user.name": "anna", "client.ip": "192.0.2.7",
        "result": "denied", "protocol": "ssh", "reason": "wrong_password", "details": "third try \"of\" three\n",
        "file.path": "/\u{fffd}", "file.path_raw": "L/8=",
      ]
      for (name, value) in texts { #expect(attributes[name] as? String == value, "\(name)") }
      for (name, value) in ["seq": 1, "client.port": 2222, "connection.id": 7, "exit_status": 0] {
        #expect(attributes[name] as? Int == value, "\(name)")
      }
      #expect(attributes["signal"] == nil && attributes["file.bytes"] == nil)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports, [true, false])
    func `headers and compression are as configured`(_ transport: OTelSettings.Transport, isCompressed: Bool) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      let relay = try EventReceiver(script: "relay.py", in: journal.directory, arguments: ["\(collector.port)"])
      let exporter = try RunningExporter(
        journal,
        otel(collector, transport) {
          $0.endpoint = "http://127.0.0.1:\(relay.port)"
          $0.headers = [.init(name: "X-Tenant", value: SecretBytes(Array("blue".utf8)))]
          $0.compression = isCompressed ? .gzip : .none
        })
      try journal.append(40) { $0.record.details = String(repeating: "x", count: 3000) }
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      let sent = try #require(Int(String(contentsOfFile: relay.events.path, encoding: .utf8)))
      #expect((sent < 60_000) == isCompressed, "\(sent) bytes")
      let headers = try #require(records(collector).first?["headers"] as? [String: String])
      #expect(headers["x-tenant"] == "blue")
      // grpcio does not pass grpc-encoding on.
      if transport != .grpc { #expect((headers["content-encoding"] == "gzip") == isCompressed) }
      #expect(headers["user-agent"]?.hasPrefix("bssh-exporter/") == true)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `a request has no more events than batch_size`(_ transport: OTelSettings.Transport) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try journal.append(25)
      let exporter = try RunningExporter(journal, otel(collector, transport), batchSize: 10)
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      let requests = { collector.client?.output.all.split(separator: "\n").count { $0.hasPrefix("request ") } }
      // The collector notes its response slightly later than the events.
      eventually("three requests") { requests() == 3 }
      exporter.end()
      #expect(requests() == 3)
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `an event that a collector refuses is reported as lost, and stops no other`(
      _ transport: OTelSettings.Transport
    ) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try journal.append(60)
      try collector.tell("refuse \(journal.ids[41])")
      let exporter = try RunningExporter(journal, otel(collector, transport))
      eventually(within: 60, "all others") {
        Set(collector.events.ids(ReceivedEvents.ofRecord)).count == 59
      }
      #expect(collector.events.ids(ReceivedEvents.ofRecord) == journal.ids.filter { $0 != journal.ids[41] })
      #expect(exporter.lost == [.lost(.main, first: 42, count: 1, reason: .refused)])
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `a collector that refuses everything loses nothing`(_ transport: OTelSettings.Transport) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try journal.append(20)
      try collector.tell("fail " + (transport == .grpc ? "INVALID_ARGUMENT" : "400"))
      let exporter = try RunningExporter(journal, otel(collector, transport))
      try exporter.note(with: "events wait")
      #expect(exporter.lost.isEmpty)
      exporter.kill()
      try collector.tell("ok")
      try exporter.start()
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `records that a collector rejects from a request are reported, and not sent again`(
      _ transport: OTelSettings.Transport
    ) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try collector.tell("partial 3")
      let exporter = try RunningExporter(journal, otel(collector, transport))
      try journal.append(1)
      try exporter.message("loss") { if case .lost = $0 { true } else { nil } }
      // It was sent once.
      #expect(exporter.lost == [.lost(.main, first: 1, count: 1, reason: .rejected)])
      try exporter.note(with: "too ")
      try collector.tell("ok")
      try journal.append(1)
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      #expect(collector.events.ids(ReceivedEvents.ofRecord).count == 2)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: [OTelSettings.Transport.grpc, .httpProtobuf])
    func `the delay that a collector requests is observed`(_ transport: OTelSettings.Transport) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try collector.tell("fail " + (transport == .grpc ? "UNAVAILABLE 4000" : "503 4"))
      try journal.append(1)
      let exporter = try RunningExporter(journal, otel(collector, transport))
      try exporter.note(with: "1 events wait")
      let start = Date()
      try collector.tell("ok")
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      #expect(Date().timeIntervalSince(start) > 3)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(3)), arguments: transports)
    func `a request that takes too long is given up`(_ transport: OTelSettings.Transport) throws {
      let journal = try TestJournal()
      let collector = try collector(transport, in: journal)
      try collector.tell("slow 600")
      try journal.append(1)
      let exporter = try RunningExporter(journal, otel(collector, transport) { $0.timeout = 1 })
      try exporter.note(within: 30, with: "timed out")
      exporter.kill()
      try collector.kill()
    }

    @Test(.timeLimit(.minutes(3))) func `over TLS both sides authenticate, or nothing is sent`() throws {
      let journal = try TestJournal()
      let certificates = try TestCertificates(in: journal.directory)
      try journal.append(5)
      let collector = try collector(
        .grpc, in: journal, arguments: ["server.pem", "server.key", "ca.pem"].map { "\(journal.directory)/\($0)" })
      let authorities = certificates.bytes("ca.pem")
      let good = TLSSettings(
        authorities: authorities, certificate: certificates.bytes("client.pem"),
        key: SecretBytes(certificates.bytes("client.key")))
      var stranger = good
      stranger.certificate = certificates.bytes("stranger.pem")
      stranger.key = SecretBytes(certificates.bytes("stranger.key"))
      var misled = good
      misled.authorities = certificates.bytes("other-ca.pem")
      for tls in [TLSSettings(authorities: authorities), stranger, misled] {
        let settings = otel(collector, .grpc) {
          $0.endpoint = "https://localhost:\(collector.port)"
          $0.tls = tls
        }
        let exporter = try RunningExporter(journal, settings)
        try exporter.note(with: "5 events wait")
        exporter.kill()
      }
      #expect(records(collector).isEmpty)
      let settings = otel(collector, .grpc) {
        $0.endpoint = "https://localhost:\(collector.port)/"
        $0.tls = good
      }
      let exporter = try RunningExporter(journal, settings)
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      // Over the same connection.
      try journal.append(250)
      collector.events.expectAll(of: journal, ReceivedEvents.ofRecord)
      #expect(exporter.messages.allSatisfy { if case .log(true, _) = $0 { false } else { true } })
      exporter.end()
    }
  }
}
