import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// Recordings and login records, with simulated recorders.
@Suite struct RecorderServiceTests {
  private let runtime = FakeRuntime()
  private let recorders: RecorderService
  private let recordings: RecordingService
  private let logins: LoginRecordService
  private let replies: RecorderReplyService
  private let audit: AuditService

  init() throws {
    recorders = RecorderService(runtime)
    recordings = RecordingService(runtime, recorders)
    logins = LoginRecordService(runtime, recorders) { _ in .user(1000) }
    replies = RecorderReplyService(runtime, recorders, recordings, logins)
    audit = AuditService(runtime, SilentJournal(), logins)
    apply(try LoadedSettings.sample(recordings: ["/r"]))
  }

  private func apply(_ loaded: LoadedSettings) {
    logins.apply(loaded)
    recorders.apply(loaded)
  }

  /// The last started recorder.
  private var recorder: Child? { runtime.started.last { $0.role == .recorder } }

  /// Passes events to the services until there are none; returns descriptions of those of connections.
  @discardableResult private func run() -> [String] {
    var others: [String] = []
    while let event = runtime.next() {
      switch event {
      case .ended(let child, let status): replies.ended(child, status)
      case .terminalEntered(let connection): others.append("entered \(connection)")
      case .connection(.recordingOpened(let path), let connection):
        others.append("opened \(connection) \(path.prefix(3))")
      case .connection(.recordingFailed(let why), let connection): others.append("failed \(connection) \(why)")
      case .connection(.sessionMisbehaved(let what), let connection): others.append("bad \(connection) \(what)")
      default: others.append("other")
      }
    }
    return others
  }

  private func say(_ message: RecorderToSupervisor, by child: Child?) {
    if let child { replies.handle(message.wireBytes, [], from: child) }
  }

  private func openings(of child: Child?) throws -> [UInt64] {
    try runtime.messages(SupervisorToRecorder.self, to: child).compactMap {
      if case .open(let number, _, _) = $0 { number } else { nil }
    }
  }

  private func entries(of child: Child?) throws -> [String] {
    try runtime.messages(SupervisorToRecorder.self, to: child).compactMap {
      if case .login(let entry, let connection) = $0 { "\(entry.kind) \(entry.terminal) \(connection)" } else { nil }
    }
  }

  private func record(_ kind: LoginEntry.Kind, _ terminal: String, of connection: UInt64) {
    logins.record(
      LoginEntry(kind, user: "anna", uid: 1000, terminal: terminal, process: 5, address: "192.0.2.1"), isWanted: true,
      of: connection)
  }

  @Test
  func `the pending files of a recorder that dies fail, and another one is started after a pause`()
    throws
  {
    let first = try #require(recorder)
    for connection in UInt64(7)...8 { recordings.open(in: "/r", user: "anna", session: "s", for: connection) }
    record(.began, "pts/1", of: 7)
    record(.began, "pts/2", of: 8)
    let numbers = try openings(of: first)
    #expect(numbers.count == 2 && recordings.takeSocket(of: 7) != nil && recordings.takeSocket(of: 7) == nil)
    say(.opened(number: numbers[0]), by: first)
    runtime.end(first)
    #expect(run() == ["opened 7 /r/", "failed 8 the recorder \(System.ExitStatus.signal(9, coreDumped: false))"])
    // None is started during the pause.
    recordings.open(in: "/r", user: "anna", session: "s", for: 9)
    #expect(run().first?.hasPrefix("failed 9 ") == true && recorder === first)
    #expect(runtime.fire(.loginRecords))
    logins.sendToRecorder()
    #expect(recorder !== first)
    #expect(try entries(of: recorder) == ["began pts/1 7", "began pts/2 8"])
    say(.entered(connection: 7), by: recorder)
    #expect(run() == ["entered 7"])
    recordings.open(in: "/r", user: "anna", session: "s", for: 8)
    #expect(try openings(of: recorder).count == 1)
    // A reply of the dead recorder would concern another file.
    say(.opened(number: numbers[1]), by: recorder)
    #expect(recorder?.sentSignal == SIGKILL && run().isEmpty)
  }

  @Test func `a recorder that dies while it gets entries loses none`() throws {
    runtime.end(try #require(recorder))
    run()
    runtime.now += RecorderService.pause
    record(.began, "pts/1", of: 7)
    let second = try #require(recorder)
    var isDead = false
    runtime.whenSending = { child in
      guard !isDead else { return }
      isDead = true
      runtime.end(child)
    }
    record(.ended, "pts/1", of: 7)
    record(.began, "pts/1", of: 8)
    #expect(isDead && run().isEmpty)
    #expect(runtime.fire(.loginRecords))
    logins.sendToRecorder()
    #expect(recorder !== second)
    #expect(try entries(of: recorder) == ["began pts/1 7", "ended pts/1 7", "began pts/1 8"])
  }

  @Test func `an end is not sent to another recorder while a retired one may write its start`() throws {
    let first = try #require(recorder)
    record(.began, "pts/1", of: 7)
    apply(try LoadedSettings.sample(recordings: ["/other"]))
    #expect(recorder !== first && first.isFinished && runtime.hasTimer(.kill(first.number)))
    record(.ended, "pts/1", of: 7)
    #expect(try entries(of: recorder).isEmpty)
    say(.entered(connection: 7), by: first)
    #expect(try entries(of: recorder) == ["ended pts/1 7"])
    #expect(run() == ["entered 7"])
  }

  @Test func `a recorder has the directories of existing logins until they end`() throws {
    recorders.setNeeds(RecordingNeeds(keepsLogins: false, directories: ["/r"]), of: 7)
    apply(try LoadedSettings.sample(recordings: ["/other"]) { $0.audit.loginRecords = false })
    func told(_ child: Child?) throws -> [RecorderSettings] {
      try runtime.messages(SupervisorToRecorder.self, to: child).compactMap {
        if case .prepare(let settings) = $0 { settings } else { nil }
      }
    }
    #expect(try told(recorder).map { $0.directories.map(\.path) } == [["/other", "/r"]])
    #expect(try told(recorder).map(\.keepsLogins) == [false])
    #expect(recorders.directory(at: "/r") != nil)
    recorders.setNeeds(nil, of: 7)
    #expect(recorders.directory(at: "/r") == nil && recorders.directory(at: "/other") != nil)
    recordings.open(in: "/r", user: "anna", session: "s", for: 8)
    #expect(run().first?.hasPrefix("failed 8 ") == true)
  }

  @Test func `a terminal of another user is refused, and one of another login is not entered but starts`() throws {
    let strict = LoginRecordService(runtime, recorders) { _ in .user(0) }
    strict.record(
      LoginEntry(.began, user: "anna", uid: 1000, terminal: "pts/9", process: 5, address: ""), isWanted: true, of: 7)
    strict.apply(try LoadedSettings.sample())
    strict.record(
      LoginEntry(.began, user: "anna", uid: 1000, terminal: "pts/9", process: 5, address: ""), isWanted: true, of: 7)
    #expect(run() == ["entered 7", "bad 7 told of a terminal that is not its user's"])
    record(.began, "pts/1", of: 7)
    record(.began, "pts/1", of: 8)
    #expect(run() == ["entered 8"] && runtime.lines(with: "[8] pts/1 is not in the login records: is another") == 1)
    logins.forget(7)
    record(.began, "pts/1", of: 8)
    #expect(run().isEmpty)
  }

  @Test func `an entry of a recorder whose files were replaced is sent to the next one, with a limit`() throws {
    record(.began, "pts/1", of: 7)
    var count = 0
    while count < 100, let current = recorder, !current.isFinished {
      guard case .login(let entry, _)? = try runtime.messages(SupervisorToRecorder.self, to: current).last else {
        break
      }
      say(.replaced(entry, connection: 7), by: current)
      count += 1
      if recorder === current { break }
    }
    #expect((2...20).contains(count))
    #expect(run() == ["entered 7"])
    #expect(runtime.lines(with: "[7] not in the login records, whose files were replaced: pts/1") == 1)
  }

  @Test func `wrong passwords are entered in btmp and refused keys are not`() throws {
    var record = AuditRecord(.authFailure, .denied, .ssh)
    var subject = Subject()
    (subject.user, subject.method) = ("anna", "publickey")
    audit.record(record, of: subject, 7)
    #expect(try entries(of: recorder).isEmpty)
    subject.method = "password"
    audit.record(record, of: subject, 7)
    (subject.method, record.reason) = ("publickey", Reason(AccountRefusal.noSuchUser))
    audit.record(record, of: subject, 8)
    #expect(try entries(of: recorder) == ["refused ssh:notty 7", "refused ssh:notty 8"])
    // No reply is pending for an entry that was not sent.
    runtime.end(try #require(recorder))
    run()
    audit.record(record, of: subject, 9)
    #expect(!runtime.hasTimer(.loginRecords))
  }

  @Test func `at the end waiting entries are written without a pause`() throws {
    let first = try #require(recorder)
    runtime.end(first)
    run()
    record(.began, "pts/1", of: 7)
    #expect(recorder === first)
    replies.end()
    let last = try #require(recorder)
    #expect(last !== first && last.isFinished && last.sentSignal == SIGKILL)
    #expect(try entries(of: last) == ["began pts/1 7"])
  }
}

/// A journal that ignores events.
final class SilentJournal: EventJournal {
  var isOn: Bool { false }
  func add(_ record: AuditRecord, of subject: Subject, in series: JournalSeries?) {}
}
