import Configuration
import IPC
import System
import Testing

@testable import Supervisor

@Suite struct LoginLimitsTests {
  private static func loggedIn(idle: Int = 0, session: Int = 0) -> (Scenario, [ConnectionMachine.Action]) {
    var scenario = Scenario.atOpening {
      $0.security.idleTimeout = idle
      $0.security.sessionTimeout = session
    }
    let actions = scenario.send(.sessionOpened(Scenario.loginID))
    return (scenario, actions)
  }

  /// The time of a timer in the actions.
  private func time(_ timer: ConnectionMachine.Timer, in actions: [ConnectionMachine.Action]) -> Int64? {
    for case .setTimer(timer, let milliseconds) in actions { return milliseconds }
    return nil
  }

  private func idle(_ time: Int64) -> ConnectionMachine.Event { .transport(.idle(since: time)) }

  @Test func `without limits a login has no timers`() {
    let (_, actions) = Self.loggedIn()
    #expect(time(.idle, in: actions) == nil && time(.session, in: actions) == nil)
  }

  @Test(arguments: [(3600, 3_540_000), (61, 1000), (60, 30_000), (7, 3500), (1, 500)] as [(Int, Int64)])
  func `announcements come a minute before the end, or at half of a limit of a minute or less`(limit: Int, first: Int64)
  {
    let (_, actions) = Self.loggedIn(idle: limit, session: limit)
    #expect(time(.idle, in: actions) == first)
    #expect(time(.session, in: actions) == first)
  }

  @Test func `a login ends with its time limit after an announcement`() {
    var (scenario, _) = Self.loggedIn(session: 3600)
    #expect(
      scenario.send(.timer(.session)) == [
        .send(.announce("bssh: this session ends in 60 seconds (session time limit)")),
        .setTimer(.session, milliseconds: 60_000),
      ])
    let actions = scenario.send(.timer(.session))
    #expect(
      actions.told == [
        .disconnect(reason: 11, text: "The session's time of 3600 seconds is over (session_timeout)")
      ])
    scenario.send(.transport(.closed(reason: .toldToDisconnect, detail: "", bytesIn: 0, bytesOut: 0)))
    #expect(scenario.send(.transportEnded(.code(0))).lines().contains { $0.hasPrefix("closed: session_timeout,") })
  }

  @Test func `an idle login is announced once and then ends`() {
    var (scenario, _) = Self.loggedIn(idle: 3600)
    let start = scenario.now
    scenario.now += 3_540_010
    #expect(scenario.send(.timer(.idle)) == [.send(.reportIdle)])
    #expect(
      scenario.send(idle(start)) == [
        .send(.announce("bssh: this session ends in 60 seconds (idle)")), .setTimer(.idle, milliseconds: 59_990),
      ])
    scenario.now = start + 3_599_999
    scenario.send(.timer(.idle))
    // If the clock is slightly behind, the transport is asked again without a second announcement.
    #expect(scenario.send(idle(start)) == [.setTimer(.idle, milliseconds: 1)])
    scenario.now += 1
    scenario.send(.timer(.idle))
    #expect(
      scenario.send(idle(start)).told == [
        .disconnect(reason: 11, text: "Nothing came or went for 3600 seconds (idle_timeout)")
      ])
    scenario.send(.transport(.closed(reason: .toldToDisconnect, detail: "", bytesIn: 0, bytesOut: 0)))
    #expect(scenario.send(.transportEnded(.code(0))).lines().contains { $0.hasPrefix("closed: idle_timeout,") })
  }

  @Test(arguments: [1, 30_000, 59_999] as [Int64])
  func `data after the announcement restarts the time, and the next idle time is announced again`(after: Int64) {
    var (scenario, _) = Self.loggedIn(idle: 120)
    let start = scenario.now
    scenario.now += 60_000
    scenario.send(.timer(.idle))
    scenario.send(idle(start))
    let byte = scenario.now + after
    scenario.now += 60_000
    scenario.send(.timer(.idle))
    #expect(scenario.send(idle(byte)) == [.setTimer(.idle, milliseconds: after)])
    scenario.now += after
    scenario.send(.timer(.idle))
    #expect(scenario.send(idle(byte)).told == [.announce("bssh: this session ends in 60 seconds (idle)")])
  }

  @Test func `the announcement of one second is in the singular`() {
    #expect(LoginLimits.announcement(1000, "idle") == "bssh: this session ends in 1 second (idle)")
    #expect(LoginLimits.announcement(20, "idle") == "bssh: this session ends in 1 second (idle)")
    #expect(LoginLimits.announcement(1500, "idle") == "bssh: this session ends in 2 seconds (idle)")
  }

  @Test(arguments: [(Int64.max, false), (Int64.min, true), (0, true), (-1, true), (Int64.max - 1, false)])
  func `extreme times do not trap`(time: Int64, ends: Bool) {
    var (scenario, _) = Self.loggedIn(idle: 120)
    scenario.send(.timer(.idle))
    #expect(scenario.send(idle(time)).disconnects == ends)
  }

  @Test func `a start of the idle time in the future is not idle`() {
    for ahead in [1, 10_000, .max - 1_000_000] as [Int64] {
      var (scenario, _) = Self.loggedIn(idle: 120)
      scenario.send(.timer(.idle))
      #expect(scenario.send(idle(scenario.now + ahead)) == [.setTimer(.idle, milliseconds: 60_000)])
    }
    var (scenario, _) = Self.loggedIn(idle: 120)
    scenario.send(.timer(.idle))
    #expect(scenario.send(idle(scenario.now)) == [.setTimer(.idle, milliseconds: 60_000)])
    // A time before the start of the clock.
    (scenario, _) = Self.loggedIn(idle: 2000)
    scenario.send(.timer(.idle))
    #expect(scenario.send(idle(-5)) == [.setTimer(.idle, milliseconds: 940_000)])
  }

  @Test func `an idle time is announced exactly at its notice`() {
    for (silence, isAnnounced) in [(59_999, false), (60_000, true), (119_999, true)] as [(Int64, Bool)] {
      var (scenario, _) = Self.loggedIn(idle: 120)
      let start = scenario.now
      scenario.now += silence
      scenario.send(.timer(.idle))
      let actions = scenario.send(idle(start))
      #expect(actions.told.isEmpty == !isAnnounced, "\(silence)")
      #expect(time(.idle, in: actions) == (isAnnounced ? 120_000 - silence : 1))
    }
  }

  @Test func `a transport that reports an idle time without a request is killed`() {
    var (scenario, _) = Self.loggedIn(idle: 120)
    #expect(scenario.send(idle(0)).kills)
    for var scenario in Scenario.everyPhase() where !scenario.machine.isLoggedIn {
      let phase = scenario.machine.phase
      guard phase != .closing(.disconnecting), phase != .closing(.killed) else { continue }
      #expect(scenario.send(idle(0)).kills, "\(phase)")
    }
  }

  @Test func `the timers have no effect in other phases`() {
    for var scenario in Scenario.everyPhase() where !scenario.machine.isLoggedIn {
      #expect(scenario.send(.timer(.idle)).isEmpty)
      #expect(scenario.send(.timer(.session)).isEmpty)
    }
  }

  @Test func `a client that does not log in in time is told so`() {
    var scenario = Scenario.atAuthentication { $0.server.loginGrace = 2 }
    #expect(
      scenario.send(.timer(.loginGrace)).told == [
        .disconnect(reason: 11, text: "No login within 2 seconds (login_timeout)")
      ])
    scenario.send(.transport(.closed(reason: .toldToDisconnect, detail: "", bytesIn: 0, bytesOut: 0)))
    #expect(scenario.send(.transportEnded(.code(0))).lines().contains { $0.hasPrefix("closed: login_timeout,") })
  }

  @Test func `the session has the time limit of commands`() {
    let scenario = Scenario.atOpening { $0.shell.commandTimeout = 90 }
    for case .openSession(let login, _) in scenario.said { #expect(login.commandTimeout == 90) }
    #expect(scenario.said.opensSession)
  }

  // MARK: LoginLimits alone

  @Test func `an idle time is accepted once for each request`() throws {
    var security = Settings().security
    security.idleTimeout = 60
    var limits = LoginLimits()
    let violation = ProtocolViolation("told of idleness without a question")
    #expect(throws: violation) { try limits.idle(since: 0, security, at: 0) }
    #expect(limits.askForIdleTime() == [.send(.reportIdle)])
    #expect(try limits.idle(since: 0, security, at: 1) == .init([.setTimer(.idle, milliseconds: 29_999)]))
    #expect(throws: violation) { try limits.idle(since: 0, security, at: 1) }
    _ = limits.askForIdleTime()
    guard case .disconnect(let disconnect) = try limits.idle(since: 0, security, at: 60_000).next else {
      Issue.record("no disconnect")
      return
    }
    #expect(disconnect.code == 11 && disconnect.reason == .idleTimeout)
  }
}
