import Audit
import Configuration
import Filter
import IPC
import Testing

@testable import Supervisor

/// Recordings and login records of the terminals of a connection.
@Suite struct ConnectionTerminalsTests {
  private static func recorded(_ change: (inout Settings) -> Void = { _ in }) -> Scenario {
    .loggedIn { settings in
      settings.audit.recording.enabled = true
      settings.audit.recording.directory = "/r"
      change(&settings)
    }
  }

  private static let hash = [UInt8](repeating: 0xa0, count: 32)

  private static func end(_ channel: UInt32 = 3, failure: String? = nil) -> ConnectionMachine.Event {
    .transport(.recorded(RecordingEnd(channel: channel, bytes: 10, hash: hash, milliseconds: 7, failure: failure)))
  }

  private static func record(
    _ type: EventType, _ result: EventResult = .success, path: String? = "/r/a.cast",
    _ change: (inout AuditRecord) -> Void
  ) -> AuditRecord {
    var record = AuditRecord(type, result)
    record.path = path.map { Array($0.utf8) }
    record.channel = 3
    change(&record)
    return record
  }

  private func records(_ actions: [ConnectionMachine.Action]) -> [AuditRecord] {
    actions.compactMap { if case .audit(let record, _) = $0 { record } else { nil } }
  }

  // MARK: Recordings

  @Test func `the transport is told that terminals are recorded before the login succeeds`() {
    for input in [true, false] {
      let scenario = Self.recorded { $0.audit.recording.input = input }
      let told = scenario.said.firstIndex(of: .send(.recordTerminals(input: input)))
      let opened = scenario.said.firstIndex { if case .openSession = $0 { true } else { false } }
      #expect(told != nil && opened != nil && told! < opened!)
    }
  }

  @Test(arguments: [
    ([], true), (["bob"], true), (["b*"], true), (["alice", "?ob"], true), (["alice"], false), (["Bob"], false),
  ])
  func `patterns select the users who are recorded`(users: [String], isRecorded: Bool) {
    let scenario = Self.recorded { $0.audit.recording.users = users.map { NamePattern($0) } }
    #expect(scenario.said.contains(.send(.recordTerminals(input: false))) == isRecorded)
  }

  @Test func `without configuration nothing is recorded, and a transport that requests it is killed`() {
    var scenario = Scenario.loggedIn()
    #expect(!scenario.said.contains { if case .send(.recordTerminals) = $0 { true } else { false } })
    #expect(scenario.send(.transport(.record(channel: 3))).kills)
  }

  @Test func `a recording is requested, sent, and reported at its start and end`() {
    var scenario = Self.recorded()
    #expect(
      scenario.send(.transport(.record(channel: 3))) == [
        .openRecording(directory: "/r"), .setTimer(.recording, milliseconds: 10_000),
      ])
    let opened = scenario.send(.recordingOpened("/r/a.cast"))
    #expect(opened.contains(.giveRecording(channel: 3, title: "bob from 203.0.113.7, session \(Scenario.loginID)")))
    #expect(opened.contains(.cancelTimer(.recording)))
    #expect(records(opened) == [Self.record(.recordingStarted) { _ in }])
    let ended = scenario.send(Self.end())
    #expect(
      records(ended) == [
        Self.record(.recordingFinished) {
          $0.bytes = 10
          $0.milliseconds = 7
          $0.details = "sha256:" + String(repeating: "a0", count: 32)
        }
      ])
    #expect(!ended.kills && !ended.disconnects)
  }

  @Test func `recordings are requested one at a time and end separately`() {
    var scenario = Self.recorded()
    scenario.send(.transport(.record(channel: 3)))
    var second = scenario
    #expect(second.send(.transport(.record(channel: 4))).kills)
    scenario.send(.recordingOpened("/r/a.cast"))
    var again = scenario
    #expect(again.send(.transport(.record(channel: 3))).kills)
    scenario.send(.transport(.record(channel: 4)))
    scenario.send(.recordingOpened("/r/b.cast"))
    #expect(records(scenario.send(Self.end(4))).first?.path == Array("/r/b.cast".utf8))
    var twice = scenario
    #expect(twice.send(Self.end(4)).kills)
    #expect(records(scenario.send(Self.end(3))).first?.path == Array("/r/a.cast".utf8))
    // The number of the channel may be reused.
    #expect(!scenario.send(.transport(.record(channel: 3))).kills)
  }

  @Test func `a login may have 1,024 simultaneous recordings, and one more is a violation`() {
    var scenario = Self.recorded()
    for channel in 0..<UInt32(1024) {
      #expect(!scenario.send(.transport(.record(channel: channel))).kills)
      scenario.send(.recordingOpened("/r/\(channel).cast"))
    }
    var ended = scenario
    #expect(scenario.send(.transport(.record(channel: 1024))).kills)
    // An ended recording makes room for another one.
    #expect(!ended.send(Self.end(7)).kills)
    #expect(!ended.send(.transport(.record(channel: 1024))).kills)
    ended.send(.recordingOpened("/r/1024.cast"))
    #expect(ended.send(.transport(.record(channel: 1025))).kills)
  }

  @Test func `audit.on_failure decides about a terminal that cannot be recorded`() {
    for (failure, rescue, ends) in [
      (Settings.Audit.OnFailure.continue, [], false), (.refuse, [], true), (.refuse, ["bob"], false),
      (.refuse, ["Bob"], true),
    ] {
      var scenario = Self.recorded {
        $0.audit.onFailure = failure
        $0.audit.rescueUsers = rescue
      }
      scenario.send(.transport(.record(channel: 3)))
      var broken = scenario
      let actions = scenario.send(.recordingFailed("No space left"))
      #expect(
        records(actions) == [
          Self.record(.recordingStarted, .error, path: nil) {
            $0.reason = "recording_failed"
            $0.details = "No space left"
          }
        ])
      #expect(actions.disconnects == ends)
      #expect(actions.contains(.send(.recording(channel: 3, title: nil))) == !ends)

      broken.send(.recordingOpened("/r/a.cast"))
      let end = broken.send(Self.end(failure: "No space left"))
      #expect(records(end).first?.result == .error)
      #expect(records(end).first?.reason == "recording_failed")
      #expect(records(end).first?.details?.hasPrefix("No space left, sha256:a0a0") == true)
      #expect(end.disconnects == ends)
    }
  }

  @Test func `a recorder that does not reply is killed, and its late reply is ignored`() {
    var scenario = Self.recorded()
    scenario.send(.transport(.record(channel: 3)))
    let actions = scenario.send(.timer(.recording))
    #expect(actions.contains(.killRecorder))
    #expect(records(actions).first?.details == "no file within 10 s")
    #expect(scenario.send(.recordingOpened("/r/a.cast")) == [])
    #expect(scenario.send(.recordingFailed("dead")) == [])
  }

  @Test func `open recordings of a lost transport are reported as lost, once`() {
    var scenario = Self.recorded()
    scenario.send(.transport(.record(channel: 3)))
    scenario.send(.recordingOpened("/r/a.cast"))
    let actions = scenario.send(.transportEnded(.signal(9, coreDumped: false)))
    #expect(records(actions).contains(Self.record(.recordingFinished, .error) { $0.reason = "transport_lost" }))
    #expect(actions.last == .close)
  }

  @Test func `a disconnecting transport still reports its recordings`() {
    var scenario = Self.recorded()
    scenario.send(.transport(.record(channel: 3)))
    scenario.send(.recordingOpened("/r/a.cast"))
    scenario.send(.shutDown)
    #expect(records(scenario.send(Self.end())).first?.bytes == 10)
    scenario.send(Scenario.lastWord)
    #expect(records(scenario.send(.transportEnded(.code(0)))).allSatisfy { $0.type != .recordingFinished })
  }

  @Test func `recordings are refused in other phases`() {
    for scenario in Scenario.everyPhase() {
      var scenario = scenario
      let wasKilled = scenario.machine.phase == .closing(.killed)
      let isTold = scenario.machine.phase == .closing(.disconnecting)
      let actions = scenario.send(.transport(.record(channel: 3)))
      #expect(actions.kills == !(wasKilled || isTold), "\(scenario.machine.phase)")
      #expect(!actions.contains { if case .openRecording = $0 { true } else { false } })
    }
  }

  // MARK: Login records

  private static func began(_ name: String = "/dev/pts/3", _ process: Int32 = 77) -> ConnectionMachine.Event {
    .session(.terminal(.began(channel: 0, name: name, process: process)))
  }

  private static func entry(_ kind: LoginEntry.Kind, _ terminal: String, _ process: Int32 = 77) -> LoginEntry {
    LoginEntry(kind, user: "bob", uid: 1000, terminal: terminal, process: process, address: "203.0.113.7")
  }

  @Test func `a terminal is in the login records from the start of its program to its end`() {
    var scenario = Scenario.loggedIn()
    #expect(scenario.send(Self.began()) == [.recordLogin(Self.entry(.began, "pts/3"))])
    #expect(scenario.send(Self.began("/dev/pts/4", 78)) == [.recordLogin(Self.entry(.began, "pts/4", 78))])
    #expect(
      scenario.send(.session(.terminal(.ended(name: "/dev/pts/3")))) == [.recordLogin(Self.entry(.ended, "pts/3"))])
    // Another program gets a terminal with the same name.
    #expect(scenario.send(Self.began()) == [.recordLogin(Self.entry(.began, "pts/3"))])
    let ends = scenario.send(.transportEnded(.code(0))).filter { if case .recordLogin = $0 { true } else { false } }
    #expect(ends == [.recordLogin(Self.entry(.ended, "pts/3")), .recordLogin(Self.entry(.ended, "pts/4", 78))])
  }

  @Test(arguments: [
    "/dev/tty1", "pts/3", "/dev/pts/", "/dev/pts/3x", "/dev/pts/-1", "/dev/pts/../tty", "/dev/pts/12345678901", "", "~",
    "/dev/pts/３",
  ])
  func `a session cannot enter other names than terminals in the login records`(name: String) {
    var scenario = Scenario.loggedIn()
    let actions = scenario.send(Self.began(name))
    #expect(actions.contains(.killSession))
    #expect(!actions.contains { if case .recordLogin = $0 { true } else { false } })
  }

  @Test func `a session can report a terminal once and end only its own`() {
    for event in [
      Self.began(), Self.began("/dev/pts/4", 0), Self.began("/dev/pts/4", -1),
      .session(.terminal(.ended(name: "/dev/pts/4"))), .session(.terminal(.ended(name: "x"))),
    ] {
      var scenario = Scenario.loggedIn()
      scenario.send(Self.began())
      #expect(scenario.send(event).contains(.killSession))
    }
    var scenario = Scenario.loggedIn()
    for number in 0..<1024 {
      #expect(scenario.send(Self.began("/dev/pts/\(number)")).count == 1)
    }
    #expect(scenario.send(Self.began("/dev/pts/9999")).contains(.killSession))
  }

  @Test func `terminals cannot be reported before a login and are ignored after it`() {
    var opening = Scenario.atOpening()
    #expect(opening.send(Self.began()).contains(.killSession))
    var closed = Scenario.closed()
    #expect(closed.send(Self.began()) == [])
  }

  // MARK: Names

  @Test func `the name of a recording sorts by time and has no characters special to shells`() {
    #expect(
      RecordingName.make(time: "2026-11-20T20:37:17.123Z", user: "anna", session: "f81d4fae", number: 0)
        == "20261120T203717Z-anna-f81d4fae-0.cast")
    let name = RecordingName.make(
      time: "2026-11-20T20:37:17.123Z", user: "../a b\n*\u{e9}-" + String(repeating: "x", count: 300), session: "7",
      number: 12)
    #expect(name.hasPrefix("20261120T203717Z-.._a_b_____xxx"))
    #expect(name.hasSuffix("x-7-12.cast"))
    #expect(name.utf8.count < 200)
    #expect(!name.contains("/"))
  }

  // MARK: ConnectionTerminals alone

  private static let settings = {
    var audit = Settings().audit
    (audit.recording.enabled, audit.recording.directory) = (true, "/r")
    return audit
  }()

  private static let bob = {
    var subject = Subject()
    (subject.user, subject.clientAddress, subject.sessionID) = ("bob", "203.0.113.7", Scenario.loginID)
    return subject
  }()

  @Test func `a file that is created after the login is not used and is no recording`() throws {
    var terminals = ConnectionTerminals()
    _ = terminals.prepare("bob", Self.settings)
    _ = try terminals.record(3, Self.settings, isLoggedIn: true)
    #expect(terminals.recordingOpened("/r/a.cast", Self.bob, isLoggedIn: false) == [.cancelTimer(.recording)])
    #expect(terminals.end(Self.bob, uid: 1000) == [])
    let end = RecordingEnd(channel: 3, bytes: 10, hash: Self.hash, milliseconds: 7, failure: nil)
    #expect(throws: ProtocolViolation("told of a recording that there is not")) {
      try terminals.recorded(end, Self.bob, Self.settings, isLoggedIn: false)
    }
  }

  @Test func `unexpected replies of a recorder are ignored`() {
    var terminals = ConnectionTerminals()
    _ = terminals.prepare("bob", Self.settings)
    let before = terminals
    #expect(terminals.recordingOpened("/r/a.cast", Self.bob, isLoggedIn: true) == [])
    #expect(terminals.recordingFailed("x", Self.bob, Self.settings, isLoggedIn: true) == .init())
    #expect(terminals == before)
  }

  @Test func `no recording is requested before the login`() {
    var terminals = ConnectionTerminals()
    _ = terminals.prepare("bob", Self.settings)
    #expect(terminals.isRecorded)
    #expect(throws: ProtocolViolation("asked for a recording out of turn")) {
      try terminals.record(3, Self.settings, isLoggedIn: false)
    }
  }

  @Test func `the end of each recording and terminal is reported once, in order`() throws {
    var terminals = ConnectionTerminals()
    _ = terminals.prepare("bob", Self.settings)
    for channel in [5, 3] as [UInt32] {
      _ = try terminals.record(channel, Self.settings, isLoggedIn: true)
      _ = terminals.recordingOpened("/r/\(channel).cast", Self.bob, isLoggedIn: true)
      let name = "/dev/pts/\(channel)"
      _ = try terminals.handle(.began(channel: channel, name: name, process: 77), Self.bob, uid: 1000)
    }
    let actions = terminals.end(Self.bob, uid: 1000)
    #expect(actions.records.map(\.channel) == [3, 5] && actions.records.allSatisfy { $0.reason == "transport_lost" })
    let entries = actions.compactMap { if case .recordLogin(let entry) = $0 { entry } else { nil } }
    #expect(entries.map(\.terminal) == ["pts/3", "pts/5"])
    #expect(entries.allSatisfy { $0.kind == .ended && $0.uid == 1000 && $0.address == "203.0.113.7" })
    #expect(terminals.end(Self.bob, uid: 1000) == [])
  }
}
