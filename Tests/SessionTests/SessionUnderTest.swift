import Audit
import CLinux
import Filter
import Foundation
import IPC
import Model
import System
import Testing
import Wire

/// Something that a test waited for in vain.
struct Missing: Error, CustomStringConvertible {
  let description: String
}

/// A running bssh-session, with the test as its supervisor and its transport; killed with this object.
final class SessionUnderTest {
  /// Limit of any wait in these tests, in milliseconds.
  static let limit: Int32 = 60_000

  let process: ChildProcess
  private(set) var control: MessageSocket?
  private(set) var transport: MessageSocket?
  private var isReaped = false
  /// Reports that were read and not yet asked for.
  private var notes: [String] = []
  private var records: [AuditRecord] = []
  private var terminals: [TerminalUse] = []
  private(set) var starts: [(number: UInt64, record: AuditRecord)] = []
  /// The supervisor's answer when a program is about to start; nil: none.
  var allowsStarts: Bool? = true

  /// The directory of the programs and the tests.
  private static let folder = (try? ProcessEnvironment.executableFolder()) ?? ""
  static let path = folder + "/bssh-session"

  init(program: String = path, identity: Identity? = nil, environment: [String] = []) throws {
    let (zygoteControl, zygoteEnds) = try MessageSocket.supervised()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: program, arguments: ["bssh-session"],
      descriptors: [null, null, null] + zygoteEnds)
    request.environment = environment
    let zygote = try ChildProcess(request)
    defer {
      zygote.signal(SIGKILL)
      _ = zygote.descriptor.wait(for: POLLIN, milliseconds: SessionUnderTest.limit)
      _ = zygote.reap()
    }
    let (ours, theirs) = try MessageSocket.supervised()
    let forkIdentity = identity.map { ForkIdentity(uid: $0.uid, gid: $0.gid, groups: $0.groups) }
    let transfer = try Executable.open(SessionUnderTest.folder + "/bssh-transfer")
    try zygoteControl.send(SupervisorToZygote.prepare(nil).wireBytes, descriptors: [transfer.descriptor])
    try zygoteControl.send(
      SupervisorToZygote.fork(number: 7, identity: forkIdentity).wireBytes, descriptors: theirs + [null])
    let (ready, _) = try SessionUnderTest.receive(zygoteControl)
    guard try ZygoteToSupervisor(wireBytes: ready[...]) == .ready(weaknesses: []) else {
      throw Missing(description: "a zygote that is ready")
    }
    let (made, _) = try SessionUnderTest.receive(zygoteControl)
    guard case .forked(number: 7, let pid) = try ZygoteToSupervisor(wireBytes: made[...]) else {
      throw Missing(description: "a copy of the zygote")
    }
    process = try ChildProcess(adopting: pid)
    control = ours
  }

  deinit {
    if !isReaped {
      process.signal(SIGKILL)
      _ = process.descriptor.wait(for: POLLIN, milliseconds: SessionUnderTest.limit)
      _ = process.reap()
    }
  }

  /// A process that has got a login.
  static func loggedIn(
    environment: [String] = [], _ change: (inout Login) -> Void = { _ in }
  ) throws -> SessionUnderTest {
    let session = try SessionUnderTest(environment: environment)
    try session.logIn(change)
    return session
  }

  func logIn(_ change: (inout Login) -> Void = { _ in }) throws {
    let (ours, theirs) = try MessageSocket.pair()
    var login = Login.sample
    change(&login)
    try control?.send(SupervisorToSession.login(login).wireBytes, descriptors: [theirs.descriptor], wait: true)
    transport = ours
  }

  func lookUp(_ paths: [String]) throws -> (files: [KeyFile], memory: Descriptor) {
    let memory = try Descriptor.memory(name: "authorized_keys", size: KeyFile.totalLimit)
    try control?.send(
      SupervisorToSession.lookUp(paths: paths, home: "/").wireBytes, descriptors: [memory], wait: true)
    let (bytes, descriptors) = try SessionUnderTest.receive(control)
    guard case .keys(let files) = try SessionToSupervisor(wireBytes: bytes[...]), descriptors.isEmpty else {
      throw Missing(description: "keys")
    }
    try memory.seal()
    return (files, memory)
  }

  /// The next log line for the supervisor.
  func note() throws -> String {
    while notes.isEmpty { try listen() }
    return notes.removeFirst()
  }

  /// The next report about a terminal.
  func terminal() throws -> TerminalUse {
    while terminals.isEmpty { try listen() }
    return terminals.removeFirst()
  }

  /// The next audit record.
  func record() throws -> AuditRecord {
    while records.isEmpty { try listen() }
    return records.removeFirst()
  }

  /// The audit records up to the first of this type.
  func records(until type: EventType) throws -> [AuditRecord] {
    var result: [AuditRecord] = []
    repeat { result.append(try record()) } while result.last?.type != type
    return result
  }

  private func listen() throws {
    let (bytes, _) = try SessionUnderTest.receive(control)
    switch try SessionToSupervisor(wireBytes: bytes[...]) {
    case .log(let text): notes.append(text)
    case .records(let batch): records += batch.records
    case .terminal(let use): terminals.append(use)
    case .starts(let number, let record):
      starts.append((number, record))
      if let allowsStarts { try answer(number, allowed: allowsStarts) }
    case .keys, .account: throw Missing(description: "a note or a fact")
    }
  }

  /// The next program that is about to start.
  func start() throws -> (number: UInt64, record: AuditRecord) {
    while starts.isEmpty { try listen() }
    return starts.removeFirst()
  }

  func answer(_ number: UInt64, allowed: Bool) throws {
    try control?.send(SupervisorToSession.mayStart(number: number, allowed: allowed).wireBytes, wait: true)
  }

  /// Tells the session that its login is in its scope.
  func enterScope() throws { try control?.send(SupervisorToSession.scopeEntered.wireBytes, wait: true) }

  func closeControl() { control = nil }
  func closeTransport() { transport = nil }

  func send(_ message: TransportToSession) throws { try transport?.send(message.wireBytes, wait: true) }

  /// Waits for the next message to the transport.
  func next() throws -> (message: SessionToTransport, descriptors: [Descriptor]) {
    try serve()
    let (bytes, descriptors) = try SessionUnderTest.receive(transport)
    return (try SessionToTransport(wireBytes: bytes[...]), descriptors)
  }

  /// Acts as the supervisor until the transport has something to read.
  private func serve() throws {
    while let control, let transport {
      var waited = [control, transport].map { pollfd(fd: $0.descriptor.rawValue, events: Int16(POLLIN), revents: 0) }
      guard poll(&waited, 2, SessionUnderTest.limit) > 0 else { throw Missing(description: "a message") }
      if waited[1].revents != 0 { return }
      try listen()
    }
  }

  /// Sends a request on a channel, and waits for the next message.
  @discardableResult
  func ask(_ request: ChannelRequest, on channel: UInt32 = 0) throws -> SessionToTransport {
    try send(.request(channel: channel, request))
    return try next().message
  }

  /// Requests a terminal of 80 × 24 characters.
  @discardableResult
  func askForTerminal(on channel: UInt32 = 0, term: String = "xterm", modes: [UInt8] = []) throws -> SessionToTransport
  {
    try ask(
      .terminal(term: Array(term.utf8), columns: 80, rows: 24, xPixels: 0, yPixels: 0, modes: modes), on: channel)
  }

  /// Starts a program; its descriptors are non-blocking.
  func start(_ request: ChannelRequest, on channel: UInt32 = 0) throws -> [Descriptor] {
    try send(.request(channel: channel, request))
    let (message, descriptors) = try next()
    guard case .started = message else { throw Missing(description: "a start, not \(message)") }
    return descriptors
  }

  /// Runs a command without input to its end.
  func run(_ command: String, on channel: UInt32 = 0) throws -> (
    output: String, errors: String, end: SessionToTransport
  ) {
    var ends = try start(.execute(Array(command.utf8)), on: channel)
    let (output, errors) = (ends[1], ends[2])
    ends = []
    let text = try SessionUnderTest.readToEnd(output)
    return (text, try SessionUnderTest.readToEnd(errors), try next().message)
  }

  /// Everything until the end, as text.
  static func readToEnd(_ descriptor: Descriptor) throws -> String {
    var bytes: [UInt8] = []
    while true {
      guard descriptor.wait(for: POLLIN, milliseconds: limit) else { throw Missing(description: "an end of file") }
      let (part, outcome) = try descriptor.read(count: 65536)
      bytes += part
      if outcome == .ended { return String(decoding: bytes, as: UTF8.self) }
    }
  }

  /// Reads until the text contains `text`, and returns all of it.
  @discardableResult
  static func read(_ descriptor: Descriptor, until text: String) throws -> String {
    var bytes: [UInt8] = []
    while true {
      let soFar = String(decoding: bytes, as: UTF8.self)
      if soFar.contains(text) { return soFar }
      guard descriptor.wait(for: POLLIN, milliseconds: limit) else {
        throw Missing(description: "\(text) in \(soFar)")
      }
      let (part, outcome) = try descriptor.read(count: 65536)
      bytes += part
      if outcome == .ended { throw Missing(description: "\(text) before the end of \(soFar)") }
    }
  }

  /// Waits for the end of the session process.
  func waitForEnd() throws -> System.ExitStatus {
    guard process.descriptor.wait(for: POLLIN, milliseconds: SessionUnderTest.limit), let status = process.reap()
    else { throw Missing(description: "the session's end") }
    isReaped = true
    return status
  }

  private static func receive(_ socket: MessageSocket?) throws -> (bytes: [UInt8], descriptors: [Descriptor]) {
    guard case .message(let bytes, let descriptors)? = try socket?.receive(wait: limit) else {
      throw Missing(description: "a message")
    }
    return (bytes, descriptors)
  }
}

extension Login {
  /// A login as our own user that may do everything.
  static var sample: Login {
    Login(
      account: Account(
        name: "tester", uid: getuid(), gid: getgid(), groups: [], home: "/tmp", shell: "/bin/sh",
        environment: []),
      clientAddress: "192.0.2.1", clientPort: 50000, serverAddress: "192.0.2.2", serverPort: 22,
      environment: [], acceptEnvironment: ["LANG", "LC_*"], mayExecute: true, mayHaveTerminal: true, umask: 0o022,
      motd: "", sftp: nil, scp: nil)
  }
}

extension TransferSettings {
  /// Everything is allowed, without limits.
  static var sample: TransferSettings {
    TransferSettings(
      root: "", readOnly: false, umask: nil, maxFileSize: nil, maxHandles: 16, user: "tester",
      filter: TransferFilter())
  }
}

extension Descriptor {
  func write(_ text: String) throws { try writeAll(Array(text.utf8)) }
}

/// Waits until a process is gone; false when it still exists after the limit.
func isGone(_ pid: pid_t) -> Bool {
  let number = clinux_pidfd_open(pid)
  if number < 0 { return errno == ESRCH }
  return Descriptor(owning: number).wait(for: POLLIN, milliseconds: SessionUnderTest.limit)
}
