import Audit
import IPC
import System

extension LoginSession {
  /// The result of starting a program.
  private enum Start {
    /// It runs; these descriptors are for the transport.
    case started([Descriptor])
    case failed
    /// Arguments and environment exceed the kernel's limit. execve(2), E2BIG
    case tooLong
  }

  /// Asks the supervisor whether a program may start; ``proceed(at:)`` starts it when the answer is there. Until then
  /// no more messages are read from the transport, so that the program already runs when the client's next request is
  /// handled.
  mutating func begin(
    _ program: Program, _ preparation: SessionChannel.Preparation, _ request: ChannelRequest, _ channel: Channel,
    _ number: UInt32
  ) {
    var record = AuditRecord(program, for: request, onTerminal: channel.terminal?.name)
    record.channel = number
    var recordDeadline: Int64?
    if let terminal = channel.terminal {
      supervisor.add(.began(channel: number, name: terminal.name, process: Daemon.processID))
      if keepsRecords { recordDeadline = Clock.milliseconds + PendingStart.recordTime }
    }
    starts += 1
    supervisor.add(start: starts, record.ofStart)
    pending = PendingStart(
      number: starts, channel: number, program, preparation, request, record, recordDeadline: recordDeadline,
      scopeDeadline: scopeDeadline)
    // Nobody is left who could record it or answer.
    if supervisor.isGone { pending?.answered(starts, allowed: true) }
  }

  /// Notes that the login is in its scope, or will not be.
  mutating func enteredScope() {
    scopeDeadline = nil
    pending?.enteredScope()
  }

  /// Starts or refuses the pending program if the time has come.
  mutating func proceed(at now: Int64) {
    guard let start = pending else { return }
    switch start.step(at: now) {
    case .wait: return
    case .start(let isLate):
      if isLate, let terminal = channels[start.channel]?.terminal {
        log("channel \(start.channel): the login records take long; \(terminal.name) is not waited for")
      }
      if scopeDeadline != nil {
        log("channel \(start.channel): this login is not in a scope of its own yet, and is not waited for")
        scopeDeadline = nil
      }
    case .refuse: break
    }
    pending = nil
    guard var channel = channels[start.channel] else { return }
    if start.step(at: now) == .refuse {
      if let terminal = channel.terminal { supervisor.add(.ended(name: terminal.name)) }
      var record = start.record
      record.notStarted("it could not be recorded")
      supervisor.add(record)
      var isSFTP = false
      if case .subsystem = start.request { isSFTP = true }
      let action = channel.machine.handle(.notRecorded(isSFTP: isSFTP))
      channels[start.channel] = channel
      return perform(action, channel, start.channel)
    }
    var descriptors: [Descriptor]?
    let action: SessionChannel.Action
    switch self.start(start, &channel) {
    case .started(let given):
      descriptors = given
      action = channel.machine.handle(.program(started: true))
    case .failed: action = channel.machine.handle(.program(started: false))
    case .tooLong: action = channel.machine.handle(.argumentsTooLong)
    }
    channels[start.channel] = channel
    // Sending can end the whole login, so the program must be registered before.
    if let descriptors { send(.started(channel: start.channel, terminal: channel.terminal != nil), descriptors) }
    perform(action, channel, start.channel)
  }

  /// Called when the client is gone: its last request is still carried out, as by sshd, if the supervisor answers soon.
  mutating func proceedAtOnce() {
    guard pending != nil else { return }
    supervisor.flush()
    let deadline = max(Clock.milliseconds + PendingStart.recordTime, scopeDeadline ?? 0)
    waiting: while pending != nil {
      let now = Clock.milliseconds
      proceed(at: now)
      guard pending != nil, now < deadline, !supervisor.isGone else { break }
      switch try? control.receive(wait: Int32(deadline - now)) {
      case .message(let bytes, _):
        if let message = try? SupervisorToSession(wireBytes: bytes[...]) { _ = answered(message) }
      // The deadlines have passed: an allowed program starts now.
      case .wouldBlock: continue
      case .closed, nil: break waiting
      }
    }
    guard var record = pending?.record else { return }
    pending = nil
    record.notStarted("the client was gone before it was recorded")
    supervisor.add(record)
  }

  /// Handles an answer of the supervisor about the pending program. False: the message is none.
  mutating func answered(_ message: SupervisorToSession) -> Bool {
    switch message {
    case .mayStart(let number, let allowed): pending?.answered(number, allowed: allowed)
    case .terminalEntered: pending?.entered()
    case .scopeEntered: enteredScope()
    case .lookUp, .login, .longLogin, .checkAccount: return false
    }
    return true
  }

  /// Starts a program.
  private mutating func start(_ start: PendingStart, _ channel: inout Channel) -> Start {
    let (program, preparation, number) = (start.program, start.preparation, start.channel)
    var record = start.record
    do throws(SystemError) {
      let started = try starter.start(program, preparation, channel.terminal)
      let token = nextToken
      nextToken += 1
      let report = started.report.map { _ in nextToken }
      programs[token] = Running(
        process: started.process, channel: number,
        terminal: channel.terminal?.name, commandRecord: CommandRecord(record, report: report, at: Clock.milliseconds),
        limit: limit(of: program))
      channel.program = token
      if channel.terminal != nil { showTerminals() }
      try loop.add(started.process.descriptor, .read, token: token)
      if let report, let socket = started.report {
        nextToken += 1
        reports.add(socket, of: number, record.protocol, token: report)
        try loop.add(socket.descriptor, .read, token: report)
      }
      if let complaint = started.complaint { log("channel \(number): \(complaint.dropLast())") }
      let place = channel.terminal.map { " on \($0.name)" } ?? ""
      log("channel \(number): \(program.name) started\(place), pid \(started.process.pid)")
      return .started(started.descriptors)
    } catch {
      if let terminal = channel.terminal { supervisor.add(.ended(name: terminal.name)) }
      record.notStarted("\(error)")
      supervisor.add(record)
      return error.isArgumentListTooLong ? .tooLong : .failed
    }
  }

  /// Handles the end of a program, if it has ended.
  mutating func reap(_ token: UInt64) {
    guard let running = programs[token], !running.hasEnded, let status = ending(of: running) else { return }
    loop.remove(running.process.descriptor)
    if running.isBeingEnded {
      programs[token]?.hasEnded = true
      programs[token]?.terminal = nil
    } else {
      programs[token] = nil
    }
    var commandRecord = running.commandRecord
    commandRecord.end(status, isOverdue: running.limit?.isOver ?? false, at: Clock.milliseconds)
    endings[token] = commandRecord
    if let name = running.terminal {
      supervisor.add(.ended(name: name))
      showTerminals()
    }
    let number = running.channel
    // The number may belong to another channel by now.
    guard var channel = channels[number], channel.program == token else {
      endings[token]?.channelClosed()
      return
    }
    let action = channel.machine.handle(.ended)
    // The transport has the terminal; this process needs it no more.
    channel.terminal = nil
    channels[number] = channel
    forgetIfClosed(number)
    guard action == .report else { return }
    switch status {
    case .code(let code): send(.exited(channel: number, status: UInt32(bitPattern: code)))
    case .signal(let signal, let coreDumped):
      send(.killed(channel: number, signal: Signal.name(signal), coreDumped: coreDumped))
    case .unknown: send(.exited(channel: number, status: 255))
    }
  }

  // MARK: Audit

  /// When an ended program is audited although its channel is still open; nil: there is none.
  var nextEnding: Int64? { endings.values.compactMap { $0.report == nil ? $0.deadline : nil }.min() }

  /// Audits programs that have ended, once everything about them is known.
  mutating func reportEndings(at now: Int64) {
    for (token, commandRecord) in endings where commandRecord.isComplete(at: now) { reportEnding(token) }
  }

  /// Audits a program that has ended.
  mutating func reportEnding(_ token: UInt64) {
    if let commandRecord = endings.removeValue(forKey: token) { supervisor.add(commandRecord.record) }
  }

  /// Passes on the reports of a file transfer; true when there are no more now.
  @discardableResult
  mutating func forward(_ token: UInt64) -> Bool {
    let result = reports.drain(token)
    for record in result.records { supervisor.add(record) }
    for line in result.notes { log(line) }
    if result.isOver {
      if let descriptor = reports.remove(token) { loop.remove(descriptor) }
      for key in programs.keys where programs[key]?.commandRecord.report == token {
        programs[key]?.commandRecord.reportEnded()
      }
      for key in endings.keys where endings[key]?.report == token { endings[key]?.reportEnded() }
      return true
    }
    if !result.records.isEmpty { pause(token) }
    return result.records.isEmpty && result.notes.isEmpty
  }

  /// Stops reading a transfer's reports for a while.
  mutating func pause(_ token: UInt64) {
    guard let descriptor = reports.pause(token, at: Clock.milliseconds) else { return }
    // Its end is still reported.
    try? loop.modify(descriptor, [], token: token)
  }

  // MARK: Groups

  /// True when this program runs on a terminal of that channel.
  func hasTerminal(_ number: UInt32, of token: UInt64) -> Bool {
    guard let channel = channels[number] else { return false }
    return channel.program == token && channel.terminal != nil
  }

  /// The process group of the program on a channel.
  func group(of channel: Channel) -> Int32? {
    // A program that is not reaped keeps its id, and leads the process group of the same id.
    channel.program.flatMap { programs[$0]?.process.pid }
  }
}
