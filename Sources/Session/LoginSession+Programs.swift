import Audit
import IPC
import System

extension LoginSession {
  /// What the transport gets of the program; nil when it could not be started.
  mutating func start(
    _ program: Program, _ preparation: SessionChannel.Preparation, _ request: ChannelRequest, _ channel: inout Channel,
    _ number: UInt32
  ) -> [Descriptor]? {
    var fact = Fact(program, for: request, onTerminal: channel.terminal?.name)
    fact.channel = number
    guard programs.count < LoginSession.channelLimit else {
      fact.notStarted("\(programs.count) programs of this login have not ended")
      supervisor.add(fact)
      return nil
    }
    if let terminal = channel.terminal { enter(terminal, number) }
    do throws(SystemError) {
      let started = try starter.start(program, preparation, channel.terminal)
      let token = nextToken
      nextToken += 1
      let report = started.report.map { _ in nextToken }
      programs[token] = Running(
        process: started.process, channel: number,
        terminal: channel.terminal?.name, story: ProgramStory(fact, report: report, at: Clock.milliseconds),
        limit: limit(of: program))
      channel.program = token
      try loop.add(started.process.descriptor, .read, token: token)
      if let report, let socket = started.report {
        nextToken += 1
        reports.add(socket, of: number, fact.protocol, token: report)
        try loop.add(socket.descriptor, .read, token: report)
      }
      if let complaint = started.complaint { note("channel \(number): \(complaint.dropLast())") }
      let place = channel.terminal.map { " on \($0.name)" } ?? ""
      note("channel \(number): \(program.name) started\(place), pid \(started.process.pid)")
      return started.descriptors
    } catch {
      if let terminal = channel.terminal { supervisor.add(.ended(name: terminal.name)) }
      fact.notStarted("\(error)")
      supervisor.add(fact)
      return nil
    }
  }

  /// Tells of a terminal, and waits a moment until it is in the login records: programs look there who they belong to.
  private mutating func enter(_ terminal: Terminal, _ number: UInt32) {
    supervisor.add(.began(channel: number, name: terminal.name, process: Daemon.processID))
    guard keepsRecords else { return }
    supervisor.flush()
    guard !supervisor.isBehind else { return }
    if case .wouldBlock? = try? control.receive(wait: LoginSession.recordTime) {
      note("channel \(number): the login records take long; \(terminal.name) is not waited for")
    }
  }

  /// A program may have ended.
  mutating func reap(_ token: UInt64) {
    guard let running = programs[token], !running.hasEnded, let status = ending(of: running) else { return }
    loop.remove(running.process.descriptor)
    if running.isBeingEnded { programs[token]?.hasEnded = true } else { programs[token] = nil }
    var story = running.story
    story.end(status, isOverdue: running.limit?.isOver ?? false, at: Clock.milliseconds)
    endings[token] = story
    if let name = running.terminal { supervisor.add(.ended(name: name)) }
    let number = running.channel
    // The number may belong to another channel by now.
    guard var channel = channels[number], channel.program == token else {
      endings[token]?.channelClosed()
      return
    }
    let action = channel.machine.handle(.ended)
    // The transport has the terminal; for us there is nothing more to do with it.
    channel.terminal = nil
    channels[number] = channel
    guard action == .report else { return }
    switch status {
    case .code(let code): send(.exited(channel: number, status: UInt32(bitPattern: code)))
    case .signal(let signal, let coreDumped):
      send(.killed(channel: number, signal: Signal.name(signal), coreDumped: coreDumped))
    case .unknown: send(.exited(channel: number, status: 255))
    }
  }

  // MARK: What is told

  /// When the next ended program is told though its channel is still open.
  var nextEnding: Int64? { endings.values.compactMap { $0.report == nil ? $0.deadline : nil }.min() }

  /// Tells of programs that have ended, once everything is known.
  mutating func tellEndings(at now: Int64) {
    for (token, story) in endings where story.isComplete(at: now) { tell(token) }
  }

  /// Tells of a program that has ended.
  mutating func tell(_ token: UInt64) {
    if let story = endings.removeValue(forKey: token) { supervisor.add(story.fact) }
  }

  /// Passes on what a file transfer tells; true when there is no more now.
  @discardableResult
  mutating func forward(_ token: UInt64) -> Bool {
    let told = reports.take(token)
    for fact in told.facts { supervisor.add(fact) }
    for line in told.notes { note(line) }
    if told.isOver {
      if let descriptor = reports.remove(token) { loop.remove(descriptor) }
      for key in programs.keys where programs[key]?.story.report == token { programs[key]?.story.reportEnded() }
      for key in endings.keys where endings[key]?.report == token { endings[key]?.reportEnded() }
      return true
    }
    if !told.facts.isEmpty { rest(token) }
    return told.facts.isEmpty && told.notes.isEmpty
  }

  /// Leaves a transfer alone for a while.
  mutating func rest(_ token: UInt64) {
    guard let descriptor = reports.rest(token, at: Clock.milliseconds) else { return }
    // Its end is told all the same.
    try? loop.modify(descriptor, [], token: token)
  }

  // MARK: Groups

  /// True when this program runs on a terminal of that channel.
  func hasTerminal(_ number: UInt32, of token: UInt64) -> Bool {
    guard let channel = channels[number] else { return false }
    return channel.program == token && channel.terminal != nil
  }

  /// The group of what runs on a channel.
  func group(of channel: Channel) -> Int32? {
    // A program that has not been reaped still has its number, and leads the group of that number.
    channel.program.flatMap { programs[$0]?.process.pid }
  }

  /// Hangs up what runs on a channel.
  func hangUp(_ channel: Channel) {
    guard let group = group(of: channel) else { return }
    _ = Signal.send(Signal.hangUp, toGroup: group)
    _ = Signal.send(Signal.resume, toGroup: group)
  }
}
