import IPC
import System
import Wire
import Zygote

/// Why a session process ends prematurely.
enum SessionError: Error, CustomStringConvertible {
  /// The control socket failed.
  case control(SystemError)
  /// The supervisor sent a message that is not allowed now.
  case unexpected(String)
  /// A system call that the session needs failed.
  case system(SystemError)

  var description: String {
    switch self {
    case .control(let error): "\(error); bssh-supervisor starts this program, nobody else"
    case .unexpected(let what): "the supervisor sent \(what)"
    case .system(let error): "\(error)"
    }
  }
}

/// A session process. It may read authorized_keys once, and may become a login once. Or it stays root, looks up one
/// account, and ends.
struct SessionProcess {
  /// The phase that the process is in.
  enum Phase { case fresh, lookedUp }

  /// Runs the zygote and its copies; each copy takes on an identity and serves it. Returns the exit code.
  static func start(control number: Int32) -> ExitCode {
    do {
      try Hardening.forbidInspection()
      let coreFiles = try ResourceLimit.forbidCores()
      SignalSource.ignoreBrokenPipes()
      let zygote = MessageSocket.toSupervisor(socket: number, pipe: number + 1)
      ThisProcess.setTitle("bssh-session: zygote")
      // The daemon may have been started by a user who was logged in; its logins are not that user's.
      if Hardening.isRoot, let file = ThisProcess.openLoginUser() { try? ThisProcess.setLoginUser(.max, file) }
      var transfer: Executable?
      let copy = try Zygote.serve(zygote) { settings, descriptors in
        guard settings == nil, descriptors.count <= 1 else { throw Zygote.Failure.unexpected }
        transfer = descriptors.first.map { Executable(path: "bssh-transfer", descriptor: $0) }
        return []
      }
      guard let copy else { return .success }
      try ThisProcess.leadSession()
      let loginUser = copy.identity == nil ? nil : ThisProcess.openLoginUser()
      try copy.identity?.assume()
      try Hardening.forbidInspection()
      try SessionProcess(
        control: copy.socket, coreFiles: coreFiles, loginUser: loginUser, transfer: transfer
      ).run()
      return .success
    } catch {
      // The supervisor logs what is written to standard error.
      try? Descriptor(owning: 2).writeAll(Array("bssh-session: \(error)\n".utf8))
      return .software
    }
  }

  private let control: MessageSocket
  private let coreFiles: ResourceLimit
  private let loginUser: Descriptor?
  private let transfer: Executable?
  private var phase = Phase.fresh

  /// A session process that has its identity.
  ///
  /// - Parameters:
  ///   - control: the socket to the supervisor.
  ///   - coreFiles: the core file limit of the login's programs.
  ///   - loginUser: sets the audit user id once there is a login; nil: it is not set.
  ///   - transfer: the executable that serves a login's file transfers; nil: this process may not become a login.
  init(control: MessageSocket, coreFiles: ResourceLimit, loginUser: Descriptor?, transfer: Executable?) {
    self.control = control
    self.coreFiles = coreFiles
    self.loginUser = loginUser
    self.transfer = transfer
  }

  /// Handles the supervisor's messages until it closes the socket or the login is over.
  ///
  /// - Throws: `SessionError` when the supervisor breaks the protocol or a system call fails.
  consuming func run() throws(SessionError) {
    while true {
      let received: MessageSocket.Received
      do throws(SystemError) { received = try control.receive(wait: -1) } catch { throw .control(error) }
      switch received {
      case .closed: return
      case .wouldBlock: continue
      case .message(let bytes, let descriptors):
        let message: SupervisorToSession
        do throws(WireError) {
          message = try SupervisorToSession(wireBytes: bytes[...])
        } catch {
          throw .unexpected("a message that cannot be read (\(error))")
        }
        switch message {
        case .checkAccount(let question):
          guard phase == .fresh, descriptors.isEmpty else { throw .unexpected("an account to check out of turn") }
          ThisProcess.setTitle("bssh-session: account check")
          do throws(SystemError) {
            try control.send(SessionToSupervisor.account(try AccountCheck.answer(question)).wireBytes, wait: true)
          } catch { throw .control(error) }
          return
        case .lookUp(let paths, home: _):
          guard phase == .fresh, descriptors.count == 1, paths.count <= KeyFileReader.pathLimit else {
            throw .unexpected("a look-up out of turn, or of more than \(KeyFileReader.pathLimit) files")
          }
          phase = .lookedUp
          ThisProcess.setTitle("bssh-session: look-up")
          do throws(SystemError) { try answer(paths, descriptors[0]) } catch { throw .control(error) }
        case .login(let login):
          guard let transport = descriptors.first, descriptors.count == 1 else {
            throw .unexpected("a login without the socket to its transport")
          }
          return try serve(login, transport)
        case .longLogin:
          guard descriptors.count == 2, let login = SessionProcess.login(in: descriptors[1]) else {
            throw .unexpected("a long login without the socket to its transport and its memory")
          }
          return try serve(login, descriptors[0])
        case .terminalEntered, .mayStart, .scopeEntered: throw .unexpected("an answer before a login")
        }
      }
    }
  }

  private func serve(_ login: Login, _ transport: Descriptor) throws(SessionError) {
    guard let transfer else { throw .unexpected("a login, but no executable of transfers before it") }
    ThisProcess.setTitle("bssh-session: \(login.account.name)")
    // Only now is this a login; reading keys is none. A container may forbid this.
    if let loginUser { try? ThisProcess.setLoginUser(ThisProcess.user, loginUser) }
    do throws(SystemError) {
      // Applies to this process too, which starts the programs. Root is not limited.
      if login.maxProcesses > 0, ThisProcess.user != 0 {
        try ResourceLimit.lowerProcesses(to: UInt64(login.maxProcesses))
      }
      var session = try LoginSession(
        login, transport: MessageSocket(transport), control: control, coreFiles: coreFiles, transfer: transfer)
      try session.run()
    } catch {
      throw .system(error)
    }
  }

  private static func login(in memory: Descriptor) -> Login? {
    guard memory.isSealedMemory, let bytes = try? memory.read(count: Login.sizeLimit + 1, at: 0),
      bytes.count <= Login.sizeLimit
    else { return nil }
    return try? Login(wireBytes: bytes[...])
  }

  private func answer(_ paths: [String], _ memory: Descriptor) throws(SystemError) {
    let (files, contents) = KeyFileReader(user: ThisProcess.user).read(paths)
    try memory.write(contents[...], offset: 0)
    try control.send(SessionToSupervisor.keys(files).wireBytes, wait: true)
  }
}
