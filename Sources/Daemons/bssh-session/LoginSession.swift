import Audit
import IPC
import System
import Wire

/// A login: serves the requests on its channels until the client is gone, and then releases its programs. The kernel
/// hangs up terminals then; a program without one finds its input ended and its output without a reader, and gets no
/// signal.
///
/// Only the end of the transport or a signal ends a login, so the supervisor can be restarted meanwhile. Events are
/// reported to the supervisor. While it does not read them, nothing new begins: no request is read, and transfers wait.
struct LoginSession {
  /// Limit of open channels, and of programs that have not ended.
  static let channelLimit = 1024
  /// Limit of the messages that are read from a transport that has ended: one for each channel that it can have.
  static let farewellLimit = 8192
  /// How long to wait for programs to end after the client has left, so that their end can be audited, in milliseconds.
  /// Programs that run longer live on, as under sshd.
  static let partingTime: Int64 = 2000
  /// How long programs wait for the login's scope after the login, in milliseconds; more than ``ScopeProcess`` waits
  /// for systemd.
  static let scopeTime: Int64 = 1500
  /// Limit of queued bytes to the transport; beyond it the login ends.
  private static let outboxLimit = 1 << 20

  struct Channel {
    var machine: SessionChannel
    var terminal: Terminal?
    /// The key of its running program in `programs`, or of its ended one in `endings`.
    var program: UInt64?
  }

  struct Running {
    let process: ChildProcess
    let channel: UInt32
    /// The name of its terminal while it has one.
    var terminal: String?
    /// The audit record of its end.
    var commandRecord: CommandRecord
    var limit: CommandLimit?
    /// It has ended. Kept unreaped, which reserves its group's id, until the processes that it left behind are killed.
    var hasEnded = false
  }

  private enum Token {
    static let transport: UInt64 = 0
    static let control: UInt64 = 1
    static let signals: UInt64 = 2
    /// Wakes the loop when the supervisor can be written to.
    static let room: UInt64 = 3
    static let firstProgram: UInt64 = 4
  }

  let starter: ProgramStarter
  /// The account's name, for people.
  let name: String
  /// In seconds; 0: no limit.
  let commandTimeout: UInt32
  /// True when terminals must be in the login records before programs start on them.
  let keepsRecords: Bool
  private let permissions: SessionChannel.Permissions
  private let transport: MessageSocket
  let control: MessageSocket
  private let signals: SignalSource
  let loop: EventLoop
  private var outbox: MessageQueue
  private var isWaitingToWrite = false
  var channels: [UInt32: Channel] = [:]
  /// Running programs by token.
  var programs: [UInt64: Running] = [:]
  /// Ended programs that are not audited yet, by their token in `programs`.
  var endings: [UInt64: CommandRecord] = [:]
  var reports = TransferReports()
  var nextToken = Token.firstProgram
  var forwards: Forwards
  var forwardWork = ForwardWork()
  var supervisor: SupervisorReports
  /// The program that waits until its start is recorded.
  var pending: PendingStart?
  /// Number of starts that the supervisor was asked about.
  var starts: UInt64 = 0
  private var isHoldingBack = false
  /// Messages of the transport are read.
  private var isListening = true
  /// Until when programs wait for the login's scope, in milliseconds; nil: they don't wait.
  var scopeDeadline: Int64?
  /// When to stop waiting for programs, in milliseconds; nil while the client is there.
  private var deadline: Int64?

  /// Sets up the login; ``run()`` serves it.
  ///
  /// - Parameters:
  ///   - transport: the socket to the transport, from which channel requests come.
  ///   - control: the socket to the supervisor.
  ///   - coreFiles: the core file limit of its programs.
  ///   - transfer: the executable that serves file transfers.
  /// - Throws: `SystemError` when the limit of descriptors cannot be raised, or no descriptor is free.
  init(
    _ login: Login, transport: MessageSocket, control: MessageSocket, coreFiles: ResourceLimit, transfer: Executable
  ) throws(SystemError) {
    // A thousand channels need more descriptors than a process usually may have; the programs keep the previous limit.
    starter = ProgramStarter(login, limits: [try ResourceLimit.raiseOpenFiles(), coreFiles], transfer: transfer)
    name = login.account.name
    commandTimeout = login.commandTimeout
    keepsRecords = login.keepsRecords
    scopeDeadline = login.awaitsScope ? Clock.milliseconds + LoginSession.scopeTime : nil
    permissions = SessionChannel.Permissions(login)
    forwards = Forwards(login.forwarding)
    self.transport = transport
    self.control = control
    outbox = MessageQueue(transport, bound: .bytes(LoginSession.outboxLimit))
    supervisor = SupervisorReports(control)
    signals = try SignalSource([Signal.hangUp, Signal.interrupt, Signal.terminate])
    loop = try EventLoop()
    try loop.add(transport.descriptor, .read, token: Token.transport)
    try loop.add(control.descriptor, .read, token: Token.control)
    try loop.add(signals.descriptor, .read, token: Token.signals)
  }

  /// Serves the login until it is over.
  ///
  /// - Throws: `SystemError` when the event loop fails.
  mutating func run() throws(SystemError) {
    while true {
      let now = Clock.milliseconds
      keepLimits(at: now)
      reportEndings(at: now)
      proceed(at: now)
      if let time = forwards.nextTime, time <= now { handle(.clock) }
      try sendToSupervisor()
      if let deadline, (programs.isEmpty && endings.isEmpty) || deadline <= now { return finish() }
      if !isHoldingBack {
        for report in reports.resumable(at: now) { try loop.modify(report.descriptor, .read, token: report.token) }
      }
      let times = [
        deadline, nextLimit, nextEnding, pending?.deadline(after: now), isHoldingBack ? nil : reports.nextEnd,
        forwards.nextTime,
      ]
      let next = times.compactMap(\.self).min().map { Int32(clamping: max($0 - now, 0)) }
      for event in try loop.wait(milliseconds: next ?? -1) {
        switch event.token {
        case Token.transport:
          if event.isWritable && isWaitingToWrite { follow(outbox.flush()) }
          // A hang-up stays ready until it is read.
          if event.isHungUp { proceedAtOnce() }
          if event.isReadable && (isListening || event.isHungUp) { receive() }
        case Token.control: receiveControl(event)
        // The next iteration sends what is queued.
        case Token.room: break
        case Token.signals: while signals.next() != nil { releasePrograms() }
        default:
          if forwardWork.has(event.token) {
            forwardReady(event.token)
          } else if reports.has(event.token) {
            forward(event.token)
          } else {
            reap(event.token)
          }
        }
      }
    }
  }

  /// Sends queued events to the supervisor; while it does not read them, nothing new is read from others.
  private mutating func sendToSupervisor() throws(SystemError) {
    supervisor.flush()
    if supervisor.isBehind != isHoldingBack {
      isHoldingBack = supervisor.isBehind
      try watchRoomForSupervisor()
      if isHoldingBack { for token in reports.tokens { pause(token) } }
    }
    watchTransport()
  }

  /// Watches for room in the supervisor's socket while something is queued.
  private func watchRoomForSupervisor() throws(SystemError) {
    if control.isTwoWays {
      try loop.modify(control.descriptor, isHoldingBack ? [.read, .write] : .read, token: Token.control)
    } else if isHoldingBack {
      try loop.add(control.writing, .write, token: Token.room)
    } else {
      loop.remove(control.writing)
    }
  }

  /// At the end of the login, sends the remaining events and kills what is past its limit.
  private mutating func finish() {
    for token in reports.tokens { while !forward(token) {} }
    for token in endings.keys.sorted() { reportEnding(token) }
    for (token, running) in programs.sorted(by: { $0.key < $1.key }) where !running.hasEnded {
      supervisor.add(running.commandRecord.unfinished(at: Clock.milliseconds))
      programs[token]?.hasEnded = true
    }
    killOverdue()
    supervisor.finish()
  }

  // MARK: The transport

  /// Reads some messages of the transport; no more, so that a busy client does not delay programs that have ended.
  private mutating func receive() {
    for _ in 0..<32 where deadline == nil && pending == nil {
      guard case .message(let bytes, let descriptors)? = receivedFromTransport() else { return }
      guard descriptors.isEmpty, let message = try? TransportToSession(wireBytes: bytes[...]) else {
        log("the transport sent a message that cannot be read")
        return releasePrograms()
      }
      switch message {
      case .request(let number, let request):
        if forwards.has(number) { send(.refused(channel: number)) } else { handle(.request(request), number) }
      case .closed(let number, let bytesIn, let bytesOut):
        closed(number, bytesIn, bytesOut)
      case .open(let number, let target, let originator, let port):
        guard open(RequestedForward(channel: number, target: target, originator: (originator, port))) else {
          log("the transport opened channel \(number) twice")
          return releasePrograms()
        }
      }
    }
  }

  /// Handles the client's CLOSE of a channel, after so many bytes of data. Its program goes on, without its terminal.
  private mutating func closed(_ number: UInt32, _ bytesIn: UInt64, _ bytesOut: UInt64) {
    if forwards.has(number) { return handle(.closed(channel: number, bytesIn: bytesIn, bytesOut: bytesOut)) }
    guard let channel = channels[number] else { return }
    handle(.closed, number)
    // The name may be another terminal's as soon as this one is closed.
    if let token = channel.program, let name = programs[token]?.terminal {
      supervisor.add(.ended(name: name))
      programs[token]?.terminal = nil
      showTerminals()
    }
    channels[number]?.terminal = nil
    forgetIfClosed(number)
    if let token = channel.program {
      programs[token]?.commandRecord.channelClosed(bytesIn, bytesOut)
      endings[token]?.channelClosed(bytesIn, bytesOut)
    }
  }

  /// Removes a channel that the client has closed, once nothing runs on it.
  mutating func forgetIfClosed(_ number: UInt32) {
    if channels[number]?.machine.state == .closed { channels[number] = nil }
  }

  private mutating func receivedFromTransport() -> MessageSocket.Received? {
    let received: MessageSocket.Received
    do throws(SystemError) { received = try transport.receive() } catch {
      log("the transport: \(error)")
      releasePrograms()
      return nil
    }
    switch received {
    case .message, .wouldBlock: return received
    case .closed:
      releasePrograms()
      return nil
    }
  }

  mutating func send(_ message: SessionToTransport, _ descriptors: [Descriptor] = []) {
    if deadline == nil { follow(outbox.send(message, descriptors)) }
  }

  private mutating func follow(_ outcome: MessageQueue.Outcome) {
    switch outcome {
    case .sent, .waiting, .held:
      let waits = outcome == .waiting
      if waits == isWaitingToWrite { return }
      isWaitingToWrite = waits
      watchTransport(anew: true)
    case .failed: releasePrograms()
    }
  }

  /// Reads from the transport unless an event has to be sent or recorded first.
  private mutating func watchTransport(anew: Bool = false) {
    let listens = !isHoldingBack && pending == nil
    guard deadline == nil, anew || listens != isListening else { return }
    isListening = listens
    var interest: EventLoop.Interest = listens ? .read : []
    if isWaitingToWrite { interest.insert(.write) }
    let changed: Void? = try? loop.modify(transport.descriptor, interest, token: Token.transport)
    if changed == nil { releasePrograms() }
  }

  // MARK: Channels

  /// Lets the channel's state machine decide, and carries out its action.
  private mutating func handle(_ event: SessionChannel.Event, _ number: UInt32) {
    var channel: Channel
    if let known = channels[number] {
      channel = known
    } else if channels.count < LoginSession.channelLimit {
      channel = Channel(machine: SessionChannel(permissions))
    } else {
      return send(.refused(channel: number))
    }
    var action = channel.machine.handle(event)
    if case .openTerminal(let request) = action {
      channel.terminal = openTerminal(request)
      action = channel.machine.handle(.terminal(opened: channel.terminal != nil))
    }
    if action == .complainOfLength, case .request(.overlongCommand(let line)) = event {
      var record = AuditRecord(.command(line), for: .overlongCommand(line), onTerminal: channel.terminal?.name)
      record.channel = number
      record.notStarted("longer than any command can be; its start is shown")
      supervisor.add(record)
    }
    channels[number] = channel
    if case .start(let program, let preparation) = action, case .request(let request) = event {
      // For the supervisor, programs whose end it has not heard of are unfinished, and it limits these.
      guard programs.count + endings.count < LoginSession.channelLimit else {
        var record = AuditRecord(program, for: request, onTerminal: channel.terminal?.name)
        record.channel = number
        record.notStarted("\(programs.count) programs of this login have not ended")
        supervisor.add(record)
        return handle(.program(started: false), number)
      }
      return begin(program, preparation, request, channel, number)
    }
    switch action {
    case .deny(let denial, let what), .rejectWithMessage(let denial, let what):
      reportDenial(denial, what, event, number)
    default: break
    }
    perform(action, channel, number)
  }

  /// Carries out an action of a channel's state machine.
  mutating func perform(_ action: SessionChannel.Action, _ channel: Channel, _ number: UInt32) {
    switch action {
    // The caller has done these two already.
    case .openTerminal, .start: break
    case .none, .report: break
    case .accept: send(.done(channel: number))
    case .refuse, .deny: send(.refused(channel: number))
    case .rejectWithMessage(let denial, _): end(channel, number, saying: denial.words, status: Denial.exitStatus)
    case .complainOfLength:
      end(channel, number, saying: "\(starter.shell): \(SystemError.argumentListTooLong)", status: 1)
    case .resize(let size):
      channel.terminal?.resize(size)
      send(.done(channel: number))
    case .signal(let signal):
      let group = channel.terminal?.foregroundGroup ?? group(of: channel)
      let isSent = group.map { Signal.send(signal, toGroup: $0) } ?? false
      send(isSent ? .done(channel: number) : .refused(channel: number))
    }
  }

  /// Reports a denial to the supervisor.
  private mutating func reportDenial(_ denial: Denial, _ what: String, _ event: SessionChannel.Event, _ number: UInt32)
  {
    guard case .request(let request) = event, var record = AuditRecord(denial, of: request) else {
      return log("channel \(number): \(what) refused: \(denial.rawValue)")
    }
    record.channel = number
    supervisor.add(record)
  }

  /// Tells the client why nothing runs, in the way of a program that prints a message and exits.
  private mutating func end(_ channel: Channel, _ number: UInt32, saying words: String, status: UInt32) {
    guard let ends = try? ProgramStarter.ends(saying: words + (channel.terminal == nil ? "\n" : "\r\n")) else {
      return send(.refused(channel: number))
    }
    send(.started(channel: number, terminal: false), ends)
    send(.exited(channel: number, status: status))
  }

  private mutating func openTerminal(_ request: TerminalRequest) -> Terminal? {
    do throws(SystemError) {
      let terminal = try Terminal()
      terminal.resize(request.size)
      if !terminal.apply(request.modes.modes.map { ($0.opcode, $0.value) }) {
        log("\(terminal.name) did not take all modes that the client wants")
      }
      return terminal
    } catch {
      log("no terminal: \(error)")
      return nil
    }
  }

  /// Ends the login after the client has left: releases all programs and gives them a little time. Nothing is sent to
  /// the transport any more.
  mutating func releasePrograms() {
    if deadline != nil { return }
    proceedAtOnce()
    deadline = Clock.milliseconds + LoginSession.partingTime
    loop.remove(transport.descriptor)
    // What it sent about its channels before it ended is still to be read.
    for _ in 0..<LoginSession.farewellLimit {
      guard case .message(let bytes, _)? = try? transport.receive() else { break }
      guard case .closed(let number, let bytesIn, let bytesOut)? = try? TransportToSession(wireBytes: bytes[...]) else {
        continue
      }
      closed(number, bytesIn, bytesOut)
    }
    for number in channels.keys.sorted() { handle(.closed, number) }
    handle(.end)
    forwardWork.end()
    // This closes our ends of the terminals, which hangs up their processes.
    channels = [:]
    outbox.removeAll()
  }

  // MARK: The supervisor

  private mutating func receiveControl(_ event: EventLoop.Event) {
    guard event.isReadable else { return }
    switch try? control.receive() {
    case .wouldBlock: return
    case .closed, nil:
      loop.remove(control.descriptor)
      loop.remove(control.writing)
      supervisor.giveUp()
      isHoldingBack = false
      // Nobody is left who could record it or answer.
      if let start = pending { pending?.answered(start.number, allowed: true) }
      enteredScope()
      watchTransport()
    case .message(let bytes, _):
      // After `login` no other message is allowed.
      guard let message = try? SupervisorToSession(wireBytes: bytes[...]), answered(message) else {
        return releasePrograms()
      }
    }
  }

  /// Shows in ps(1) whose login this is and on which terminals: `bssh-session: anna@pts/0,pts/1`.
  func showTerminals() {
    let terminals = programs.values.compactMap { $0.hasEnded ? nil : $0.terminal?.dropFirst("/dev/".count) }.sorted()
    ThisProcess.setTitle("bssh-session: \(name)" + (terminals.isEmpty ? "" : "@" + terminals.joined(separator: ",")))
  }

  /// Sends a line for the log to the supervisor.
  mutating func log(_ text: String) { supervisor.log(text) }
}
