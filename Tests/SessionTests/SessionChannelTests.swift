import Glibc
import IPC
import Model
import System
import Testing

@testable import Session

/// A state of a channel, and the events that lead to it.
private enum Situation: CaseIterable {
  case fresh, withTerminal, opening, starting, running, runningOnTerminal, transferring, leftRunning, ended, closed

  var history: [SessionChannel.Event] {
    switch self {
    case .fresh: []
    case .withTerminal: [.request(.sampleTerminal), .terminal(opened: true)]
    case .opening: [.request(.sampleTerminal)]
    case .starting: [.request(.shell)]
    case .running: [.request(.shell), .program(started: true)]
    case .runningOnTerminal: Situation.withTerminal.history + Situation.running.history
    case .transferring: [.request(.sftp), .program(started: true)]
    case .leftRunning: Situation.running.history + [.closed]
    case .ended: Situation.running.history + [.ended]
    case .closed: [.closed]
    }
  }
}

/// The kind of an action, without details.
private enum Kind {
  case none, accept, refuse, deny, rejectWithMessage, openTerminal, start, resize, signal, report, complainOfLength

  init(_ action: SessionChannel.Action) {
    self =
      switch action {
      case .none: .none
      case .accept: .accept
      case .refuse: .refuse
      case .deny: .deny
      case .rejectWithMessage: .rejectWithMessage
      case .openTerminal: .openTerminal
      case .start: .start
      case .resize: .resize
      case .signal: .signal
      case .report: .report
      case .complainOfLength: .complainOfLength
      }
  }
}

extension ChannelRequest {
  fileprivate static var sampleTerminal: ChannelRequest {
    .terminal(term: Array("vt100".utf8), columns: 80, rows: 24, xPixels: 0, yPixels: 0, modes: [])
  }

  fileprivate static let sftp = ChannelRequest.subsystem(Array("sftp".utf8))
  fileprivate static let copy = ChannelRequest.execute(Array("scp -t .".utf8))

  fileprivate static func variable(_ name: String, _ value: String) -> ChannelRequest {
    .environment(name: Array(name.utf8), value: Array(value.utf8))
  }
}

@Suite struct SessionChannelTests {
  private static func channel(
    mayExecute: Bool = true, mayHaveTerminal: Bool = true, mayTransfer: Bool = true, mayCopy: Bool = true,
    after history: [SessionChannel.Event] = []
  ) -> SessionChannel {
    var channel = SessionChannel(
      SessionChannel.Permissions(
        mayExecute: mayExecute, mayHaveTerminal: mayHaveTerminal, mayTransfer: mayTransfer, mayCopy: mayCopy,
        environment: EnvironmentFilter(patterns: ["A*"])))
    for event in history { _ = channel.handle(event) }
    return channel
  }

  private static let events: [SessionChannel.Event] = [
    .request(.sampleTerminal), .request(.variable("A", "1")), .request(.shell), .request(.execute([0x61])),
    .request(.sftp), .request(.copy), .request(.subsystem(Array("netconf".utf8))),
    .request(.windowChange(columns: 1, rows: 2, xPixels: 3, yPixels: 4)), .request(.signal(Array("TERM".utf8))),
    .request(.breakSignal(500)), .terminal(opened: true), .terminal(opened: false), .program(started: true),
    .program(started: false), .ended, .closed, .argumentsTooLong, .request(.overlongCommand([0x61])),
    .notRecorded(isSFTP: false), .notRecorded(isSFTP: true),
  ]

  /// The cases of events, without their values; exhaustive, so that a new case does not compile before it is listed.
  private enum EventKind: CaseIterable {
    case terminalRequest, environment, shell, execute, overlongCommand, subsystem, windowChange, signal, breakSignal
    case terminal, program, notRecorded, argumentsTooLong, ended, closed

    init(_ event: SessionChannel.Event) {
      self =
        switch event {
        case .request(.terminal): .terminalRequest
        case .request(.environment): .environment
        case .request(.shell): .shell
        case .request(.execute): .execute
        case .request(.overlongCommand): .overlongCommand
        case .request(.subsystem): .subsystem
        case .request(.windowChange): .windowChange
        case .request(.signal): .signal
        case .request(.breakSignal): .breakSignal
        case .terminal: .terminal
        case .program: .program
        case .notRecorded: .notRecorded
        case .argumentsTooLong: .argumentsTooLong
        case .ended: .ended
        case .closed: .closed
        }
    }
  }

  @Test func `the table has every kind of event`() {
    #expect(Set(Self.events.map(EventKind.init)) == Set(EventKind.allCases))
  }

  private static func expected(_ situation: Situation) -> [Kind] {
    let allRefused = [Kind](repeating: .refuse, count: 10)
    return switch situation {
    case .fresh:
      [.openTerminal, .accept, .start, .start, .start, .start, .deny, .refuse, .refuse, .refuse]
        + [.none, .none, .none, .none, .none, .none, .none, .complainOfLength, .none, .none]
    case .withTerminal:
      [.refuse, .accept, .start, .start, .deny, .rejectWithMessage, .deny, .resize, .refuse, .refuse]
        + [.none, .none, .none, .none, .none, .none, .none, .complainOfLength, .none, .none]
    case .opening: allRefused + [.accept, .refuse, .none, .none, .none, .none, .none, .refuse, .none, .none]
    case .starting:
      allRefused + [.none, .none, .none, .refuse, .none, .none, .complainOfLength, .refuse, .rejectWithMessage, .deny]
    case .running:
      [.refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .signal, .signal]
        + [.none, .none, .none, .none, .report, .none, .none, .refuse, .none, .none]
    case .runningOnTerminal:
      [.refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .resize, .signal, .signal]
        + [.none, .none, .none, .none, .report, .none, .none, .refuse, .none, .none]
    case .transferring:
      [.refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .refuse, .deny, .deny]
        + [.none, .none, .none, .none, .report, .none, .none, .refuse, .none, .none]
    case .leftRunning: allRefused + [.none, .none, .none, .none, .report, .none, .none, .refuse, .none, .none]
    case .ended, .closed: allRefused + [.none, .none, .none, .none, .none, .none, .none, .refuse, .none, .none]
    }
  }

  @Test func `every event in every state has the action of the table`() {
    for situation in Situation.allCases {
      let expected = SessionChannelTests.expected(situation)
      #expect(expected.count == SessionChannelTests.events.count)
      for (event, kind) in zip(SessionChannelTests.events, expected) {
        var channel = SessionChannelTests.channel(after: situation.history)
        #expect(Kind(channel.handle(event)) == kind, "\(event) while \(situation)")
      }
    }
  }

  @Test func `a refusal changes nothing`() {
    for situation in Situation.allCases {
      for event in SessionChannelTests.events {
        guard case .request = event else { continue }
        var channel = SessionChannelTests.channel(after: situation.history)
        let before = channel
        switch channel.handle(event) {
        case .refuse, .deny: #expect(channel == before, "\(event) while \(situation)")
        case .none, .accept, .rejectWithMessage, .openTerminal, .start, .resize, .signal, .report, .complainOfLength:
          break
        }
      }
    }
  }

  @Test func `only one program runs on a channel, but after one that failed another may`() {
    var channel = SessionChannelTests.channel()
    guard case .start(.command([0x61]), _) = channel.handle(.request(.execute([0x61]))) else {
      Issue.record("not started")
      return
    }
    #expect(channel.handle(.program(started: false)) == .refuse)
    guard case .start(.shell, _) = channel.handle(.request(.shell)) else {
      Issue.record("not started")
      return
    }
    #expect(channel.handle(.program(started: true)) == .none)
    #expect(channel.handle(.request(.shell)) == .refuse)
  }

  @Test func `a program gets the terminal and the variables that were requested before`() {
    var channel = SessionChannelTests.channel(after: Situation.withTerminal.history)
    #expect(channel.handle(.request(.variable("A1", "x"))) == .accept)
    #expect(channel.handle(.request(.variable("B1", "x"))) == .refuse)
    guard case .start(_, let preparation) = channel.handle(.request(.shell)) else {
      Issue.record("not started")
      return
    }
    #expect(preparation.environment == [EnvironmentVariable(name: "A1", value: Array("x".utf8))])
    #expect(preparation.terminal?.term == Array("vt100".utf8))
    #expect(preparation.terminal?.size == Terminal.Size(columns: 80, rows: 24, xPixels: 0, yPixels: 0))
  }

  @Test func `a terminal that could not be opened is not used`() {
    var channel = SessionChannelTests.channel(after: [.request(.sampleTerminal), .terminal(opened: false)])
    guard case .start(_, let preparation) = channel.handle(.request(.shell)) else {
      Issue.record("not started")
      return
    }
    #expect(preparation.terminal == nil)
  }

  @Test func `a request that the login may not make is denied`() {
    var channel = SessionChannelTests.channel(mayExecute: false, mayHaveTerminal: false)
    #expect(channel.handle(.request(.sampleTerminal)) == .deny(.noTerminal, what: "terminal"))
    var second = channel
    #expect(channel.handle(.request(.shell)) == .rejectWithMessage(.noCommands, what: "shell"))
    #expect(second.handle(.request(.execute([0x61]))) == .rejectWithMessage(.noCommands, what: "command 'a'"))
    #expect(channel.state == .ended && second.state == .ended)
  }

  @Test func `a login without commands can still transfer files`() {
    for (request, program) in [(ChannelRequest.sftp, Program.sftp), (.copy, .scp(Array("scp -t .".utf8)))] {
      var channel = SessionChannelTests.channel(mayExecute: false, mayHaveTerminal: false)
      guard case .start(program, _) = channel.handle(.request(request)) else {
        Issue.record("\(program.name) not started")
        continue
      }
      #expect(channel.handle(.program(started: true)) == .none)
    }
  }

  @Test func `SFTP and SCP that the login may not use are denied even if it has a shell`() {
    var channel = SessionChannelTests.channel(mayTransfer: false)
    #expect(channel.handle(.request(.sftp)) == .deny(.noSFTP, what: "SFTP"))
    #expect(Kind(channel.handle(.request(.copy))) == .start)
    channel = SessionChannelTests.channel(mayCopy: false)
    #expect(channel.handle(.request(.copy)) == .rejectWithMessage(.noSCP, what: "command 'scp -t .'"))
    channel = SessionChannelTests.channel(mayCopy: false)
    #expect(Kind(channel.handle(.request(.sftp))) == .start)
  }

  @Test func `a command that is not a plain call of scp's server is run by the shell, and needs one`() {
    for text in ["scp -t . ; id", "scp a b", "scp -t $(id)"] {
      let command = Array(text.utf8)
      var channel = SessionChannelTests.channel(mayCopy: false)
      guard case .start(.command(command), _) = channel.handle(.request(.execute(command))) else {
        Issue.record("not the shell's: \(text)")
        continue
      }
      channel = SessionChannelTests.channel(mayExecute: false)
      #expect(Kind(channel.handle(.request(.execute(command)))) == .rejectWithMessage)
    }
  }

  @Test func `a command or TERM with a zero byte is refused`() {
    var channel = SessionChannelTests.channel()
    #expect(channel.handle(.request(.execute([0x61, 0, 0x62]))) == .deny(.malformed, what: "command"))
    let terminal = ChannelRequest.terminal(term: [0], columns: 1, rows: 1, xPixels: 0, yPixels: 0, modes: [])
    #expect(channel.handle(.request(terminal)) == .refuse)
  }

  @Test(arguments: [(1024, true), (1025, false)]) func `TERM has at most 1,024 bytes`(count: Int, isTaken: Bool) {
    var channel = SessionChannelTests.channel()
    let term = [UInt8](repeating: 0x61, count: count)
    let request = ChannelRequest.terminal(term: term, columns: 1, rows: 1, xPixels: 0, yPixels: 0, modes: [])
    #expect((channel.handle(.request(request)) != .refuse) == isTaken)
  }

  @Test func `128 variables are accepted, and no more`() {
    var channel = SessionChannelTests.channel()
    for number in 0..<128 { #expect(channel.handle(.request(.variable("A\(number)", ""))) == .accept) }
    #expect(channel.handle(.request(.variable("A128", ""))) == .refuse)
  }

  @Test func `names and values have at most 32 KiB together`() {
    var channel = SessionChannelTests.channel()
    #expect(channel.handle(.request(.variable("A", String(repeating: "x", count: 32768)))) == .refuse)
    #expect(channel.handle(.request(.variable("A", String(repeating: "x", count: 32765)))) == .accept)
    #expect(channel.handle(.request(.variable("AB", "x"))) == .refuse)
    #expect(channel.handle(.request(.variable("AB", ""))) == .accept)
    #expect(channel.handle(.request(.variable("A", ""))) == .refuse)
  }

  @Test(arguments: Signal.numbers) func `each signal of RFC 4254 is delivered`(name: String, number: Int32) {
    var channel = SessionChannelTests.channel(after: Situation.running.history)
    #expect(channel.handle(.request(.signal(Array(name.utf8)))) == .signal(number))
    #expect(Signal.name(number) == name)
  }

  @Test(arguments: [ChannelRequest.sftp, .copy]) func `no signal ends a transfer before it has reported its operations`(
    request: ChannelRequest
  ) {
    var channel = SessionChannelTests.channel(after: [.request(request), .program(started: true)])
    for name in Signal.numbers.keys {
      #expect(channel.handle(.request(.signal(Array(name.utf8)))) == .deny(.noSignals, what: "signal"))
    }
    #expect(channel.handle(.request(.breakSignal(500))) == .deny(.noSignals, what: "break"))
  }

  @Test(arguments: ["", "STOP", "CONT", "SIGTERM", "term", "TERM ", "9", "WINCH"])
  func `other signals are refused`(name: String) {
    var channel = SessionChannelTests.channel(after: Situation.running.history)
    #expect(channel.handle(.request(.signal(Array(name.utf8)))) == .refuse)
  }

  @Test func `a signal outside the RFC is named in the RFC's form for additional names`() {
    #expect(Signal.name(SIGBUS) == "BUS@bssh")
    #expect(Signal.name(40) == "40@bssh")
  }

  @Test func `a command that is too long is reported only if commands may run, and nothing runs after it`() {
    var channel = SessionChannelTests.channel()
    #expect(channel.handle(.request(.overlongCommand([0x61]))) == .complainOfLength)
    #expect(channel.state == .ended && channel.handle(.request(.shell)) == .refuse)
    var closed = SessionChannelTests.channel(mayExecute: false)
    guard case .rejectWithMessage(.noCommands, _) = closed.handle(.request(.overlongCommand([0x61]))) else {
      Issue.record("not turned away")
      return
    }
  }
}
