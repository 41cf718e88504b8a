import Foundation
import IPC
import System
import Testing
import Wire

@testable import Audit

extension Interop {
  /// bssh-exporter alone, with a journal that the test writes, and a syslog daemon of the test.
  @Suite(.serialized) struct SyslogExporter {
    static let rsyslog = """
      module(load="imuxsock" SysSock.Use="off")
      input(type="imuxsock" Socket="DIRECTORY/log" UseSpecialParser="off" ParseHostname="on" RateLimit.Interval="0"
            ruleset="events")
      template(name="parsed" type="list") {
        constant(value="{\\"id\\":\\"") property(name="$.id") constant(value="\\",\\"facility\\":\\"")
        property(name="syslogfacility-text") constant(value="\\",\\"severity\\":\\"") property(name="syslogseverity-text")
        constant(value="\\",\\"program\\":\\"") property(name="app-name") constant(value="\\",\\"type\\":\\"")
        property(name="msgid") constant(value="\\",\\"host\\":\\"") property(name="hostname")
        constant(value="\\",\\"data\\":\\"") property(name="structured-data" format="json")
        constant(value="\\",\\"message\\":\\"") property(name="msg" format="json") constant(value="\\"}\\n")
      }
      ruleset(name="events" queue.type="Direct") {
        set $.id = re_extract($structured-data, " id=\\"([^\\"]*)\\"", 0, 1, "");
        action(type="omfile" file="FILE" template="parsed" asyncWriting="off")
      }
      """

    private func syslog(_ journal: TestJournal, facility: SyslogSettings.Facility = .authpriv)
      -> ExporterSettings.Receiver
    {
      var settings = SyslogSettings()
      settings.facility = facility
      settings.socket = "\(journal.directory)/log"
      settings.journalSocket = "\(journal.directory)/journal"
      return .syslog(settings)
    }

    private func waitForSocket(_ path: String) {
      eventually(within: 30, "the socket \(path)") { (try? Descriptor.datagram(to: path)) != nil }
    }

    private func messages(_ receiver: EventReceiver) -> [[String: String]] {
      let data = FileManager.default.contents(atPath: receiver.events.path) ?? Data()
      return data.split(separator: 10).compactMap {
        try? JSONSerialization.jsonObject(with: Data($0)) as? [String: String]
      }
    }

    @Test(.timeLimit(.minutes(5))) func `rsyslog gets every event, whichever process is killed or stopped`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(rsyslog: Self.rsyslog, in: journal.directory)
      waitForSocket("\(journal.directory)/log")
      let exporter = try RunningExporter(journal, syslog(journal))
      try journal.append(200)
      receiver.events.expect(atLeast: 200)
      try receiver.kill()
      try journal.append(100)
      try journal.rotate()
      try exporter.note(with: "events wait")
      try receiver.start()
      receiver.events.expect(atLeast: 300)
      // A receiver that pauses reading is waited for.
      receiver.client?.signal(SIGSTOP)
      try journal.append(300)
      try journal.rotate(compress: false)
      receiver.client?.signal(SIGCONT)
      receiver.events.expect(atLeast: 600)
      for _ in 0..<4 {
        try journal.append(150)
        try receiver.kill()
        try receiver.start()
        waitForSocket("\(journal.directory)/log")
      }
      try exporter.dieOften(10, journal)
      receiver.events.expectAll(of: journal)
      #expect(exporter.lost.isEmpty)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: [SyslogSettings.Facility.authpriv, .auth, .local0])
    func `a message has the facility, a severity, and the event's fields`(facility: SyslogSettings.Facility) throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(rsyslog: Self.rsyslog, in: journal.directory)
      waitForSocket("\(journal.directory)/log")
      let exporter = try RunningExporter(journal, syslog(journal, facility: facility))
      try journal.append(1) { event in
        event.record = AuditRecord(.transferDenied, .denied, .scp)
        event.record.path = Array("/a \"b\" ]\\\n<1>1 forged".utf8)
        event.record.rule = "no.exe"
      }
      receiver.events.expectAll(of: journal)
      let message = try #require(messages(receiver).first)
      #expect(
        message["facility"] == facility.rawValue && message["severity"] == "warning"
          && message["program"] == "bssh-audit")
      #expect(message["type"] == "transfer_denied" && message["host"] == "server.example.org")
      let data = try #require(message["data"])
      #expect(data.hasPrefix("[bssh@32473 id=\"\(journal.ids[0])\" event_type=\"transfer_denied\""))
      #expect(data.contains("path=\"/a \\\"b\\\" \\]\\\\\\\\u{a}<1>1 forged\"") || data.contains("rule=\"no.exe\""))
      #expect(data.contains("client_ip=\"192.0.2.7\"") && data.contains("user=\"anna\"") && data.contains("seq=\"1\""))
      #expect(message["message"]?.contains("transfer_denied anna from 192.0.2.7: denied") == true)
      #expect(messages(receiver).count == 1)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(2))) func `an event that is too long for a datagram is shortened`() throws {
      let journal = try TestJournal()
      let receiver = try EventReceiver(rsyslog: Self.rsyslog, in: journal.directory)
      waitForSocket("\(journal.directory)/log")
      let exporter = try RunningExporter(journal, syslog(journal))
      try journal.append(3) { event in
        let longest = [UInt8](repeating: 1, count: 4096)
        (event.record.path, event.record.destination, event.record.command) = (longest, longest, longest)
        event.record.details = String(decoding: longest, as: UTF8.self)
        event.record.reason = Reason(code: String(decoding: longest, as: UTF8.self))
        event.record.rule = String(decoding: longest, as: UTF8.self)
      }
      receiver.events.expectAll(of: journal)
      exporter.end()
    }

    @Test(.timeLimit(.minutes(2))) func `where journald listens it gets fields in its native protocol`() throws {
      let journal = try TestJournal()
      let socket = Descriptor(owning: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(journal.directory)/journal".utf8) }
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(bound == 0)
      let exporter = try RunningExporter(journal, syslog(journal, facility: .auth))
      try journal.append(1) { event in
        event.record.details = "two\nlines"
        event.record.reason = "why"
      }
      try #require(socket.wait(for: POLLIN, milliseconds: 60_000))
      let entry = try socket.read(count: 1 << 16).bytes
      let text = String(decoding: entry, as: UTF8.self)
      for field in [
        "PRIORITY=6\n", "SYSLOG_FACILITY=4\n", "SYSLOG_IDENTIFIER=bssh-audit\n", "BSSH_EVENT_TYPE=file_close\n",
        "BSSH_ID=\(journal.ids[0])\n", "BSSH_SEQ=1\n", "BSSH_USER=anna\n", "BSSH_BYTES=12345\n", "BSSH_REASON=why\n",
        "BSSH_DETAILS\n\u{9}\0\0\0\0\0\0\0two\nlines\n",
      ] {
        #expect(text.contains(field), "\(field) in \(text)")
      }
      exporter.end()
    }
  }
}
