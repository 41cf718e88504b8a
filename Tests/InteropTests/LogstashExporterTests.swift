import Audit
import Foundation
import IPC
import System
import Testing
import Wire

extension Interop {
  /// bssh-exporter alone, with a journal that the test writes, and real receivers of JSON Lines.
  @Suite(.serialized) struct LogstashExporter {
    static let plain = """
      module(load="imtcp")
      input(type="imtcp" port="PORT" address="127.0.0.1" ruleset="events")
      ruleset(name="events" queue.type="Direct") { action(type="omfile" file="FILE" template="raw" asyncWriting="off") }
      """

    static let encrypted = """
      global(DefaultNetstreamDriverCAFile="DIRECTORY/ca.pem" DefaultNetstreamDriverCertFile="DIRECTORY/server.pem"
             DefaultNetstreamDriverKeyFile="DIRECTORY/server.key")
      module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name"
             PermittedPeer=["client"])
      input(type="imtcp" port="PORT" address="127.0.0.1" ruleset="events")
      ruleset(name="events" queue.type="Direct") { action(type="omfile" file="FILE" template="raw" asyncWriting="off") }
      """

    private func logstash(_ port: UInt16, tls: TLSSettings? = nil, timeout: UInt32 = 10) -> ExporterSettings.Receiver {
      var settings = LogstashSettings()
      settings.host = tls == nil ? "127.0.0.1" : "localhost"
      settings.port = port
      settings.tls = tls ?? TLSSettings()
      settings.timeout = timeout
      return .logstash(settings)
    }

    /// The sequence of events of a bad hour, in seconds: every part is killed and comes back, and the journal grows.
    private func torture(_ receiver: EventReceiver, _ exporter: RunningExporter, _ journal: TestJournal) throws {
      try journal.append(300)
      receiver.events.expect(atLeast: 300)
      try receiver.kill()
      try journal.append(250)
      try journal.rotate()
      try journal.append(250)
      try exporter.note(with: "events wait")
      try receiver.start()
      receiver.events.expect(atLeast: 800)
      exporter.kill()
      try journal.append(100)
      try journal.rotate(compress: false)
      try journal.append(100)
      try journal.rotate()
      try exporter.start()
      for _ in 0..<5 {
        try journal.append(200)
        try receiver.kill()
        try receiver.start()
      }
      try exporter.dieOften(10, journal)
      try journal.append(1)
      receiver.events.expectAll(of: journal)
      #expect(exporter.lost.isEmpty)
    }

    @Test(.timeLimit(.minutes(5))) func `rsyslog gets every event, whichever process is killed`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(rsyslog: Self.plain, in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try torture(receiver, exporter, journal)
    }

    @Test(.timeLimit(.minutes(5))) func `rsyslog with TLS and certificates gets every event, too`() throws {
      let journal = try TestJournal()
      let certificates = try TestCertificates(in: journal.directory)
      let receiver = try EventReceiver(rsyslog: Self.encrypted, in: journal.directory)
      let tls = TLSSettings(
        authorities: certificates.bytes("ca.pem"), certificate: certificates.bytes("client.pem"),
        key: SecretBytes(certificates.bytes("client.key")))
      let exporter = try RunningExporter(journal, logstash(receiver.port, tls: tls))
      try torture(receiver, exporter, journal)
    }

    @Test(.timeLimit(.minutes(2))) func `each line is identical to that of the journal`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try journal.append(50) { event in
        event.record.path = [0xff, 0x0a, 0x22, 0x5c, 0xe2, 0x80, 0xae]
        event.record.details = "\u{1b}[31m\",\"seq\":99,"
      }
      receiver.events.expectAll(of: journal)
      #expect(FileManager.default.contentsEqual(atPath: journal.path, andPath: receiver.events.path))
      exporter.end()
    }

    @Test(.timeLimit(.minutes(2))) func `after an orderly end nothing is sent twice`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try journal.append(500)
      receiver.events.expectAll(of: journal)
      exporter.end()
      try journal.append(1)
      try exporter.start()
      receiver.events.expectAll(of: journal)
      #expect(receiver.events.ids().count == 501)
    }

    @Test(.timeLimit(.minutes(2))) func `what a receiver had not read when its connection broke is sent again`() throws
    {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      try receiver.tell("stop")
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try journal.append(100)
      // The kernel has received all of it, the program nothing.
      try exporter.message("progress") {
        if case .progress(let progress) = $0, progress.shipped == 100 { true } else { nil }
      }
      #expect(receiver.events.ids().isEmpty)
      exporter.kill()
      try receiver.tell("reset")
      try receiver.tell("read")
      try exporter.start()
      receiver.events.expectAll(of: journal)
    }

    @Test(.timeLimit(.minutes(3))) func `a receiver that reads slowly costs neither memory nor its connection`() throws
    {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port, timeout: 1), batchSize: 1000)
      try journal.append(100)
      receiver.events.expectAll(of: journal)
      let before = exporter.peakMemory
      try receiver.tell("stop")
      // 15 MB: more than the buffers of both kernels.
      for _ in 0..<5 { try journal.append(1000) { $0.record.details = String(repeating: "x", count: 3000) } }
      try receiver.tell("read")
      receiver.events.expectAll(of: journal)
      #expect(exporter.peakMemory < before + (16 << 20), "\(before) \(exporter.peakMemory)")
      #expect(exporter.count(of: "connected") == 1)
    }

    @Test(.timeLimit(.minutes(2))) func `a receiver with another name, or a certificate of another CA, gets nothing`()
      throws
    {
      let journal = try TestJournal()
      let certificates = try TestCertificates(in: journal.directory)
      try journal.append(3)
      let files = { (name: String) in ["\(journal.directory)/\(name).pem", "\(journal.directory)/\(name).key"] }
      for (server, tls, problem) in [
        ("server", TLSSettings(authorities: certificates.bytes("other-ca.pem")), "certificate"),
        ("client", TLSSettings(authorities: certificates.bytes("ca.pem")), "localhost"),
        ("server", TLSSettings(authorities: nil), "certificate"),
      ] {
        let receiver = try EventReceiver(script: "lines.py", in: journal.directory, arguments: files(server))
        let exporter = try RunningExporter(journal, logstash(receiver.port, tls: tls))
        #expect(try exporter.note(with: "3 events wait").contains(problem))
        exporter.kill()
        #expect(receiver.events.ids().isEmpty)
      }
      // The same, except for `verify`.
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory, arguments: files("stranger"))
      let exporter = try RunningExporter(
        journal, logstash(receiver.port, tls: TLSSettings(authorities: nil, verifies: false)))
      receiver.events.expectAll(of: journal)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(2))) func `a client without the certificate that rsyslog requires delivers nothing`()
      throws
    {
      let journal = try TestJournal()
      let certificates = try TestCertificates(in: journal.directory)
      try journal.append(3)
      let receiver = try EventReceiver(rsyslog: Self.encrypted, in: journal.directory)
      for pair in [nil, "stranger"] {
        let tls = TLSSettings(
          authorities: certificates.bytes("ca.pem"), certificate: pair.map { certificates.bytes("\($0).pem") },
          key: pair.map { SecretBytes(certificates.bytes("\($0).key")) })
        let exporter = try RunningExporter(journal, logstash(receiver.port, tls: tls))
        try exporter.note(with: "3 events wait")
        exporter.kill()
      }
      #expect(receiver.events.ids().isEmpty)
    }

    @Test(.timeLimit(.minutes(2))) func `a receiver that does not respond is given up after the timeout`() throws {
      let journal = try TestJournal()
      let certificates = try TestCertificates(in: journal.directory)
      try journal.append(1)
      let receiver = try EventReceiver(
        script: "lines.py", in: journal.directory,
        arguments: ["\(journal.directory)/server.pem", "\(journal.directory)/server.key"])
      try receiver.tell("silent")
      let tls = TLSSettings(authorities: certificates.bytes("ca.pem"))
      let start = Date()
      let exporter = try RunningExporter(journal, logstash(receiver.port, tls: tls, timeout: 1))
      try exporter.note(within: 30, with: "timeout")
      #expect(Date().timeIntervalSince(start) >= 1)
      exporter.kill()
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a host that stops responding is given up after the timeout, and gets the rest when it is back`()
      throws
    {
      let journal = try TestJournal()
      // The receiver's host is a network namespace; without its address it is unreachable.
      let keeper = try Client(["unshare", "--net", "sh", "-c", "echo ready; exec cat"])
      defer { keeper.end() }
      try keeper.output.line(with: "ready")
      let number = Int.random(in: 0..<64)
      let (name, here, there) = ("bssh\(getpid())", "10.211.7.\(number * 4 + 1)", "10.211.7.\(number * 4 + 2)")
      let inside = ["nsenter", "--net=/proc/\(keeper.pid)/ns/net"]
      try succeed("ip", "link", "add", name, "type", "veth", "peer", "name", "peer", "netns", "\(keeper.pid)")
      defer { _ = try? run(["ip", "link", "del", name]) }
      try succeed("ip", "addr", "add", "\(here)/30", "dev", name)
      try succeed("ip", "link", "set", name, "up")
      try succeed(inside + ["ip", "addr", "add", "\(there)/30", "dev", "peer"])
      try succeed(inside + ["ip", "link", "set", "peer", "up"])
      let port: UInt16 = 5044
      let events = ReceivedEvents(path: journal.directory + "/received")
      let receiver = try Client(
        inside + [Daemon.python, Daemon.client("lines.py"), "\(port)", events.path], environment: ["ADDRESS": there])
      defer { receiver.end() }
      try receiver.output.line(with: "ready")
      var settings = LogstashSettings()
      (settings.host, settings.port, settings.timeout) = (there, port, 1)
      let exporter = try RunningExporter(journal, .logstash(settings))
      try journal.append(20)
      events.expectAll(of: journal)
      try succeed(inside + ["ip", "addr", "del", "\(there)/30", "dev", "peer"])
      try journal.append(20)
      try exporter.note(with: "the receiver has not answered for")
      try succeed(inside + ["ip", "addr", "add", "\(there)/30", "dev", "peer"])
      events.expectAll(of: journal)
      #expect(exporter.lost.isEmpty)
    }

    @Test(.timeLimit(.minutes(2))) func `events that were rotated away are counted and reported, and the rest arrives`()
      throws
    {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try journal.append(10)
      receiver.events.expectAll(of: journal)
      exporter.end()
      try journal.append(5)
      for _ in 0..<3 {
        try journal.rotate(keeping: 2)
        try journal.append(7)
      }
      try exporter.start()
      eventually(within: 60, "the last event") { receiver.events.ids().last == journal.ids.last }
      #expect(exporter.lost == [.lost(.main, first: 11, count: 5, reason: .noLongerInJournal)])
      #expect(
        receiver.events.ids() == journal.ids.enumerated().filter { !(10..<15).contains($0.offset) }.map(\.element))
    }

    @Test(.timeLimit(.minutes(2))) func `lag and its end are reported, once each, with a number`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      try receiver.kill()
      journal.time = Int64(Date().timeIntervalSince1970 * 1000) - 3_650_000
      try journal.append(40)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      let text = try exporter.note(with: "is behind")
      #expect(text.hasPrefix("is behind: 40 events wait, the oldest for 36"))
      try exporter.message("progress") { message in
        if case .progress(let progress) = message, progress.isBehind, progress.waiting == 40 { true } else { nil }
      }
      try receiver.start()
      try exporter.note(with: "has caught up")
      try exporter.message("progress") { message in
        if case .progress(let progress) = message, !progress.isBehind, progress.waiting == 0, progress.shipped == 40 {
          true
        } else {
          nil
        }
      }
      #expect(try exporter.note(with: "delivers again").contains("after"))
    }

    @Test(.timeLimit(.minutes(2))) func `an exporter can write only to its cursor, and gains no privileges`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(script: "lines.py", in: journal.directory)
      let exporter = try RunningExporter(journal, logstash(receiver.port))
      try journal.append(1)
      receiver.events.expectAll(of: journal)
      let status = try String(contentsOfFile: "/proc/\(exporter.pid)/status", encoding: .utf8)
      #expect(status.contains("NoNewPrivs:\t1"))
      exporter.end()
      let cursors = try FileManager.default.contentsOfDirectory(atPath: "\(journal.directory)/cursors")
        .filter { !$0.hasSuffix(".lock") }
      #expect(cursors.count == 1)
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(journal.directory)/cursors/\(cursors[0])")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }
}
