import Audit
import System
import Wire

/// A process that the supervisor started, and the socket to it.
final class Child {
  /// The role of a process.
  enum Role {
    case authority, transport, session, loader, journal, recorder, exporter, banWriter, journalOpener
    /// Talks to systemd.
    case scopes
    /// The zygotes of transports and of session processes.
    case transportZygote, sessionZygote

    /// Messages that may be queued for it. A recorder is told of the ends of all terminals at once, of which Linux has
    /// 4,096 (kernel.pty.max) unless it is told otherwise.
    fileprivate var queueLimit: Int {
      switch self {
      case .recorder: 8192
      case .scopes: 512
      default: 64
      }
    }

    /// The name in the log.
    var name: String {
      switch self {
      case .authority: "authority"
      case .transport: "transport"
      case .session: "session process"
      case .loader: "loader"
      case .banWriter: "process that saves bans"
      case .journalOpener: "process that opens the journal's directory"
      case .journal: "journal"
      case .recorder: "recorder"
      case .scopes: "process that speaks with systemd"
      case .exporter: "exporter"
      case .transportZygote: "zygote of transports"
      case .sessionZygote: "zygote of session processes"
      }
    }
  }

  /// A number that is never reused.
  let number: UInt64
  let role: Role
  /// The number of the zygote that is creating it; nil: it exists.
  private(set) var maker: UInt64?
  private(set) var process: ChildProcess?
  let socket: MessageSocket
  /// The read end of the pipe that is its standard error; nil: there is none.
  let errors: Descriptor?
  var errorLines = ErrorLines()
  /// The connection that it serves; nil: none.
  var connection: UInt64?
  /// Why it was killed when it did not end in time; nil: it was not.
  var loss: SessionLoss?
  /// True while its messages are not read.
  var isPaused = false
  /// True while the event loop waits until its socket is writable.
  private var isWaitingForRoom = false
  /// True unless its end of the socket is known to be closed.
  var isOpen = true
  private var queue: MessageQueue

  /// The first signal that we sent to it. A process that is killed by a signal without that has crashed.
  private(set) var sentSignal: Int32?

  init(number: UInt64, role: Role, process: ChildProcess, socket: MessageSocket, errors: Descriptor? = nil) {
    self.errors = errors
    self.number = number
    self.role = role
    self.process = process
    self.socket = socket
    queue = MessageQueue(socket, bound: .messages(role.queueLimit))
  }

  /// A process that a zygote is asked to create. Messages can be sent to it immediately.
  init(number: UInt64, role: Role, maker: UInt64, socket: MessageSocket, errors: Descriptor? = nil) {
    self.errors = errors
    self.number = number
    self.role = role
    self.maker = maker
    self.socket = socket
    queue = MessageQueue(socket, bound: .messages(role.queueLimit))
  }

  /// Its process id, for the log.
  var pid: String { process.map { "\($0.pid)" } ?? "(not made yet)" }

  /// Handles that the zygote has created the process.
  func adopt(_ process: ChildProcess) {
    self.process = process
    maker = nil
    if let sentSignal { process.signal(sentSignal) }
  }

  /// Sends it a signal, as soon as it exists.
  func signal(_ number: Int32) {
    if sentSignal == nil { sentSignal = number }
    process?.signal(number)
  }

  /// The result of sending a message.
  enum Sent {
    case sent
    /// The socket is full: call ``flush()`` when it is writable.
    case waits
    /// The process is gone, or does not read its messages.
    case failed(String)
  }

  /// True if messages wait.
  var hasBacklog: Bool { !queue.isEmpty }
  /// True if nothing more will be sent.
  var isFinished: Bool { queue.isFinished }

  /// Closes the socket for writing after the waiting messages.
  func finish() { queue.finish() }

  /// Sends a message after those that wait. Never blocks.
  func send(_ message: SecretBytes, _ descriptors: [Descriptor] = []) -> Sent { sent(queue.send(message, descriptors)) }

  /// Sends the waiting messages.
  func flush() -> Sent { sent(queue.flush()) }

  private func sent(_ outcome: MessageQueue.Outcome) -> Sent {
    switch outcome {
    case .sent: .sent
    case .waiting, .held: .waits
    case .failed(.full): .failed("does not read its messages")
    case .failed(.gone): .failed("is gone")
    case .failed(.error(let error)): .failed("cannot be sent a message: \(error)")
    }
  }

  /// Watches its socket for messages, and with `.write` until it is writable.
  ///
  /// While a login is paused, its messages are not watched, but messages to it are still sent. Only logins are paused, and
  /// they have separate descriptors for the two directions.
  ///
  /// - Throws: `SystemError` when the socket cannot be watched.
  func watch(_ interest: EventLoop.Interest, in loop: EventLoop) throws(SystemError) {
    guard isOpen else { return }
    if socket.isTwoWays { return try loop.modify(socket.descriptor, interest, token: ProcessRuntime.token(number)) }
    guard interest.contains(.write) != isWaitingForRoom else { return }
    isWaitingForRoom.toggle()
    if isWaitingForRoom {
      try loop.add(socket.writing, .write, token: ProcessRuntime.token(number, .room))
    } else {
      loop.remove(socket.writing)
    }
  }
}
