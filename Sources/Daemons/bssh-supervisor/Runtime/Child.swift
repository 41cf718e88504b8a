import Audit
import System
import Wire

/// A process that the supervisor started, and the socket to it.
final class Child {
  /// What it is for.
  enum Role {
    case authority, transport, session, loader, journal, recorder, exporter, banWriter, journalOpener
    /// Speaks with systemd.
    case scopes
    /// Makes transports, or session processes.
    case transportZygote, sessionZygote

    /// Its name in the log.
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

  /// Messages that may wait until the process takes them. A recorder is told of the ends of all terminals at once, of
  /// which Linux has 4,096 (kernel.pty.max) unless it is told otherwise.
  private var outboxLimit: Int {
    switch role {
    case .recorder: 8192
    case .scopes: 512
    default: 64
    }
  }

  /// Never given twice.
  let number: UInt64
  let role: Role
  /// The zygote that makes it, and has not said yet that it did.
  private(set) var maker: UInt64?
  private(set) var process: ChildProcess?
  let socket: MessageSocket
  /// Where its standard error comes out, and the lines of it; nil: its standard error is nobody's.
  let errors: Descriptor?
  var errorLines = ErrorLines()
  /// The connection that it serves.
  var connection: UInt64?
  /// Why it was killed, if it was because it did not end in time.
  var loss: SessionLoss?
  /// Its messages are not read now.
  var isPaused = false
  /// The event loop waits until its socket has room.
  private var isWaitingForRoom = false
  /// Its end of the socket is open, as far as we know.
  var isOpen = true
  private var outbox: [(message: SecretBytes, descriptors: [Descriptor])] = []

  /// The first signal that we sent it; one that ends otherwise by a signal has crashed.
  private(set) var sentSignal: Int32?

  init(number: UInt64, role: Role, process: ChildProcess, socket: MessageSocket, errors: Descriptor? = nil) {
    self.errors = errors
    self.number = number
    self.role = role
    self.process = process
    self.socket = socket
  }

  /// A process that a zygote is asked to make. Messages may be sent to it at once.
  init(number: UInt64, role: Role, maker: UInt64, socket: MessageSocket, errors: Descriptor? = nil) {
    self.errors = errors
    self.number = number
    self.role = role
    self.maker = maker
    self.socket = socket
  }

  /// Its number, for the log.
  var pid: String { process.map { "\($0.pid)" } ?? "(not made yet)" }

  /// The zygote has made it.
  func adopt(_ process: ChildProcess) {
    self.process = process
    maker = nil
    if let sentSignal { process.signal(sentSignal) }
  }

  /// Sends it a signal, or as soon as it is there.
  func signal(_ number: Int32) {
    if sentSignal == nil { sentSignal = number }
    process?.signal(number)
  }

  /// What became of a message.
  enum Sent {
    case sent
    /// Wait until the socket is writable, and flush.
    case waits
    /// The process is gone, or does not read.
    case failed(String)
  }

  /// True when messages wait.
  var hasBacklog: Bool { !outbox.isEmpty }
  /// Nothing more will be sent to it.
  private(set) var isFinished = false

  /// Nothing more will be sent: it finds the socket closed behind what waits.
  func finish() {
    isFinished = true
    if !hasBacklog { socket.shutDownWriting() }
  }

  /// Sends a message after those that wait; never waits itself.
  func send(_ message: SecretBytes, _ descriptors: [Descriptor] = []) -> Sent {
    guard outbox.count < outboxLimit else { return .failed("does not read its messages") }
    outbox.append((message, descriptors))
    return flush()
  }

  /// Waits for what it says, and with `.write` for room in its socket.
  ///
  /// A login that is paused is not waited for to speak, and waited for to read as any other. Only logins are paused, and a
  /// login's messages come another way than those to it.
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

  /// Sends what waits.
  func flush() -> Sent {
    while let (message, descriptors) = outbox.first {
      do throws(SystemError) {
        let sent = try message.lend { (bytes) throws(SystemError) in try socket.send(bytes, descriptors: descriptors) }
        switch sent {
        case .bytes: outbox.removeFirst()
        case .wouldBlock: return .waits
        case .ended:
          outbox = []
          return .failed("is gone")
        }
      } catch {
        outbox = []
        return .failed("cannot be sent a message: \(error)")
      }
    }
    if isFinished { socket.shutDownWriting() }
    return .sent
  }
}
