import Audit
import System
import Testing

@testable import Supervisor

@Suite struct ConnectionReportTests {
  private static let server = SocketAddress(address: "192.0.2.1", port: 22)
  private static let check = ConnectionReport(server, proxy: nil, isOfProxy: true, at: 1000)
  private static let direct = ConnectionReport(server, proxy: nil, isOfProxy: false, at: 1000)
  private let subject = Subject()

  @Test func `the first event has the addresses of server and proxy`() {
    let proxy = SocketAddress(address: "192.0.2.9", port: 80)
    let report = ConnectionReport(Self.server, proxy: proxy, isOfProxy: false, at: 0)
    #expect(report.accepted(subject).records.map(\.details) == ["to 192.0.2.1:22, by way of 192.0.2.9:80"])
    #expect(Self.direct.accepted(subject).records.map(\.details) == ["to 192.0.2.1:22"])
  }

  @Test func `the first reason of an end is reported`() {
    var report = Self.direct
    #expect(report.closed(subject, at: 1000).records.map(\.reason) == ["transport_lost"])
    report.ends(.banned, "first")
    report.ends(.serverShutdown)
    report.transportKilled()
    let record = report.closed(subject, at: 3500).records.first
    #expect(record?.reason == "banned" && record?.details == "first" && record?.milliseconds == 2500)
    #expect(record?.result == .denied && record?.bytes == nil)
  }

  @Test func `the end of a session because of a killed transport is not the reason`() {
    var report = Self.direct
    report.ends(.sessionEnded)
    report.transportKilled()
    #expect(report.closed(subject, at: 1000).records.map(\.reason) == ["transport_lost"])
  }

  @Test func `the ends of login and connection follow the session's events, with their own durations`() {
    var report = Self.direct
    report.loggedIn(at: 2000)
    report.carried(bytesIn: 5, bytesOut: .max)
    report.ends(.clientDisconnected)
    let actions = report.closed(subject, at: 4000)
    #expect(actions.allSatisfy { if case .auditAfterSession = $0 { true } else { false } })
    #expect(actions.records.map(\.type) == [.sessionEnd, .connectionClosed])
    #expect(actions.records.map(\.milliseconds) == [2000, 3000])
    // A transport may send any number.
    #expect(actions.records.allSatisfy { $0.bytes == 4 && $0.bytesIn == 5 && $0.bytesOut == .max })
  }

  @Test func `durations are never negative`() {
    #expect(Self.direct.closed(subject, at: 0).records.map(\.milliseconds) == [0])
  }

  @Test func `a health check is counted and not reported`() {
    var report = Self.check
    #expect(report.accepted(subject) == [])
    #expect(report.filter([.log(.debug, "x")], subject, hasAskedForLogin: false) == [.log(.debug, "x")])
    let end = report.closed(subject, at: 2000) + [.close]
    #expect(report.filter(end, subject, hasAskedForLogin: false) == [.countCheck, .close])
  }

  @Test func `a connection of a load balancer is reported completely as soon as it is not a health check`() {
    let suspicious = ConnectionReport.suspicious(.protocolError, "x", subject)
    for (actions, hasAsked) in [([suspicious], false), ([.log(.info, "x")], false), ([.killTransport], true)] {
      var report = Self.check
      let filtered = report.filter(actions, subject, hasAskedForLogin: hasAsked)
      #expect(filtered.records.first?.type == .connectionOpen && Array(filtered.dropFirst()) == actions)
      // Once.
      #expect(report.filter(actions, subject, hasAskedForLogin: hasAsked) == actions)
      let end = report.closed(subject, at: 2000)
      #expect(report.filter(end, subject, hasAskedForLogin: false) == end)
    }
  }

  @Test func `other connections are reported normally`() {
    var report = Self.direct
    let end = report.closed(subject, at: 2000)
    #expect(report.filter(end, subject, hasAskedForLogin: false) == end)
  }
}
