import AccessControl
import Audit
import Configuration
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// Keeps reported events, with the end of the log line; nil: there is no line.
final class Reports: EventLog {
  private(set) var records: [AuditRecord] = []
  private(set) var suffixes: [String?] = []

  func record(_ record: AuditRecord, of subject: Subject, _ connection: UInt64?, logging suffix: String?) {
    records.append(record)
    suffixes.append(suffix)
  }
}

@Suite struct AdmissionServiceTests {
  private let runtime = FakeRuntime()
  private let reports = Reports()
  private let service: AdmissionService
  private let client = IPAddress("203.0.113.7") ?? .unspecified
  private let address = SocketAddress(address: "203.0.113.7", port: 50_000)

  init() {
    var settings = Settings()
    settings.security.maxAuthAttempts = 2
    settings.server.maxConnections = 10
    service = AdmissionService(runtime, reports, settings)
  }

  private func start(_ number: UInt64) -> Bool { service.admits(client, address, number) }

  /// Descriptions of the posted events.
  private func events() -> [String] {
    var words: [String] = []
    while let event = runtime.next() {
      switch event {
      case .connection(.banned, let number): words.append("banned \(number)")
      case .connection(.displaced, let number): words.append("displaced \(number)")
      case .bansChanged: words.append("bans")
      default: words.append("other")
      }
    }
    return words
  }

  /// Reports failures until the source is banned.
  private func ban(by number: UInt64) {
    for _ in 0..<20 where service.bans.isEmpty { service.handle(.failed, number, of: client) }
  }

  @Test func `a ban ends only connections of the source without a login`() {
    for number in UInt64(1)...4 { #expect(start(number)) }
    service.finishStart(2)
    service.finishStart(3)
    ban(by: 1)
    #expect(service.bans.count == 1 && reports.records.map(\.type) == [.ipBlocked])
    let words = events()
    #expect(words.first == "bans" && Set(words) == ["bans", "banned 1", "banned 4"] && words.count == 3)
    #expect(runtime.hasTimer(.banEnd(ClientSource(client))))
    #expect(!start(5) && reports.records.last?.type == .connectionRefused)
  }

  @Test func `the end of a ban is reported once, and after a hand-over only by the next daemon`() {
    ban(by: 1)
    let source = ClientSource(client)
    #expect(runtime.fire(.banEnd(source)))
    service.banEnds(source)
    service.banEnds(source)
    #expect(reports.records.map(\.type) == [.ipBlocked, .ipUnblocked])
    for _ in 0..<20 where reports.records.count < 3 { service.handle(.failed, 1, of: client) }
    #expect(runtime.fire(.banEnd(source)))
    service.handOver()
    service.banEnds(source)
    #expect(reports.records.map(\.type) == [.ipBlocked, .ipUnblocked, .ipBlocked])
  }

  @Test func `bans from before a restart continue and end`() {
    let source = ClientSource(client)
    service.restore([Ban(source: source, end: 5000, count: 1)])
    #expect(!start(1))
    #expect(runtime.timers[.banEnd(source)] == runtime.now + 5000)
    #expect(runtime.lines == ["info: 1 bans of the time before the restart go on"])
  }

  @Test func `the first refusals of a flood are reported individually and the others counted`() {
    for _ in 0..<100 { service.refuse(address, .badProxyHeader, "what", .error) }
    #expect(reports.records.count == RefusalAggregator.burst)
    #expect(runtime.fire(.refusals))
    service.recordRefusals()
    #expect(reports.records.count == RefusalAggregator.burst + 1)
    #expect(reports.records.last?.details == "\(100 - RefusalAggregator.burst) connections more in 60 s")
    service.refuse(address, .badProxyHeader, "what", .error)
    service.recordAllRefusals()
    #expect(reports.records.last?.details == "1 connection more in 60 s")
  }

  @Test func `there are fewer log lines about refusals than events`() {
    for port in UInt16(1)...20 {
      service.refuse(SocketAddress(address: "192.0.2.\(port)", port: port), .badProxyHeader, "what", .error)
    }
    #expect(reports.records.count == 20 && reports.suffixes.count { $0 == nil } == 10)
    runtime.now += 10_000
    service.refuse(SocketAddress(address: "192.0.2.99", port: 1), .badProxyHeader, "what", .error)
    #expect(reports.suffixes.last == " (10 more such lines left out)")
  }

  @Test func `health checks are counted unless they are ignored`() {
    service.countCheck(of: address)
    service.recordAllRefusals()
    #expect(reports.records.map(\.type) == [.connectionClosed])
    var settings = Settings()
    settings.server.ignoresProxyChecks = true
    service.apply(settings)
    service.countCheck(of: address)
    service.recordAllRefusals()
    #expect(reports.records.count == 1)
  }

  @Test func `the number of connections is limited by the settings`() {
    for number in UInt64(1)...9 {
      #expect(start(number))
      service.finishStart(number)
    }
    #expect(service.hasPlace)
    // A connection whose client is not known yet.
    service.setWaiting(1)
    #expect(!service.hasPlace && !start(10))
    #expect(reports.records.map(\.reason) == [Reason(ConnectionRefusal.maxConnections)])
    service.forget(9)
    #expect(service.hasPlace && start(11))
  }
}

@Suite struct BanServiceTests {
  /// A source of bans.
  private final class Bans: BanSource {
    var bans: [Ban] = []
  }

  private let runtime = FakeRuntime()
  private let source = Bans()
  private let service: BanService
  private let settings: Settings

  init() {
    var settings = Settings()
    settings.security.banStateFile = "/bans"
    self.settings = settings
    service = BanService(runtime, source, settings)
  }

  private var writer: Child? { runtime.started.last }

  private func finish(_ status: System.ExitStatus) {
    guard let writer else { return }
    runtime.end(writer, status)
    while let event = runtime.next() { if case .ended(let child, let status) = event { service.ended(child, status) } }
  }

  @Test func `only one process writes at a time, and later bans are written by the next`() {
    service.changed()
    #expect(runtime.started.map(\.role) == [.banWriter] && !service.isDone)
    service.changed()
    service.changed()
    #expect(runtime.started.count == 1)
    finish(.code(0))
    #expect(runtime.started.count == 1 && runtime.fire(.saveBans))
    service.time()
    #expect(runtime.started.count == 2)
    finish(.code(0))
    #expect(service.isDone && !runtime.hasTimer(.saveBans))
  }

  @Test func `an event reports that bans are saved, because a restart may wait for it`() throws {
    service.changed()
    service.changed()
    let first = try #require(writer)
    service.finish()
    service.ended(first, .code(0))
    if let event = runtime.next() { Issue.record("\(event), though there are bans that no file has") }
    let second = try #require(writer)
    #expect(second !== first)
    service.ended(second, .code(0))
    guard case .bansSaved? = runtime.next() else {
      Issue.record("nobody hears of it")
      return
    }
  }

  @Test func `the reason why bans cannot be saved is logged once, with or without a message`() throws {
    service.changed()
    service.handle(LoaderResult.rejected(["no space"]).wireBytes, from: try #require(writer))
    finish(.code(1))
    runtime.now += BanSaver.interval
    service.changed()
    service.handle(LoaderResult.rejected(["no space"]).wireBytes, from: try #require(writer))
    finish(.code(1))
    #expect(runtime.lines == ["warning: bans cannot be saved, and will end with a restart: no space"])
    runtime.now += BanSaver.interval
    service.changed()
    finish(.signal(9, coreDumped: false))
    #expect(runtime.lines.count == 2 && service.isDone)
    runtime.canStart = false
    runtime.now += BanSaver.interval
    service.changed()
    #expect(runtime.lines.count == 3 && service.isDone)
  }

  @Test func `a new file gets the bans, and after a hand-over nothing is written`() {
    service.apply(settings)
    #expect(runtime.started.isEmpty)
    var other = settings
    other.security.banStateFile = "/other"
    service.apply(other)
    #expect(runtime.started.count == 1)
    finish(.code(0))
    other.security.banStateFile = nil
    service.apply(other)
    service.changed()
    #expect(runtime.started.count == 1)
    service.handOver()
    service.apply(settings)
    runtime.now += BanSaver.interval
    service.changed()
    service.finish()
    #expect(runtime.started.count == 1)
  }
}
