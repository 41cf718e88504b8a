import IPC
import Model
import System

/// A program on a channel.
enum Program: Equatable {
  /// The login shell.
  case shell
  /// A command line, run by the login shell.
  case command([UInt8])
  /// The SFTP server.
  case sftp
  /// The server side of SCP, for this command line.
  case scp([UInt8])
  /// A command line that runs instead of what the client requested.
  case forced(ForcedCommand)
  /// The SFTP server as a forced command, with these options of sftp-server(8).
  case forcedSFTP([[UInt8]])

  /// For the log.
  var name: String {
    switch self {
    case .shell: "shell"
    case .command: "command"
    case .sftp, .forcedSFTP: "SFTP"
    case .scp: "SCP"
    case .forced: "forced command"
    }
  }
}

/// A forced command, run by the login shell.
struct ForcedCommand: Equatable {
  let line: [UInt8]
  /// What the client requested.
  let wanted: RequestedProgram
}

/// A client's request for a terminal. RFC 4254, section 6.2
struct TerminalRequest: Equatable {
  let term: [UInt8]
  let size: Terminal.Size
  let modes: TerminalModes
}

/// The state machine of one session channel's requests. RFC 4254, section 6
///
/// Decides only: it opens no terminal and starts nothing. The caller carries out the actions and reports the results.
/// The only subsystem is `sftp`; ``Permissions`` tell what may run.
struct SessionChannel: Equatable {
  /// Limit of variables that a client may set.
  static let variableLimit = 128
  /// Limit of their names and values together, in bytes.
  static let environmentLimit = 32 << 10
  /// Limit of TERM in bytes.
  static let termLimit = 1024

  /// The terminal and variables that the client has requested so far.
  struct Preparation: Equatable {
    fileprivate(set) var terminal: TerminalRequest?
    fileprivate(set) var environment: [EnvironmentVariable] = []
    fileprivate var environmentSize = 0
  }

  enum State: Equatable {
    /// Nothing runs yet.
    case preparing(Preparation)
    /// The caller is opening the terminal.
    case opening(TerminalRequest, Preparation)
    /// The caller is starting the program.
    case starting(Preparation, takesSignals: Bool)
    case running(hasTerminal: Bool, takesSignals: Bool)
    /// The client has closed the channel, and the program goes on: its exit status is still sent.
    case leftRunning
    /// The program has ended.
    case ended
    /// The client has closed the channel, and nothing runs.
    case closed
  }

  enum Event: Equatable {
    case request(ChannelRequest)
    /// The result of `openTerminal`.
    case terminal(opened: Bool)
    /// The result of `start`.
    case program(started: Bool)
    /// The result of `start` when it could not be recorded. `isSFTP`: SFTP was requested.
    case notRecorded(isSFTP: Bool)
    /// The result of `start` when the arguments were too long.
    case argumentsTooLong
    /// The program has ended.
    case ended
    /// The client has closed the channel, or is gone.
    case closed
  }

  enum Action: Equatable {
    case none
    /// Reply to the request.
    case accept, refuse
    /// Refuse the request, because the login may not have what it asks for. `what` is for the log.
    case deny(Denial, what: String)
    /// Grant the request, print on standard error why nothing runs, and exit. A refused request would not do, because
    /// clients don't show a reason for it.
    case rejectWithMessage(Denial, what: String)
    /// Grant the request, print on standard error that the command is too long, and exit, as sshd does.
    case complainOfLength
    /// Open a terminal, and report the result as `terminal(opened:)`.
    case openTerminal(TerminalRequest)
    /// Start a program, and report the result as `program(started:)`. Its start is the reply to the request.
    case start(Program, Preparation)
    /// Set the terminal's size, and reply.
    case resize(Terminal.Size)
    /// Send a signal, and reply.
    case signal(Int32)
    /// Send the client the program's exit status.
    case report
  }

  private let permissions: Permissions
  private(set) var state = State.preparing(Preparation())

  /// The state of a new channel.
  init(_ permissions: Permissions) { self.permissions = permissions }

  /// Returns the action for an event. Events that cannot occur in a state change nothing.
  mutating func handle(_ event: Event) -> Action {
    switch (state, event) {
    case (.preparing(let preparation), .request(let request)): return prepare(preparation, request)
    case (.preparing, .closed), (.opening, .closed), (.starting, .closed), (.ended, .closed):
      state = .closed
      return .none
    case (.running, .closed):
      state = .leftRunning
      return .none
    case (.leftRunning, .ended):
      state = .closed
      return .report
    case (.opening(let terminal, var preparation), .terminal(opened: let opened)):
      if opened { preparation.terminal = terminal }
      state = .preparing(preparation)
      return opened ? .accept : .refuse
    case (.starting(let preparation, let takesSignals), .program(started: let started)):
      // RFC 4254, section 6.5: only one of these requests can succeed on a channel. After one that failed the client
      // may try another.
      state =
        started
        ? .running(hasTerminal: preparation.terminal != nil, takesSignals: takesSignals) : .preparing(preparation)
      return started ? .none : .refuse
    case (.starting(let preparation, _), .notRecorded(let isSFTP)):
      state = isSFTP ? .preparing(preparation) : .ended
      return isSFTP ? .deny(.notRecorded, what: "SFTP") : .rejectWithMessage(.notRecorded, what: "command")
    case (.starting, .argumentsTooLong):
      state = .ended
      return .complainOfLength
    case (.running(let hasTerminal, let takesSignals), .request(let request)):
      return SessionChannel.whileRunning(hasTerminal: hasTerminal, takesSignals: takesSignals, request)
    case (.running, .ended):
      state = .ended
      return .report
    case (.opening, .request), (.starting, .request), (.leftRunning, .request), (.ended, .request),
      (.closed, .request):
      return .refuse
    case (.preparing, .notRecorded), (.opening, .notRecorded), (.running, .notRecorded), (.leftRunning, .notRecorded),
      (.ended, .notRecorded), (.closed, .notRecorded):
      return .none
    case (.preparing, .terminal), (.preparing, .program), (.preparing, .ended), (.opening, .program),
      (.opening, .ended), (.starting, .terminal), (.starting, .ended), (.running, .terminal), (.running, .program),
      (.leftRunning, .terminal), (.leftRunning, .program), (.leftRunning, .closed), (.ended, .terminal),
      (.ended, .program), (.ended, .ended), (.closed, .terminal), (.closed, .program),
      (.closed, .ended), (.closed, .closed), (.preparing, .argumentsTooLong), (.opening, .argumentsTooLong),
      (.running, .argumentsTooLong), (.leftRunning, .argumentsTooLong), (.ended, .argumentsTooLong),
      (.closed, .argumentsTooLong):
      return .none
    }
  }

  private mutating func prepare(_ preparation: Preparation, _ request: ChannelRequest) -> Action {
    switch request {
    case .terminal(let term, let columns, let rows, let xPixels, let yPixels, let modes):
      guard permissions.mayHaveTerminal else { return .deny(.noTerminal, what: "terminal") }
      guard preparation.terminal == nil, term.count <= SessionChannel.termLimit,
        !term.contains(0)
      else { return .refuse }
      let size = Terminal.Size(columns: columns, rows: rows, xPixels: xPixels, yPixels: yPixels)
      let terminal = TerminalRequest(term: term, size: size, modes: TerminalModes(modes))
      state = .opening(terminal, preparation)
      return .openTerminal(terminal)
    case .environment(let name, let value):
      guard let variable = permissions.environment.accept(name: name, value: value) else { return .refuse }
      var changed = preparation
      guard changed.environment.count < SessionChannel.variableLimit,
        name.count + value.count <= SessionChannel.environmentLimit - changed.environmentSize
      else { return .refuse }
      changed.environment.append(variable)
      changed.environmentSize += name.count + value.count
      state = .preparing(changed)
      return .accept
    case .shell: return start(.shell, preparation)
    case .execute(let command):
      if command.contains(0) { return .deny(.malformed, what: "command") }
      return start(.command(command), preparation)
    case .overlongCommand(let start):
      // The beginning of the command decides whether it would be allowed; in no case does it run.
      guard case .rejectWithMessage(let denial, let what) = self.start(.command(start), preparation) else {
        state = .ended
        return .complainOfLength
      }
      return .rejectWithMessage(denial, what: what)
    case .subsystem(let name):
      if name != Array("sftp".utf8) { return .deny(.noSubsystem, what: "subsystem") }
      return start(.sftp, preparation)
    case .windowChange(let columns, let rows, let xPixels, let yPixels):
      if preparation.terminal == nil { return .refuse }
      return .resize(Terminal.Size(columns: columns, rows: rows, xPixels: xPixels, yPixels: yPixels))
    case .signal, .breakSignal: return .refuse
    }
  }

  private mutating func start(_ wanted: RequestedProgram, _ preparation: Preparation) -> Action {
    do throws(Denial) {
      let program = try permissions.program(for: wanted, onTerminal: preparation.terminal != nil)
      state = .starting(preparation, takesSignals: permissions.maySignal(program))
      return .start(program, preparation)
    } catch {
      // An SFTP client waits for packets, not for a message, and may try something else after a failure.
      if wanted == .sftp { return .deny(error, what: wanted.description) }
      state = .ended
      return .rejectWithMessage(error, what: wanted.description)
    }
  }

  private static func whileRunning(
    hasTerminal: Bool, takesSignals: Bool, _ request: ChannelRequest
  ) -> Action {
    switch request {
    case .windowChange(let columns, let rows, let xPixels, let yPixels):
      if !hasTerminal { return .refuse }
      return .resize(Terminal.Size(columns: columns, rows: rows, xPixels: xPixels, yPixels: yPixels))
    case .signal(let name):
      guard let number = Signal.numbers[String(decoding: name, as: UTF8.self)] else { return .refuse }
      return takesSignals ? .signal(number) : .deny(.noSignals, what: "signal")
    case .breakSignal: return takesSignals ? .signal(Signal.interrupt) : .deny(.noSignals, what: "break")
    case .terminal, .environment, .shell, .execute, .overlongCommand, .subsystem: return .refuse
    }
  }
}
