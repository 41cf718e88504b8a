import Audit
import Glibc
import IPC
import System
import Testing

@testable import Session

/// A program does not start before its event is in the journal.
@Suite struct PendingStartTests {
  private func pending(recordDeadline: Int64? = nil) -> PendingStart {
    PendingStart(
      number: 7, channel: 0, .shell, SessionChannel.Preparation(), .shell, AuditRecord(.commandExecuted),
      recordDeadline: recordDeadline)
  }

  @Test func `a start waits for the supervisor without limit`() {
    var start = pending()
    #expect(start.step(at: .max) == .wait)
    start.answered(6, allowed: true)
    start.answered(8, allowed: false)
    #expect(start.step(at: .max) == .wait)
    start.answered(7, allowed: true)
    #expect(start.step(at: 0) == .start(isLate: false))
  }

  @Test func `a start that the supervisor refuses does not happen, whatever the login records`() {
    for deadline in [nil, 500 as Int64?] {
      var start = pending(recordDeadline: deadline)
      start.answered(7, allowed: false)
      #expect(start.step(at: 0) == .refuse)
    }
  }

  @Test func `a start waits for the login records until the deadline`() {
    var start = pending(recordDeadline: 500)
    #expect(start.step(at: 600) == .wait)
    start.answered(7, allowed: true)
    #expect(start.step(at: 499) == .wait && start.step(at: 500) == .start(isLate: true))
    start.entered()
    #expect(start.step(at: 0) == .start(isLate: false) && start.recordDeadline == nil)
  }

  @Test func `a start waits for scope and login records, for each until its own deadline`() {
    var start = PendingStart(
      number: 7, channel: 0, .shell, SessionChannel.Preparation(), .shell, AuditRecord(.commandExecuted),
      recordDeadline: 500,
      scopeDeadline: 1500)
    start.answered(7, allowed: true)
    #expect(start.step(at: 0) == .wait && start.deadline(after: 0) == 500)
    #expect(start.step(at: 500) == .wait && start.deadline(after: 500) == 1500)
    #expect(start.step(at: 1500) == .start(isLate: true) && start.deadline(after: 1500) == nil)
    start.enteredScope()
    #expect(start.step(at: 499) == .wait && start.step(at: 500) == .start(isLate: true))
    start.entered()
    #expect(start.step(at: 0) == .start(isLate: false))
  }

  // MARK: In the process

  @Test(arguments: [ChannelRequest.execute(Array("read line".utf8)), .shell])
  func `a program runs after the supervisor's answer, and before the next request is handled`(
    request: ChannelRequest
  ) throws {
    let session = try SessionUnderTest.loggedIn()
    session.allowsStarts = nil
    try session.askForTerminal()
    try session.send(.request(channel: 0, request))
    try session.send(.request(channel: 0, .windowChange(columns: 100, rows: 30, xPixels: 0, yPixels: 0)))
    let start = try session.start()
    #expect(start.record.type == .commandStarted && start.record.channel == 0)
    #expect(start.record.details?.hasPrefix("on /dev/pts/") == true)
    // Neither request is answered before.
    #expect(try session.transport?.receive().isMessage == false)
    try session.answer(start.number, allowed: true)
    guard case .started(channel: 0, terminal: true) = try session.next().message else {
      throw Missing(description: "a start")
    }
    #expect(try session.next().message == .done(channel: 0))
  }

  @Test func `a command that cannot be recorded is not run, and the client reads why`() throws {
    let session = try SessionUnderTest.loggedIn { $0.sftp = .sample }
    session.allowsStarts = false
    let file = "/tmp/bssh-not-recorded-\(getpid())"
    let (output, errors, end) = try session.run("touch \(file)")
    #expect(output.isEmpty && end == .exited(channel: 0, status: 126))
    #expect(errors == "bssh: the command is refused, because it cannot be recorded (audit_unavailable)\n")
    #expect(access(file, F_OK) != 0)
    #expect(try session.record().reason == "not_started")
    #expect(try session.ask(.subsystem(Array("sftp".utf8)), on: 1) == .refused(channel: 1))
    session.allowsStarts = true
    #expect(try session.run("echo in", on: 2).output == "in\n")
  }

  @Test func `when a client leaves at once, its command is still started`() throws {
    let session = try SessionUnderTest.loggedIn()
    session.allowsStarts = nil
    try session.send(.request(channel: 0, .execute(Array("exit 7".utf8))))
    let start = try session.start()
    session.closeTransport()
    try session.answer(start.number, allowed: true)
    #expect(try session.record().exitStatus == 7)
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `without a supervisor programs start`() throws {
    let session = try SessionUnderTest.loggedIn()
    session.closeControl()
    for channel in 0..<3 as Range<UInt32> {
      #expect(try session.run("echo \(channel)", on: channel).output == "\(channel)\n")
    }
  }

  @Test func `without an answer, a departed client's command does not run, and that is reported`() throws {
    let session = try SessionUnderTest.loggedIn()
    session.allowsStarts = nil
    try session.send(.request(channel: 0, .execute(Array("exit 7".utf8))))
    _ = try session.start()
    session.closeTransport()
    let record = try session.record()
    #expect(record.type == .commandExecuted && record.reason == "not_started" && record.exitStatus == nil)
    #expect(try session.waitForEnd() == .code(0))
  }
}

extension MessageSocket.Received {
  /// True when there was a message to read.
  fileprivate var isMessage: Bool { if case .message = self { true } else { false } }
}
