import Glibc
import IPC
import System
import Wire

/// The supervisor's event loop: waits for sockets, processes, signals and timers, and passes events to one handler, one
/// at a time. Never blocks for any other reason.
final class ProcessRuntime: Runtime {
  /// Time limit for a zygote to create a process, in milliseconds. It includes the start of the zygote.
  private static let makeTime: Int64 = 10_000
  /// Time limit for a process to end after its socket was closed, in milliseconds.
  static let endTime: Int64 = 5000
  /// Maximum number of messages that are read from a process in one turn.
  private static let readLimit = 16
  /// Maximum number of messages that are read when a process or the daemon ends; more than fit into a pipe.
  private static let lastReadLimit = 16384

  /// The purpose of a descriptor of a process or of another object with a number.
  enum TokenKind: UInt64 {
    case messages = 0
    case end, errors, room
  }

  private static let signalToken: UInt64 = 0

  /// The token that identifies a descriptor in the event loop.
  static func token(_ number: UInt64, _ kind: TokenKind = .messages) -> UInt64 { number << 2 | kind.rawValue }

  /// An entry of the queue.
  private enum Work {
    case handle(SupervisorEvent)
    /// Read a message; if there is one, handle it, and read the next one after all resulting events.
    case read(Child, left: Int, then: AfterReading)
  }

  /// The step after all messages are read.
  private enum AfterReading {
    case nothing
    /// The process has ended: reap it.
    case reap
    /// Read the messages of these processes, then post this event.
    case others(ArraySlice<Child>, SupervisorEvent)
  }

  private let loop: EventLoop
  private let signals: SignalSource
  private let programs: Programs
  private var output: Log
  private var timers = Timers<TimerKey>()
  private var queue = FIFO<Work>()
  private var nextNumber: UInt64 = 1
  /// True after the handler has returned false.
  private var isOver = false
  private(set) var children: [UInt64: Child] = [:]

  /// - Parameter signals: the signals that become events. They are blocked in the calling thread.
  /// - Throws: `SystemError` when the event loop cannot be created.
  init(_ programs: Programs, log: Log, signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]) throws(SystemError) {
    self.programs = programs
    output = log
    loop = try EventLoop()
    self.signals = try SignalSource(signals)
    try loop.add(self.signals.descriptor, .read, token: Self.signalToken)
  }

  var now: Int64 { Clock.milliseconds }
  var time: Int64 { Clock.microsecondsSince1970 }

  /// Passes events to `handle` until it returns false, and then those that are already in the queue.
  ///
  /// - Throws: `SystemError` when the event loop itself fails.
  func run(_ handle: (SupervisorEvent) -> Bool) throws(SystemError) {
    post(.start)
    while runToCompletion(handle) {
      let soonest = timers.soonest().map { max($0 - now, 0) } ?? -1
      for ready in try loop.wait(milliseconds: Int32(clamping: soonest)) {
        handleReady(ready)
        guard runToCompletion(handle) else { return }
      }
      while let key = timers.next(at: now) {
        time(key)
        guard runToCompletion(handle) else { return }
      }
    }
  }

  /// Handles all entries of the queue, including those that are added in the meantime.
  private func runToCompletion(_ handle: (SupervisorEvent) -> Bool) -> Bool {
    while let work = queue.popFirst() {
      switch work {
      case .handle(let event): if !handle(event) { isOver = true }
      case .read(let child, let left, let next): read(child, left: left, then: next, handle)
      }
    }
    return !isOver
  }

  private func handleReady(_ ready: EventLoop.Event) {
    if ready.token == Self.signalToken {
      while let (signal, process, user) = signals.nextWithSender() {
        post(.signal(signal, process: process, user: user))
      }
      return
    }
    let number = ready.token >> 2
    guard let child = children[number] else { return post(.readable(number)) }
    switch TokenKind(rawValue: ready.token & 3) {
    case .end: queue.append(.read(child, left: Self.lastReadLimit, then: .reap))
    case .errors: readErrors(child)
    case .room: sent(child.flush(), to: child)
    case .messages, nil:
      if ready.isWritable && child.hasBacklog { sent(child.flush(), to: child) }
      if ready.isReadable { queue.append(.read(child, left: Self.readLimit, then: .nothing)) }
    }
  }

  func post(_ event: SupervisorEvent) { queue.append(.handle(event)) }

  func newNumber() -> UInt64 {
    defer { nextNumber += 1 }
    return nextNumber
  }

  // MARK: Log

  func log(_ level: Log.Level, _ text: String) { output.write(level, text) }
  func logs(_ level: Log.Level) -> Bool { output.writes(level) }

  func setLogThreshold(_ level: Log.Level) { output.threshold = level }

  func logToSystemLog(_ socket: Descriptor) {
    output = Log(
      threshold: output.threshold, style: .syslog(program: "bssh-supervisor", facility: 4), output: socket)
  }

  // MARK: Timers

  func setTimer(_ key: TimerKey, at time: Int64) { timers.set(key, at: time) }
  func cancelTimer(_ key: TimerKey) { timers.cancel(key) }
  func hasTimer(_ key: TimerKey) -> Bool { timers.contains(key) }

  private func time(_ key: TimerKey) {
    switch key {
    case .errors(let number): if let child = children[number] { watchErrors(child) }
    case .made(let number):
      guard let zygote = children[number]?.maker.flatMap({ children[$0] }) else { return }
      log(.error, "\(zygote.role.name) \(zygote.pid) does not answer: killed")
      zygote.signal(SIGKILL)
    case .kill(let number):
      guard let child = children[number] else { return }
      // A paused process has more messages, which are not read because the journal is slow, so it gets more time. A process
      // that its user has stopped does not.
      if child.isPaused, child.process?.isStopped != true { return setTimer(key, after: Self.endTime) }
      child.loss = child.process?.isStopped == true ? .stopped : .silent
      log(.warning, "\(child.role.name) \(child.pid) takes too long: killed")
      child.signal(SIGKILL)
    default: post(.timer(key))
    }
  }

  // MARK: Other sockets

  func watch(_ descriptor: Descriptor, _ number: UInt64) throws(SystemError) {
    try loop.add(descriptor, .read, token: Self.token(number))
  }

  func unwatch(_ descriptor: Descriptor) { loop.remove(descriptor) }

  func watchSignalsAgain() throws(SystemError) {
    // A signalfd wakes an epoll only for signals of the process that added it.
    loop.remove(signals.descriptor)
    try loop.add(signals.descriptor, .read, token: Self.signalToken)
  }

  // MARK: Processes

  func spawn(_ program: Program) throws(SystemError) -> Child {
    let (ours, theirs): (MessageSocket, [Descriptor])
    switch program.role {
    // Only these send descriptors; they run as root.
    case .loader, .journalOpener:
      let pair = try MessageSocket.pair()
      (ours, theirs) = (pair.0, [pair.1.descriptor])
    case .authority, .transport, .session, .journal, .recorder, .exporter, .banWriter, .scopes, .transportZygote,
      .sessionZygote:
      (ours, theirs) = try MessageSocket.supervised()
    }
    let errors = try errorPipe()
    let process = try ChildProcess(
      programs.request(program, ends: Programs.Ends(standardError: errors.writer, supervisor: theirs)))
    let child = Child(
      number: newNumber(), role: program.role, process: process, socket: ours, errors: errors.reader)
    do throws(SystemError) {
      try loop.add(ours.descriptor, .read, token: Self.token(child.number))
      try loop.add(process.descriptor, .read, token: Self.token(child.number, .end))
    } catch {
      process.signal(SIGKILL)
      throw error
    }
    children[child.number] = child
    watchErrors(child)
    return child
  }

  func copy(_ role: Child.Role, of zygote: Child, _ identity: ForkIdentity?) throws(SystemError) -> Child {
    let (ours, theirs) = try MessageSocket.supervised()
    let errors = try errorPipe()
    let child = Child(number: newNumber(), role: role, maker: zygote.number, socket: ours, errors: errors.reader)
    try loop.add(ours.descriptor, .read, token: Self.token(child.number))
    children[child.number] = child
    setTimer(.made(child.number), after: Self.makeTime)
    watchErrors(child)
    send(SupervisorToZygote.fork(number: child.number, identity: identity), theirs + [errors.writer], to: zygote)
    return child
  }

  func adopt(_ pid: Int32, isChild: Bool, as child: Child) throws(SystemError) -> Bool {
    let process = try ChildProcess(adopting: pid, isChild: isChild)
    do throws(SystemError) {
      try loop.add(process.descriptor, .read, token: Self.token(child.number, .end))
    } catch {
      process.signal(SIGKILL)
      forget(child, .unknown)
      return false
    }
    timers.cancel(.made(child.number))
    child.adopt(process)
    return true
  }

  func forget(_ child: Child, _ status: ExitStatus) {
    if child.isOpen {
      loop.remove(child.socket.descriptor)
      loop.remove(child.socket.writing)
    }
    child.isOpen = false
    finishErrors(child)
    children[child.number] = nil
    timers.cancel(.kill(child.number))
    timers.cancel(.made(child.number))
    post(.ended(child, status))
  }

  func killAll() {
    for child in children.values { child.signal(SIGKILL) }
    // Killed processes end immediately. They are reaped here in case there is no init that does.
    for child in children.values where child.process?.descriptor.wait(for: POLLIN, milliseconds: 100) == true {
      _ = child.process?.reap()
    }
  }

  func waitForEnd(of child: Child, until deadline: Int64) -> Bool {
    var left: Int32 { Int32(clamping: max(0, deadline - now)) }
    while child.hasBacklog, child.socket.writing.wait(for: POLLOUT, milliseconds: left) {
      guard case .waits = child.flush() else { break }
    }
    return child.process?.descriptor.wait(for: POLLIN, milliseconds: left) ?? true
  }

  // MARK: Messages

  func send(_ message: SecretBytes, _ descriptors: [Descriptor], to child: Child) {
    sent(child.send(message, descriptors), to: child)
  }

  private func sent(_ result: Child.Sent, to child: Child) {
    switch result {
    case .sent: watch(child, .read)
    case .waits: watch(child, [.read, .write])
    case .failed(let why):
      log(.debug, "\(child.role.name) \(child.pid) \(why)")
      child.signal(SIGKILL)
    }
  }

  private func watch(_ child: Child, _ interest: EventLoop.Interest) {
    do throws(SystemError) { try child.watch(interest, in: loop) } catch { child.signal(SIGKILL) }
  }

  func pause(_ child: Child) {
    child.isPaused = true
    loop.remove(child.socket.descriptor)
  }

  func resume(_ child: Child) {
    child.isPaused = false
    do throws(SystemError) {
      try loop.add(child.socket.descriptor, .read, token: Self.token(child.number))
    } catch { child.signal(SIGKILL) }
  }

  func readRest(of children: [Child], then event: SupervisorEvent) { readNext(children[...], event) }

  private func readNext(_ children: ArraySlice<Child>, _ event: SupervisorEvent) {
    guard let child = children.first else { return post(event) }
    queue.append(.read(child, left: Self.lastReadLimit, then: .others(children.dropFirst(), event)))
  }

  private func read(_ child: Child, left: Int, then next: AfterReading, _ handle: (SupervisorEvent) -> Bool) {
    var isPaused = child.isPaused
    if case .nothing = next {} else { isPaused = false }
    if left > 0, !isPaused, readMessage(child, handle) {
      return queue.append(.read(child, left: left - 1, then: next))
    }
    switch next {
    case .nothing: break
    case .reap:
      guard let process = child.process, let status = process.reap() else { return }
      loop.remove(process.descriptor)
      forget(child, status)
    case .others(let children, let event): readNext(children, event)
    }
  }

  /// Reads and handles a message of a process; false: there is none.
  private func readMessage(_ child: Child, _ handle: (SupervisorEvent) -> Bool) -> Bool {
    guard child.isOpen, !isOver else { return false }
    let received: MessageSocket.Received
    do throws(SystemError) { received = try child.socket.receive() } catch {
      log(.error, "\(child.role.name) \(child.pid): \(error)")
      child.signal(SIGKILL)
      received = .closed
    }
    switch consume received {
    case .wouldBlock: return false
    case .message(var bytes, let descriptors):
      if !handle(.message(bytes, descriptors, from: child)) { isOver = true }
      // The message may contain a password.
      bytes.wipe()
      return true
    case .closed:
      child.isOpen = false
      loop.remove(child.socket.descriptor)
      loop.remove(child.socket.writing)
      // A process that closes its socket has ended, or is about to.
      if !hasTimer(.kill(child.number)) { setTimer(.kill(child.number), after: Self.endTime) }
      return false
    }
  }

  // MARK: Standard error of processes, whose lines are logged with their names

  /// Maximum number of bytes that are read at once.
  private static let errorsAtOnce = 4096

  /// A pipe for the standard error of a process; the read end is non-blocking.
  private func errorPipe() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    let pipe = try Descriptor.pipe()
    try pipe.reader.setNonBlocking()
    return pipe
  }

  private func watchErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    // If this fails, it is only read when the process ends.
    try? loop.add(errors, .read, token: Self.token(child.number, .errors))
  }

  private func readErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    guard let (bytes, outcome) = try? errors.read(count: Self.errorsAtOnce) else { return loop.remove(errors) }
    switch outcome {
    case .bytes: logErrors(child.errorLines.add(bytes, at: now), of: child)
    case .wouldBlock: return
    case .ended: return loop.remove(errors)
    }
    guard let time = child.errorLines.nextTime else { return }
    loop.remove(errors)
    timers.set(.errors(child.number), at: time)
  }

  /// Logs the remaining standard error of a process that has ended.
  private func finishErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    loop.remove(errors)
    timers.cancel(.errors(child.number))
    // The capacity of a pipe: pipe(7).
    for _ in 0..<16 {
      guard let (bytes, outcome) = try? errors.read(count: Self.errorsAtOnce), case .bytes = outcome else { break }
      logErrors(child.errorLines.add(bytes, at: now), of: child)
    }
    logErrors(child.errorLines.finish(at: now), of: child)
  }

  private func logErrors(_ lines: [String], of child: Child) {
    let connection = child.connection.map { "[\($0)] " } ?? ""
    for line in lines { log(.warning, "\(connection)\(child.role.name) \(child.pid) says: \(line)") }
  }
}
