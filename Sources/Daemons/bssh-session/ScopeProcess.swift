import IPC
import System
import SystemBus
import Wire

/// `bssh-session scopes`: talks to systemd for the supervisor, which must not block. Runs as root, and reads only
/// messages of the supervisor and of systemd.
struct ScopeProcess {
  /// The first argument of this mode.
  static let argument: [UInt8] = Array("scopes".utf8)
  /// Time limit for systemd to move a process, in milliseconds.
  static let timeout: Int64 = 1000
  /// Limit of requests that wait for systemd.
  private static let countLimit = 256

  private enum Token {
    static let control: UInt64 = 0
    static let systemd: UInt64 = 1
  }

  private let control: MessageSocket
  private let loop: EventLoop
  private var client: ScopeClient
  /// The deadlines of pending requests, in milliseconds.
  private var deadlines: [UInt64: Int64] = [:]
  /// systemd is not asked before this time, because it did not answer: logins should not wait for that again and again.
  private var pauseEnd: Int64 = 0
  private var pause: Int64 = 0

  /// Serves the supervisor at descriptors `number` and `number + 1` until it closes them.
  static func run(control number: Int32, places: ScopeClient.Places = ScopeClient.usualPlaces) -> ExitCode {
    SignalSource.ignoreBrokenPipes()
    ThisProcess.setTitle("bssh-session: scopes")
    // The process belongs to no session.
    ThisProcess.setName("bssh-scopes")
    do {
      try Hardening.becomeUnobservable()
      var service = try ScopeProcess(MessageSocket.toSupervisor(socket: number, pipe: number + 1), places)
      try service.serve()
      return .success
    } catch {
      if let error = error as? SystemError, error.isOtherVersion {
        var log = Log(threshold: .error, style: .bare)
        log.write(.error, "\(error)")
      }
      return .systemError
    }
  }

  init(_ control: MessageSocket, _ places: ScopeClient.Places) throws(SystemError) {
    self.control = control
    client = ScopeClient(places)
    loop = try EventLoop()
    try loop.add(control.descriptor, .read, token: Token.control)
  }

  private mutating func serve() throws {
    while true {
      let next = deadlines.values.min().map { Int32(clamping: max($0 - Clock.milliseconds, 0)) }
      for event in try loop.wait(milliseconds: next ?? -1) {
        if event.token == Token.control {
          guard try receive() else { return }
        } else {
          converse(event.isReadable)
        }
      }
      if deadlines.values.contains(where: { $0 <= Clock.milliseconds }) { fail("systemd does not answer") }
      // An open connection gets the changes of every unit.
      if client.isIdle { disconnect() }
    }
  }

  /// Handles requests; false when the supervisor is gone.
  private mutating func receive() throws -> Bool {
    while true {
      switch try control.receive() {
      case .wouldBlock: return true
      case .closed: return false
      case .message(let bytes, let descriptors):
        guard descriptors.count == 1, case let message = try SupervisorToScopes(wireBytes: bytes[...]) else {
          return false
        }
        switch message {
        case .move(let number, let process, let scope, let slice, let description):
          let request = ScopeRequest(
            name: scope, description: description, slice: slice, processes: [Int32(bitPattern: process)])
          move(request, number, descriptors[0])
        }
      }
    }
  }

  private mutating func move(_ request: ScopeRequest, _ number: UInt64, _ process: Descriptor) {
    if pauseEnd > Clock.milliseconds { return reply(number, "systemd did not answer a moment ago") }
    guard deadlines.count < Self.countLimit else { return reply(number, "\(deadlines.count) others wait") }
    // The process has ended, so its id may belong to another one.
    if process.isReadable { return reply(number, "it has ended") }
    let isNew = client.socket == nil
    do throws(ScopeError) {
      try client.ask(request, number: number)
      deadlines[number] = Clock.milliseconds + Self.timeout
      if isNew, let socket = client.socket {
        do throws(SystemError) { try loop.add(socket, [.read, .write], token: Token.systemd) } catch {
          throw .system(error)
        }
      }
      try flush()
    } catch {
      // Without a socket there is no systemd, which costs no time to find out: no pause is needed.
      if client.socket == nil { return reply(number, "\(error)") }
      deadlines[number] = Clock.milliseconds + Self.timeout
      fail("\(error)")
    }
  }

  private mutating func converse(_ isReadable: Bool) {
    do throws(ScopeError) {
      if isReadable {
        for outcome in try client.receive() where deadlines.removeValue(forKey: outcome.number) != nil {
          pause = 0
          reply(outcome.number, outcome.problem)
        }
      }
      try flush()
    } catch { fail("\(error)") }
  }

  private mutating func flush() throws(ScopeError) {
    try client.flush()
    guard let socket = client.socket else { return }
    do throws(SystemError) {
      try loop.modify(socket, client.hasOutput ? [.read, .write] : .read, token: Token.systemd)
    } catch { throw .system(error) }
  }

  /// Fails all pending requests, and begins or extends the pause.
  private mutating func fail(_ reason: String) {
    for number in deadlines.keys.sorted() { reply(number, reason) }
    deadlines = [:]
    disconnect()
    pause = min(max(pause * 2, 1000), 60_000)
    pauseEnd = Clock.milliseconds + pause
  }

  private mutating func disconnect() {
    if let socket = client.socket { loop.remove(socket) }
    client.close()
  }

  private func reply(_ number: UInt64, _ problem: String?) {
    let message: ScopesToSupervisor
    if let problem {
      message = .notMoved(number: number, reason: String(Log.printable(problem).prefix(500)))
    } else {
      message = .moved(number: number)
    }
    _ = try? control.send(message.wireBytes, wait: true)
  }
}
