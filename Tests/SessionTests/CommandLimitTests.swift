import Glibc
import IPC
import System
import Testing

@testable import Session

@Suite struct CommandLimitTests {
  @Test func `zero seconds mean no limit`() { #expect(CommandLimit(seconds: 0, at: 0) == nil) }

  @Test(arguments: [(3600, 3_540_000, 60), (61, 1000, 60), (60, 30_000, 30), (1, 500, 1)] as [(UInt32, Int64, Int64)])
  func `a command is warned, gets SIGTERM, SIGKILL, then nothing`(seconds: UInt32, notice: Int64, left: Int64) throws {
    var limit = try #require(CommandLimit(seconds: seconds, at: 1000))
    let end = 1000 + Int64(seconds) * 1000
    #expect(limit.nextTime == 1000 + notice && limit.step(at: 1000 + notice - 1) == nil)
    #expect(limit.step(at: 1000 + notice) == .announce(seconds: left))
    #expect(limit.nextTime == end && limit.step(at: end - 1) == nil && !limit.isOver)
    #expect(limit.step(at: end) == .terminate && limit.isOver)
    #expect(limit.nextTime == end + 5000 && limit.step(at: end + 4999) == nil)
    #expect(limit.step(at: end + 5000) == .kill)
    #expect(limit.nextTime == nil && limit.step(at: .max) == nil && limit.isOver)
  }

  @Test func `overdue steps are taken one after the other`() throws {
    var limit = try #require(CommandLimit(seconds: 1, at: 0))
    var steps: [CommandLimit.Step] = []
    while let step = limit.step(at: 1_000_000) { steps.append(step) }
    #expect(steps == [.announce(seconds: 1), .terminate, .kill])
  }

  @Test func `a command over its limit is ended, and the client is told why`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commandTimeout = 1 }
    _ = try session.start(.execute(Array("exec sleep 1000".utf8)))
    guard case .announce(channel: 0, let text) = try session.next().message else {
      Issue.record("no word")
      return
    }
    #expect(text == "bssh: the command has run for 1 s, and is ended (command_timeout)")
    #expect(try session.next().message == .killed(channel: 0, signal: "TERM", coreDumped: false))
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `processes that a command over its limit leaves behind are killed with its group`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commandTimeout = 1 }
    // The shell ends at once; its child ignores SIGTERM.
    let ends = try session.start(
      .execute(Array("(trap '' TERM HUP; sh -c 'echo $PPID; sleep 1000; sleep 1000') & echo; wait".utf8)))
    try SessionUnderTest.read(ends[1], until: "\n")
    _ = try session.next()
    #expect(try session.next().message == .killed(channel: 0, signal: "TERM", coreDumped: false))
    // Five seconds later nobody holds the pipe any more.
    _ = try SessionUnderTest.readToEnd(ends[1])
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a command over its limit does not outlive the login`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commandTimeout = 1 }
    let ends = try session.start(.execute(Array("trap '' TERM HUP; echo in; while :; do sleep 0.1; done".utf8)))
    try SessionUnderTest.read(ends[1], until: "in")
    _ = try session.next()
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
    _ = try SessionUnderTest.readToEnd(ends[1])
  }

  @Test func `shells have no limit, and a command within its limit is not announced anything`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commandTimeout = 1 }
    let shell = try session.start(.shell, on: 1)
    _ = try session.start(.execute(Array("sleep 1000".utf8)), on: 2)
    let quick = try session.run("echo quick")
    #expect(quick.output == "quick\n" && quick.end == .exited(channel: 0, status: 0))
    // The shell started before the command that is ended now.
    guard case .announce(channel: 2, _) = try session.next().message else {
      Issue.record("another word first")
      return
    }
    #expect(try session.next().message == .killed(channel: 2, signal: "TERM", coreDumped: false))
    try shell[0].write("echo still; exit\n")
    #expect(try SessionUnderTest.readToEnd(shell[1]) == "still\n")
  }

  @Test func `the terminal of a command is warned before the limit`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commandTimeout = 2 }
    try session.askForTerminal()
    _ = try session.start(.execute(Array("exec sleep 1000".utf8)))
    #expect(
      try session.next().message == .announce(channel: 0, "bssh: this command ends in 1 second (command time limit)"))
    #expect(
      try session.next().message
        == .announce(channel: 0, "bssh: the command has run for 2 s, and is ended (command_timeout)"))
    #expect(try session.next().message == .killed(channel: 0, signal: "TERM", coreDumped: false))
  }
}
