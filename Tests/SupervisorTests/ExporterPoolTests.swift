import Configuration
import IPC
import Testing
import Wire

@testable import Supervisor

@Suite struct ExporterPoolTests {
  private func settings(_ name: String, port: UInt16 = 5044) -> ExporterSettings {
    var logstash = LogstashSettings()
    (logstash.host, logstash.port) = ("h", port)
    return ExporterSettings(name: name, journal: "/j", batchSize: 1, receiver: .logstash(logstash))
  }

  private func progress(_ waiting: UInt64, behind: Bool) -> ExporterProgress {
    ExporterProgress(shipped: 1, waiting: waiting, isBehind: behind)
  }

  @Test func `new settings end changed exporters, start new ones and keep the others`() {
    var pool = ExporterPool()
    let (a, b, c) = (settings("a"), settings("b"), settings("c"))
    #expect(pool.apply([a, b]) == [.start(a), .start(b)])
    pool.started("a", 1)
    pool.started("b", 2)
    #expect(pool.apply([b, a]) == [])
    let other = settings("a", port: 1)
    #expect(pool.apply([b, other, c]) == [.stop(exporter: 1), .start(other), .start(c)])
    #expect(pool.name(of: 1) == nil && pool.name(of: 2) == "b")
    pool.started("a", 3)
    // The stopped exporter is not restarted.
    #expect(pool.ended(1) == [])
    #expect(pool.apply([]) == [.stop(exporter: 2), .stop(exporter: 3)])
  }

  @Test func `an exporter that ends is restarted with increasing pauses until it works`() {
    var pool = ExporterPool()
    let a = settings("a")
    _ = pool.apply([a])
    pool.started("a", 1)
    #expect(pool.ended(1) == [.restartAfter(name: "a", milliseconds: 100)])
    #expect(pool.restartTime("a") == [.start(a)])
    #expect(pool.startFailed("a") == [.restartAfter(name: "a", milliseconds: 200)])
    #expect(pool.restartTime("a") == [.start(a)])
    pool.started("a", 2)
    #expect(pool.restartTime("a") == [])
    pool.received(progress(0, behind: false), from: 2)
    #expect(pool.ended(2) == [.restartAfter(name: "a", milliseconds: 100)])
    _ = pool.apply([])
    #expect(pool.restartTime("a") == [] && pool.startFailed("a") == [] && pool.ended(2) == [])
  }

  @Test func `exporters that are behind are listed by name and number`() {
    var pool = ExporterPool()
    _ = pool.apply([settings("a"), settings("b")])
    pool.started("a", 1)
    pool.started("b", 2)
    pool.received(progress(9, behind: true), from: 1)
    pool.received(progress(3, behind: false), from: 2)
    pool.received(progress(3, behind: true), from: 99)
    #expect(pool.behind.map(\.name) == ["a"] && pool.behind.map(\.waiting) == [9])
    pool.received(progress(0, behind: false), from: 1)
    #expect(pool.behind.isEmpty)
  }

  @Test func `each configured receiver has its settings, and the file has none`() throws {
    var audit = Settings.Audit()
    var logstash = LogstashSettings()
    (logstash.host, logstash.port, logstash.timeout) = ("2001:db8::1", 5045, 7)
    var encrypted = logstash
    encrypted.tls.isEnabled = true
    (encrypted.tls.authorities, encrypted.tls.certificate, encrypted.tls.key) = ([1], [2], [3])
    encrypted.tls.verifies = false
    var otel = OTelSettings()
    otel.endpoint = "https://otel.example.org"
    otel.transport = .httpJSON
    otel.headers = [.init(name: "x", value: [0x79])]
    otel.resource = [.init(name: "a", value: "b")]
    otel.compression = .none
    otel.timeout = 3
    otel.tls.authorities = [9]
    var syslog = SyslogSettings()
    syslog.facility = .local5
    var other = syslog
    other.socket = "/run/other"
    audit.exporters = [
      .file(.init()), .logstash(logstash), .logstash(encrypted), .otel(otel), .syslog(syslog), .syslog(other),
    ]
    audit.batchSize = 77
    let given = audit.exporterSettings
    #expect(
      given.map(\.name) == [
        "logstash [2001:db8::1]:5045", "logstash [2001:db8::1]:5045 (2)", "otel https://otel.example.org",
        "syslog /dev/log", "syslog /run/other",
      ])
    #expect(given.allSatisfy { $0.batchSize == 77 && $0.journal == "/var/log/bssh/audit.log" })
    var journald = syslog
    journald.journalSocket = "/run/systemd/journal/socket"
    #expect(
      given.map(\.receiver) == [
        .logstash(logstash), .logstash(encrypted), .otel(otel), .syslog(journald), .syslog(other),
      ])
    audit.enabled = false
    #expect(audit.exporterSettings.isEmpty)
  }
}
