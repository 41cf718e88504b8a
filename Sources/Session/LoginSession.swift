import IPC
import System
import Wire

/// A login: acts on its channels' requests until the client is gone, and then hangs up what is left.
///
/// Only the transport's end, or a signal, ends it; the supervisor may be restarted meanwhile.
struct LoginSession {
  /// Open channels, and programs that have not ended.
  static let channelLimit = 1024
  /// Milliseconds that programs have to end after they were hung up; what ignores that lives on, as under sshd.
  static let hangUpTime: Int64 = 2000

  private struct Channel {
    var machine: SessionChannel
    var terminal: Terminal?
    /// The key in `programs` of what runs.
    var program: UInt64?
  }

  struct Running {
    let process: ChildProcess
    let channel: UInt32
    /// The key in `reports` of what it tells.
    let report: UInt64?
    var limit: CommandLimit?
    /// It is kept, and its group's number with it, until what it has left behind is killed.
    var hasEnded = false
  }

  private enum Token {
    static let transport: UInt64 = 0
    static let control: UInt64 = 1
    static let signals: UInt64 = 2
    static let firstProgram: UInt64 = 3
  }

  private let starter: ProgramStarter
  /// Seconds; 0: no limit.
  let commandTimeout: UInt32
  private let permissions: SessionChannel.Permissions
  private let transport: MessageSocket
  private let control: MessageSocket
  private let signals: SignalSource
  private let loop: EventLoop
  private var outbox: Outbox
  private var isWaitingToWrite = false
  private var channels: [UInt32: Channel] = [:]
  /// By token.
  var programs: [UInt64: Running] = [:]
  private var reports = TransferReports()
  private var nextToken = Token.firstProgram
  /// When to give up waiting for programs; nil while the client is there.
  private var deadline: Int64?

  /// - Parameters:
  ///   - transport: the socket over which channels' requests come.
  ///   - control: the socket to the supervisor, for notes.
  ///   - coreFiles: the limit that its programs have on core files.
  init(
    _ login: Login, transport: MessageSocket, control: MessageSocket, coreFiles: ResourceLimit
  ) throws(SystemError) {
    // A thousand channels have more descriptors than a process usually may; its programs keep their limit.
    starter = ProgramStarter(login, limits: [try ResourceLimit.raiseOpenFiles(), coreFiles])
    commandTimeout = login.commandTimeout
    permissions = SessionChannel.Permissions(login)
    self.transport = transport
    self.control = control
    outbox = Outbox(transport)
    signals = try SignalSource([Signal.hangUp, Signal.interrupt, Signal.terminate])
    loop = try EventLoop()
    try loop.add(transport.descriptor, .read, token: Token.transport)
    try loop.add(control.descriptor, .read, token: Token.control)
    try loop.add(signals.descriptor, .read, token: Token.signals)
  }

  /// Serves the login; returns when it is over.
  mutating func run() throws(SystemError) {
    while true {
      let now = Clock.milliseconds
      keepLimits(at: now)
      if let deadline, programs.isEmpty || deadline <= now { return killOverdue() }
      for report in reports.rested(at: now) { try loop.modify(report.descriptor, .read, token: report.token) }
      let next = [deadline, nextLimit, reports.nextEnd].compactMap(\.self).min()
      for event in try loop.wait(milliseconds: next.map { Int32(clamping: max($0 - now, 0)) } ?? -1) {
        switch event.token {
        case Token.transport:
          if event.isWritable && isWaitingToWrite { follow(outbox.flush()) }
          if event.isReadable { receive() }
        case Token.control: receiveControl()
        case Token.signals: while signals.next() != nil { hangUpEverything() }
        default:
          if reports.has(event.token) {
            forward(event.token, atMost: TransferReports.linesAtOnce)
          } else {
            reap(event.token)
          }
        }
      }
    }
  }

  // MARK: The transport

  /// Takes a few messages, so that programs that ended are not kept waiting by a busy client.
  private mutating func receive() {
    for _ in 0..<32 where deadline == nil {
      guard case .message(let bytes, let descriptors)? = receivedFromTransport() else { return }
      guard descriptors.isEmpty, let message = try? ToChannels(wireBytes: bytes[...]) else {
        note("the transport sent a message that cannot be read")
        return hangUpEverything()
      }
      switch message {
      case .request(let number, let request): handle(.request(request), number)
      case .closed(let number):
        if channels[number] != nil { handle(.closed, number) }
        channels[number] = nil
      }
    }
  }

  private mutating func receivedFromTransport() -> MessageSocket.Received? {
    guard let received = try? transport.receive() else {
      hangUpEverything()
      return nil
    }
    switch received {
    case .message, .wouldBlock: return received
    case .closed:
      hangUpEverything()
      return nil
    }
  }

  mutating func send(_ message: FromChannels, _ descriptors: [Descriptor] = []) {
    if deadline == nil { follow(outbox.send(message, descriptors)) }
  }

  private mutating func follow(_ outcome: Outbox.Outcome) {
    switch outcome {
    case .sent, .waiting:
      let waits = outcome == .waiting
      if waits == isWaitingToWrite { return }
      isWaitingToWrite = waits
      let changed: Void? = try? loop.modify(
        transport.descriptor, waits ? [.read, .write] : .read, token: Token.transport)
      if changed == nil { hangUpEverything() }
    case .failed: hangUpEverything()
    }
  }

  // MARK: Channels

  /// Lets the channel's machine decide, and does what it says.
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
    var descriptors: [Descriptor]?
    if case .start(let program, let preparation) = action {
      descriptors = start(program, preparation, &channel, number)
      action = channel.machine.handle(.program(started: descriptors != nil))
    }
    channels[number] = channel
    // Sending can end everything, so what is to be hung up then must be known by now.
    if let descriptors { send(.started(channel: number, terminal: channel.terminal != nil), descriptors) }
    perform(action, channel, number)
  }

  private mutating func perform(_ action: SessionChannel.Action, _ channel: Channel, _ number: UInt32) {
    switch action {
    // The caller has done these two before.
    case .openTerminal, .start: break
    case .none, .report: break
    case .accept: send(.done(channel: number))
    case .refuse: send(.refused(channel: number))
    case .deny(let denial, let what):
      note("channel \(number): \(what) refused: \(denial.rawValue)")
      send(.refused(channel: number))
    case .turnAway(let denial, let what):
      note("channel \(number): \(what) refused: \(denial.rawValue)")
      turnAway(denial, channel, number)
    case .resize(let size):
      channel.terminal?.resize(size)
      send(.done(channel: number))
    case .signal(let signal):
      let group = channel.terminal?.foregroundGroup ?? group(of: channel)
      let isSent = group.map { Signal.send(signal, toGroup: $0) } ?? false
      send(isSent ? .done(channel: number) : .refused(channel: number))
    case .hangUp: hangUp(channel)
    }
  }

  /// Tells the client why nothing runs, as a program would that does nothing else.
  private mutating func turnAway(_ denial: Denial, _ channel: Channel, _ number: UInt32) {
    guard let ends = try? ProgramStarter.ends(saying: denial.words + (channel.terminal == nil ? "\n" : "\r\n")) else {
      return send(.refused(channel: number))
    }
    send(.started(channel: number, terminal: false), ends)
    send(.exited(channel: number, status: Denial.exitStatus))
  }

  private func openTerminal(_ request: TerminalRequest) -> Terminal? {
    do throws(SystemError) {
      let terminal = try Terminal()
      terminal.resize(request.size)
      if !terminal.apply(request.modes.modes.map { ($0.opcode, $0.value) }) {
        note("\(terminal.name) did not take all modes that the client wants")
      }
      return terminal
    } catch {
      note("no terminal: \(error)")
      return nil
    }
  }

  /// What the transport gets of the program; nil when it could not be started.
  private mutating func start(
    _ program: Program, _ preparation: SessionChannel.Preparation, _ channel: inout Channel, _ number: UInt32
  ) -> [Descriptor]? {
    let what = program.name
    guard programs.count < LoginSession.channelLimit else {
      note("channel \(number): \(what) not started: \(programs.count) programs of this login have not ended")
      return nil
    }
    do throws(SystemError) {
      let started = try starter.start(program, preparation, channel.terminal)
      let token = nextToken
      nextToken += 1
      let report = started.report.map { _ in nextToken }
      programs[token] = Running(
        process: started.process, channel: number, report: report, limit: limit(of: program))
      channel.program = token
      try loop.add(started.process.descriptor, .read, token: token)
      if let report, let socket = started.report {
        nextToken += 1
        reports.add(socket, of: number, token: report)
        try loop.add(socket.descriptor, .read, token: report)
      }
      if let complaint = started.complaint { note("channel \(number): \(complaint.dropLast())") }
      let place = channel.terminal.map { " on \($0.name)" } ?? ""
      note("channel \(number): \(what) started\(place), pid \(started.process.pid)")
      return started.descriptors
    } catch {
      note("channel \(number): \(what) not started: \(error)")
      return nil
    }
  }

  // MARK: Programs

  private mutating func reap(_ token: UInt64) {
    guard let running = programs[token], !running.hasEnded, let status = ending(of: running) else { return }
    loop.remove(running.process.descriptor)
    if running.isBeingEnded { programs[token]?.hasEnded = true } else { programs[token] = nil }
    let number = running.channel
    if let report = running.report {
      forward(report, atMost: TransferReports.lastLines)
      removeReport(report)
    }
    note("channel \(number): pid \(running.process.pid) \(status)")
    // The number may belong to another channel by now.
    guard var channel = channels[number], channel.program == token else { return }
    let action = channel.machine.handle(.ended)
    // The transport has the terminal; for us there is nothing more to do with it.
    channel.terminal = nil
    channel.program = nil
    channels[number] = channel
    guard action == .report else { return }
    switch status {
    case .code(let code): send(.exited(channel: number, status: UInt32(bitPattern: code)))
    case .signal(let signal, let coreDumped):
      send(.killed(channel: number, signal: Signal.name(signal), coreDumped: coreDumped))
    case .unknown: send(.exited(channel: number, status: 255))
    }
  }

  /// Puts what a file transfer tells into the log.
  private mutating func forward(_ token: UInt64, atMost limit: Int) {
    let (lines, isOver) = reports.take(token, atMost: limit)
    for line in lines { note(line) }
    if isOver { return removeReport(token) }
    guard !lines.isEmpty, let descriptor = reports.rest(token, at: Clock.milliseconds) else { return }
    // Its end is told all the same.
    try? loop.modify(descriptor, [], token: token)
  }

  private mutating func removeReport(_ token: UInt64) {
    if let descriptor = reports.remove(token) { loop.remove(descriptor) }
  }

  /// True when this program runs on a terminal of that channel.
  func hasTerminal(_ number: UInt32, of token: UInt64) -> Bool {
    guard let channel = channels[number] else { return false }
    return channel.program == token && channel.terminal != nil
  }

  private func group(of channel: Channel) -> Int32? {
    // A program that has not been reaped still has its number, and leads the group of that number.
    channel.program.flatMap { programs[$0]?.process.pid }
  }

  private func hangUp(_ channel: Channel) {
    guard let group = group(of: channel) else { return }
    _ = Signal.send(Signal.hangUp, toGroup: group)
    _ = Signal.send(Signal.resume, toGroup: group)
  }

  /// Hangs up all programs and gives them a little time; nothing is told to the transport any more.
  private mutating func hangUpEverything() {
    if deadline != nil { return }
    deadline = Clock.milliseconds + LoginSession.hangUpTime
    loop.remove(transport.descriptor)
    for number in channels.keys.sorted() { handle(.closed, number) }
    // Our ends of the terminals close with this, which hangs up whoever still has one.
    channels = [:]
    outbox = Outbox(transport)
  }

  // MARK: The supervisor

  private mutating func receiveControl() {
    switch try? control.receive() {
    case .wouldBlock: return
    case .closed, nil: loop.remove(control.descriptor)
    case .message:
      // After `login` there is nothing to be said.
      loop.remove(control.descriptor)
      hangUpEverything()
    }
  }

  /// Tells the supervisor a fact; when it has no time to listen, nobody hears it.
  func note(_ text: String) {
    // A note has at most 1,024 bytes; the last character may be cut and become U+FFFD.
    let short = String(decoding: text.utf8.prefix(1000), as: UTF8.self)
    _ = try? control.send(FromSession.note(short).wireBytes)
  }
}
