import IPC
import System

/// What runs on a channel.
enum Program: Equatable {
  /// The account's shell as a login shell.
  case shell
  /// A command line for the account's shell.
  case command([UInt8])
  /// The SFTP server.
  case sftp
  /// The server's side of SCP, for this command line.
  case scp([UInt8])
  /// A command line that runs instead of what the client asked for.
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

/// A command line for the account's shell, in the place of something else.
struct ForcedCommand: Equatable {
  let line: [UInt8]
  /// What the client asked for.
  let wanted: Wanted
}

/// A terminal as the client wants it: RFC 4254, section 6.2.
struct TerminalRequest: Equatable {
  let term: [UInt8]
  let size: Terminal.Size
  let modes: TerminalModes
}

/// Decides what becomes of each request on one session channel: RFC 4254, section 6.
///
/// Decides only: it opens no terminal and starts nothing. The caller does what an action says, and tells how it went.
/// The only subsystem is `sftp`. ``Permissions`` say what may run.
struct SessionChannel: Equatable {
  /// Variables that a client may set.
  static let variableLimit = 128
  /// Bytes of their names and values together.
  static let environmentLimit = 32 << 10
  /// Bytes of TERM.
  static let termLimit = 1024

  /// What the client has asked for so far.
  struct Preparation: Equatable {
    fileprivate(set) var terminal: TerminalRequest?
    fileprivate(set) var environment: [Variable] = []
    fileprivate var environmentSize = 0
  }

  enum State: Equatable {
    /// Nothing runs yet.
    case preparing(Preparation)
    /// The caller opens the terminal.
    case opening(TerminalRequest, Preparation)
    /// The caller starts the program.
    case starting(Preparation, takesSignals: Bool)
    case running(hasTerminal: Bool, takesSignals: Bool)
    /// The client closed the channel, and what runs goes on: how it ends is still told.
    case leftRunning
    /// What ran is gone.
    case ended
    /// The client closed the channel.
    case closed
  }

  enum Event: Equatable {
    case request(ChannelRequest)
    /// The terminal is there, or it could not be opened: after `openTerminal`.
    case terminal(opened: Bool)
    /// The program runs, or it could not be started: after `start`.
    case program(started: Bool)
    /// That it starts could not be recorded: after `start`. `isSFTP`: SFTP was asked for.
    case notRecorded(isSFTP: Bool)
    /// The program could not be started, as its arguments are too long: after `start`.
    case argumentsTooLong
    /// The program has ended.
    case ended
    /// The client closed the channel, or vanished.
    case closed
  }

  enum Action: Equatable {
    case none
    /// Answer the request.
    case accept, refuse
    /// Refuse the request for what the login may not have. `what` is for the log.
    case deny(Denial, what: String)
    /// Answer the request, tell on standard error why nothing runs, and end. Clients show their users no reason of a
    /// request that fails.
    case turnAway(Denial, what: String)
    /// Answer the request, tell on standard error that the command is too long, and end, as sshd does.
    case complainOfLength
    /// Open a terminal, and say how it went with `terminal(opened:)`.
    case openTerminal(TerminalRequest)
    /// Start a program, and say how it went with `program(started:)`. Its start answers the request.
    case start(Program, Preparation)
    /// Tell the terminal its new size, and answer.
    case resize(Terminal.Size)
    /// Send a signal, and answer.
    case signal(Int32)
    /// Tell the client how the program ended.
    case report
  }

  private let permissions: Permissions
  private(set) var state = State.preparing(Preparation())

  /// A channel that has just been opened.
  init(_ permissions: Permissions) { self.permissions = permissions }

  /// What to do now. Events that can't come in a state change nothing.
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
      // RFC 4254, section 6.5: only one can succeed. After one that failed the client may try another.
      state =
        started
        ? .running(hasTerminal: preparation.terminal != nil, takesSignals: takesSignals) : .preparing(preparation)
      return started ? .none : .refuse
    case (.starting(let preparation, _), .notRecorded(let isSFTP)):
      state = isSFTP ? .preparing(preparation) : .ended
      return isSFTP ? .deny(.notRecorded, what: "SFTP") : .turnAway(.notRecorded, what: "command")
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
      // Whether it could run at all is decided by what it begins with; it runs in no case.
      guard case .turnAway(let denial, let what) = self.start(.command(start), preparation) else {
        state = .ended
        return .complainOfLength
      }
      return .turnAway(denial, what: what)
    case .subsystem(let name):
      if name != Array("sftp".utf8) { return .deny(.noSubsystem, what: "subsystem") }
      return start(.sftp, preparation)
    case .windowChange(let columns, let rows, let xPixels, let yPixels):
      if preparation.terminal == nil { return .refuse }
      return .resize(Terminal.Size(columns: columns, rows: rows, xPixels: xPixels, yPixels: yPixels))
    case .signal, .breakSignal: return .refuse
    }
  }

  private mutating func start(_ wanted: Wanted, _ preparation: Preparation) -> Action {
    do throws(Denial) {
      let program = try permissions.program(for: wanted, onTerminal: preparation.terminal != nil)
      state = .starting(preparation, takesSignals: permissions.maySignal(program))
      return .start(program, preparation)
    } catch {
      // Who asks for SFTP waits for packets, and may try something else when it fails.
      if wanted == .sftp { return .deny(error, what: wanted.description) }
      state = .ended
      return .turnAway(error, what: wanted.description)
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
