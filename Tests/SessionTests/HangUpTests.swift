import Foundation
import IPC
import System
import Testing

@Suite struct HangUpTests {
  /// Starts a command that prints a process id first.
  private func startTelling(
    _ session: SessionUnderTest, _ command: String, on channel: UInt32 = 0
  ) throws -> (pid: pid_t, ends: [Descriptor]) {
    let ends = try session.start(.execute(Array(command.utf8)), on: channel)
    let text = try SessionUnderTest.read(ends.count == 1 ? ends[0] : ends[1], until: "\n")
    return (try #require(pid_t(text.prefix { $0.isNumber })), ends)
  }

  @Test func `closing a channel hangs up the program on its terminal, and its end is sent`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    var (pid, ends) = try startTelling(session, "trap 'exit 3' HUP; sh -c 'echo $$; exec sleep 100' & wait")
    try session.send(.closed(channel: 0, bytesIn: 0, bytesOut: 0))
    ends.removeAll()
    #expect(isGone(pid))
    #expect(try session.next().message == .exited(channel: 0, status: 3))
    // The session itself goes on.
    #expect(try session.run("echo on", on: 0).output == "on\n")
  }

  @Test func `closing a channel sends no signal to a program without a terminal, and its end is sent`() throws {
    let session = try SessionUnderTest.loggedIn()
    var ends = try session.start(.execute(Array("trap 'exit 9' HUP CONT; echo in; cat; exit 7".utf8)))
    try SessionUnderTest.read(ends[1], until: "in")
    try session.send(.closed(channel: 0, bytesIn: 0, bytesOut: 0))
    // Handled in order: when this has run, the close is handled completely.
    #expect(try session.run("echo on", on: 1).output == "on\n")
    ends.removeAll()
    #expect(try session.next().message == .exited(channel: 0, status: 7))
  }

  @Test func `when the client is gone, programs on a terminal are hung up`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    var (pid, ends) = try startTelling(session, "sleep 100 & echo $!; wait")
    session.closeTransport()
    ends.removeAll()
    #expect(try session.waitForEnd() == .code(0))
    #expect(isGone(pid))
  }

  @Test(arguments: [false, true]) func `when the client is gone, programs without a terminal go on unsignalled`(
    isTerminated: Bool
  ) throws {
    let done = "/tmp/bssh-left-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: done) }
    let session = try SessionUnderTest.loggedIn()
    // The end of its input makes it go on to the part that outlives the session.
    let command = "trap 'exit 9' HUP TERM CONT; echo $$; cat; exec sh -c 'echo $$ >\(done); exec sleep 100'"
    var (pid, ends) = try startTelling(session, command)
    if isTerminated { session.process.signal(SIGTERM) } else { session.closeTransport() }
    ends.removeAll()
    #expect(try session.waitForEnd() == .code(0))
    #expect(try String(contentsOfFile: done, encoding: .utf8) == "\(pid)\n")
    #expect(kill(pid, SIGKILL) == 0)
    #expect(isGone(pid))
  }

  @Test func `a terminal's end is reported once, when its channel is closed, though its program goes on`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    var (pid, ends) = try startTelling(session, "trap '' HUP; echo $$; exec sleep 100")
    guard case .began(channel: 0, let name, _) = try session.terminal() else {
      Issue.record("no beginning")
      return
    }
    try session.send(.closed(channel: 0, bytesIn: 0, bytesOut: 0))
    ends.removeAll()
    #expect(try session.terminal() == .ended(name: name))
    // The next terminal can have the same name, and must not be reported when the first program ends.
    try session.askForTerminal(on: 1)
    let second = try session.start(.execute(Array("cat".utf8)), on: 1)
    defer { withExtendedLifetime(second) {} }
    guard case .began(channel: 1, let next, _) = try session.terminal() else {
      Issue.record("no second beginning")
      return
    }
    #expect(kill(pid, SIGKILL) == 0)
    #expect(try session.next().message == .killed(channel: 0, signal: "KILL", coreDumped: false))
    try session.send(.closed(channel: 1, bytesIn: 0, bytesOut: 0))
    #expect(try session.terminal() == .ended(name: next))
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
    #expect(throws: Missing.self) { try session.terminal() }
  }

  @Test func `a stopped program is hung up with its terminal`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    var (pid, ends) = try startTelling(session, "echo $$; kill -STOP $$; sleep 100")
    session.closeTransport()
    ends.removeAll()
    #expect(try session.waitForEnd() == .code(0))
    #expect(isGone(pid))
  }

  @Test func `a session survives its supervisor`() throws {
    let session = try SessionUnderTest.loggedIn()
    session.closeControl()
    #expect(try session.run("echo still here").output == "still here\n")
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a supervisor that does not read holds the session back, and misses nothing`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commands.allowed = ["nothing"] }
    // Nobody reads the reports about these requests, until the session reads no more of them.
    let request = TransportToSession.request(channel: 0, .subsystem(Array("netconf".utf8))).wireBytes
    var count = 0
    while let transport = session.transport {
      guard case .bytes = try transport.send(request) else {
        // It may just be slow: it is held back only if there is no reply either.
        guard transport.descriptor.wait(for: POLLIN, milliseconds: 200) else { break }
        while case .message = try transport.receive() {}
        continue
      }
      count += 1
    }
    #expect(count > 100)
    for _ in 0..<count {
      try #require(try session.record().reason == "no_such_subsystem")
      while case .message? = try session.transport?.receive() {}
    }
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a transport that sends invalid messages ends its session`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    var (pid, ends) = try startTelling(session, "echo $$; exec sleep 100")
    try session.transport?.send([77, 1, 2, 3], wait: true)
    ends.removeAll()
    #expect(try session.waitForEnd() == .code(0))
    #expect(isGone(pid))
  }

  @Test func `a transport that does not read its replies is given up`() throws {
    let session = try SessionUnderTest.loggedIn()
    let request = TransportToSession.request(channel: 0, .signal([])).wireBytes
    var outcome = IOOutcome.wouldBlock
    let transport = try #require(session.transport)
    repeat {
      outcome = try transport.send(request)
      if outcome == .wouldBlock { _ = transport.descriptor.wait(for: POLLOUT, milliseconds: 100) }
    } while outcome != .ended
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a log line tells what was started`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal(on: 3)
    let ends = try session.start(.execute(Array("exit 4".utf8)), on: 3)
    _ = try SessionUnderTest.readToEnd(ends[0])
    #expect(try session.note().hasPrefix("channel 3: command started on /dev/pts/"))
  }
}
