import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// A simulated runtime without processes: the test determines the time, the messages and the ends of processes.
final class FakeRuntime: Runtime {
  /// A message to a process.
  struct Sent {
    let child: Child
    let bytes: [UInt8]
    let descriptors: [Descriptor]
  }

  var now: Int64 = 1_000_000
  var time: Int64 = 1_700_000_000_000_000
  private(set) var children: [UInt64: Child] = [:]
  /// Every process that was started, in order.
  private(set) var started: [Child] = []
  private(set) var timers: [TimerKey: Int64] = [:]
  private(set) var lines: [String] = []
  private(set) var sent: [Sent] = []
  private(set) var paused: Set<UInt64> = []
  /// The number of each watched socket.
  private(set) var watched: [ObjectIdentifier: UInt64] = [:]
  private var queue = FIFO<SupervisorEvent>()
  private var nextNumber: UInt64 = 100
  /// The ends of the sockets that belong to the processes.
  private var ends: [MessageSocket] = []
  private var processes: [ChildProcess] = []
  /// False: processes cannot be started.
  var canStart = true
  private(set) var logsToSystem = false
  /// How often a copy of the process has begun to wait for signals.
  private(set) var signalsWatched = 0
  /// Called while a message is sent.
  var whenSending: (Child) -> Void = { _ in }

  deinit {
    for process in processes {
      process.descriptor.wait(for: POLLIN, milliseconds: 60_000)
      _ = process.reap()
    }
  }

  func newNumber() -> UInt64 {
    nextNumber += 1
    return nextNumber
  }

  func log(_ level: Log.Level, _ text: String) { lines.append("\(level): \(text)") }
  func logs(_ level: Log.Level) -> Bool { true }
  func setLogThreshold(_ level: Log.Level) {}
  func logToSystemLog(_ socket: Descriptor) { logsToSystem = true }
  func readRest(of children: [Child], then event: SupervisorEvent) { post(event) }
  func watchSignalsAgain() throws(SystemError) { signalsWatched += 1 }

  func killAll() {
    for child in children.values { end(child) }
  }

  func setTimer(_ key: TimerKey, at time: Int64) { timers[key] = time }
  func cancelTimer(_ key: TimerKey) { timers[key] = nil }
  func hasTimer(_ key: TimerKey) -> Bool { timers[key] != nil }
  func post(_ event: SupervisorEvent) { queue.append(event) }

  func watch(_ descriptor: Descriptor, _ number: UInt64) throws(SystemError) {
    watched[ObjectIdentifier(descriptor)] = number
  }

  func unwatch(_ descriptor: Descriptor) { watched[ObjectIdentifier(descriptor)] = nil }

  func spawn(_ program: Program) throws(SystemError) -> Child {
    guard canStart else { throw SystemError("start", code: EAGAIN) }
    return try add(program.role)
  }

  /// A process that exists, or that a zygote must create.
  func add(_ role: Child.Role, maker: UInt64 = 0) throws(SystemError) -> Child {
    let (ours, theirs) = try MessageSocket.pair()
    ends.append(theirs)
    let child = Child(number: newNumber(), role: role, maker: maker, socket: ours)
    children[child.number] = child
    started.append(child)
    return child
  }

  func copy(_ role: Child.Role, of zygote: Child, _ identity: ForkIdentity?) throws(SystemError) -> Child {
    try add(role, maker: zygote.number)
  }

  /// A process that does nothing, whatever the zygote reports.
  func adopt(_ pid: Int32, isChild: Bool, as child: Child) throws(SystemError) -> Bool {
    let process = try ChildProcess(.init(path: "/bin/true", arguments: ["true"], descriptors: []))
    processes.append(process)
    child.adopt(process)
    return true
  }

  func forget(_ child: Child, _ status: System.ExitStatus) { end(child, status) }

  func send(_ message: SecretBytes, _ descriptors: [Descriptor], to child: Child) {
    sent.append(Sent(child: child, bytes: message.lend { $0 }, descriptors: descriptors))
    whenSending(child)
  }

  func pause(_ child: Child) { paused.insert(child.number) }
  func resume(_ child: Child) { paused.remove(child.number) }

  func waitForEnd(of child: Child, until deadline: Int64) -> Bool { children[child.number] == nil }

  /// Ends a process: it is removed immediately, and its end is an event.
  func end(_ child: Child, _ status: System.ExitStatus = .signal(9, coreDumped: false)) {
    children[child.number] = nil
    post(.ended(child, status))
  }

  /// The next event; nil: there is none.
  func next() -> SupervisorEvent? { queue.popFirst() }

  /// Removes the timer of this key, which expires; false: there is none.
  func fire(_ key: TimerKey) -> Bool {
    guard let time = timers.removeValue(forKey: key) else { return false }
    now = max(now, time)
    return true
  }

  /// The messages that were sent to a process.
  func messages<Message: WireCodable>(_ type: Message.Type, to child: Child?) throws -> [Message] {
    try sent.filter { $0.child === child }.map { try Message(wireBytes: $0.bytes[...]) }
  }

  /// Lines that contain this text.
  func lines(with text: String) -> Int { lines.count { $0.contains(text) } }
}

extension LoadedSettings {
  /// Settings from a loader, with a journal in /log.
  static func sample(
    isRoot: Bool = true, hasJournal: Bool = true, recordings: [String] = [],
    _ change: (inout Settings) -> Void = { _ in }
  ) throws -> LoadedSettings {
    var settings = Settings()
    change(&settings)
    let account = ServiceAccount(uid: 990, gid: 990)
    var configuration = LoadedConfiguration(
      warnings: [], hostKeyCount: 1, listenerCount: 0,
      serviceAccounts: isRoot ? ServiceAccounts(transport: account, authority: account, audit: account) : nil)
    if hasJournal { configuration.journal = OpenedDirectory(path: "/log", device: 1, inode: 2) }
    configuration.recordings = recordings.map { OpenedDirectory(path: $0, device: 1, inode: 3) }
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let directories = Array(repeating: null, count: (hasJournal ? 1 : 0) + recordings.count)
    let memory = try Descriptor.sealedMemory(name: "settings", settings.wireBytes)
    let key = try Descriptor.sealedMemory(name: "key", [1])
    return try LoadedSettings(LoaderResult.loaded(configuration).wireBytes, [memory, key] + directories)
  }
}
