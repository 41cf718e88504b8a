import Audit
import Glibc
import IPC
import System
import Testing

@testable import Session

/// When a program is audited, and with which data.
@Suite struct CommandRecordTests {
  private static let line = Array("ls -l".utf8)

  private func story(report: UInt64? = nil) -> CommandRecord {
    CommandRecord(AuditRecord(.command(Self.line), for: .execute(Self.line)), report: report, at: 1000)
  }

  @Test func `a program is audited when it has ended and its channel is closed, in either order`() {
    var first = story()
    #expect(!first.isComplete(at: .max))
    first.end(.code(3), isOverdue: false, at: 1500)
    #expect(!first.isComplete(at: 1500))
    var second = story()
    second.channelClosed(10, 20)
    #expect(!second.isComplete(at: .max))
    second.end(.code(3), isOverdue: false, at: 1500)
    first.channelClosed(10, 20)
    #expect(first.isComplete(at: 1500) && second.isComplete(at: 1500) && first.record == second.record)
    var record = AuditRecord(.commandExecuted, .failure, .exec)
    (record.command, record.exitStatus, record.milliseconds) = (Self.line, 3, 500)
    (record.bytes, record.bytesIn, record.bytesOut) = (30, 10, 20)
    #expect(first.record == record)
  }

  @Test func `a channel that stays open delays nothing, and the bytes are unknown then`() {
    var story = story()
    story.end(.code(0), isOverdue: false, at: 1500)
    #expect(story.deadline == 2500 && !story.isComplete(at: 2499) && story.isComplete(at: 2500))
    #expect(story.record.bytesIn == nil && story.record.result == .success)
  }

  @Test func `a transfer is audited after all of its reports`() {
    var story = story(report: 7)
    story.channelClosed(1, 2)
    story.end(.code(0), isOverdue: false, at: 1500)
    #expect(!story.isComplete(at: .max))
    story.reportEnded()
    #expect(story.isComplete(at: 1500))
  }

  @Test func `a program that outlives its login is audited as still running`() {
    let record = story().unfinished(at: 1700)
    #expect(
      record.reason == "still_running" && record.milliseconds == 700 && record.exitStatus == nil && record.signal == nil
    )
  }

  private static let endings: [(System.ExitStatus, Bool, EventResult, UInt32?, String?, Reason?)] = [
    (.code(0), false, .success, 0, nil, nil), (.code(4), false, .failure, 4, nil, nil),
    (.signal(15, coreDumped: false), false, .failure, nil, "TERM", nil),
    (.signal(15, coreDumped: false), true, .failure, nil, "TERM", "command_timeout"),
    (.code(0), true, .failure, 0, nil, "command_timeout"), (.unknown, false, .error, nil, nil, "end_unknown"),
  ]

  @Test(arguments: endings.indices) func `every kind of end is recorded`(index: Int) {
    let (status, isOverdue, result, exitStatus, signal, reason) = Self.endings[index]
    var record = AuditRecord(.shell, for: .shell)
    record.end(status, isOverdue: isOverdue)
    #expect(
      record.result == result && record.exitStatus == exitStatus && record.signal == signal && record.reason == reason)
  }

  @Test func `program, terminal and forced command are recorded`() {
    let sftp = ChannelRequest.subsystem(Array("sftp".utf8))
    let copy = Array("scp -t .".utf8)
    let forced = Program.forced(ForcedCommand(line: Array("date".utf8), wanted: .shell))
    let table: [(Program, ChannelRequest, String?, EventProtocol, [UInt8]?, String?)] = [
      (.shell, .shell, "/dev/pts/3", .shell, nil, "on /dev/pts/3"),
      (.command(Self.line), .execute(Self.line), nil, .exec, Self.line, nil),
      (.sftp, sftp, nil, .sftp, Array("sftp".utf8), nil),
      (.forcedSFTP([Array("-R".utf8)]), sftp, nil, .sftp, Array("sftp".utf8), "forced 'internal-sftp -R'"),
      (.scp(copy), .execute(copy), nil, .scp, copy, nil),
      (forced, .shell, "/dev/pts/3", .exec, nil, "on /dev/pts/3, forced 'date'"),
      (forced, .execute(Self.line), nil, .exec, Self.line, "forced 'date'"),
    ]
    for (program, request, terminal, kind, command, details) in table {
      let record = AuditRecord(program, for: request, onTerminal: terminal)
      #expect(record.type == .commandExecuted && record.protocol == kind)
      #expect(record.command == command && record.details == details)
    }
  }

  @Test func `every denial of a program is audited with its code, and others are not`() {
    let copy = Array("scp -t .".utf8)
    let table: [(Denial, ChannelRequest, EventProtocol, [UInt8]?)] = [
      (.noShell, .shell, .shell, nil), (.blocked, .execute(Self.line), .exec, Self.line),
      (.noSCP, .execute(copy), .scp, copy),
      (.noSFTP, .subsystem(Array("sftp".utf8)), .sftp, Array("sftp".utf8)),
      (.noSubsystem, .subsystem([1]), .ssh, [1]),
    ]
    for (denial, request, kind, command) in table {
      var record = AuditRecord(.commandBlocked, .denied, kind)
      (record.command, record.reason) = (command, Reason(denial))
      record.rule = denial == .blocked ? "shell.blocked_commands" : nil
      #expect(AuditRecord(denial, of: request) == record)
    }
    var record = AuditRecord(.commandBlocked, .denied, .ssh)
    (record.details, record.reason) = ("signal TERM", "no_signals")
    #expect(AuditRecord(.noSignals, of: .signal(Array("TERM".utf8))) == record)
    (record.details, record.reason) = ("terminal", "no_terminal")
    let terminal = ChannelRequest.terminal(term: [], columns: 0, rows: 0, xPixels: 0, yPixels: 0, modes: [])
    #expect(AuditRecord(.noTerminal, of: terminal) == record)
    #expect(AuditRecord(.noSignals, of: .breakSignal(0)) == nil)
  }

  // MARK: In the process

  @Test func `a command is audited once, with its end and its bytes`() throws {
    let session = try SessionUnderTest.loggedIn()
    _ = try session.run("exit 4", on: 3)
    try session.send(.closed(channel: 3, bytesIn: 5, bytesOut: 6))
    _ = try session.run("kill -KILL $$", on: 4)
    try session.send(.closed(channel: 4, bytesIn: 0, bytesOut: 0))
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
    var records = [try session.record(), try session.record()]
    #expect(throws: Missing.self) { try session.record() }
    #expect(records.allSatisfy { $0.milliseconds != nil && $0.milliseconds! < 60_000 })
    for index in records.indices { records[index].milliseconds = nil }
    var first = AuditRecord(.commandExecuted, .failure, .exec)
    (first.channel, first.command, first.exitStatus) = (3, Array("exit 4".utf8), 4)
    (first.bytes, first.bytesIn, first.bytesOut) = (11, 5, 6)
    var second = AuditRecord(.commandExecuted, .failure, .exec)
    (second.channel, second.command, second.signal) = (4, Array("kill -KILL $$".utf8), "KILL")
    (second.bytes, second.bytesIn, second.bytesOut) = (0, 0, 0)
    #expect(records == [first, second])
  }

  @Test func `a program that still runs at the end of the login is audited, too`() throws {
    let session = try SessionUnderTest.loggedIn()
    let ends = try session.start(.execute(Array("echo $$; exec sleep 100".utf8)))
    let pid = try #require(pid_t(try SessionUnderTest.read(ends[1], until: "\n").prefix { $0.isNumber }))
    session.closeTransport()
    let record = try session.record()
    #expect(record.type == .commandExecuted && record.reason == "still_running" && record.exitStatus == nil)
    #expect(try session.waitForEnd() == .code(0))
    #expect(kill(pid, SIGKILL) == 0)
    #expect(isGone(pid))
  }
}
