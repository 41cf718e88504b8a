import IPC
import System
import Wire
import Zygote

/// Why a session process ends before its time.
enum SessionError: Error, CustomStringConvertible {
  /// The control socket does not work.
  case control(SystemError)
  /// The supervisor said what it may not say now.
  case unexpected(String)
  /// A system call that the session cannot do without.
  case system(SystemError)

  var description: String {
    switch self {
    case .control(let error): "\(error); bssh-supervisor starts this program, nobody else"
    case .unexpected(let what): "the supervisor sent \(what)"
    case .system(let error): "\(error)"
    }
  }
}

/// A session process from its start to its end: it may look keys up, once, and it may become a login, once; or it
/// stays root, looks one account up, and ends.
struct SessionProcess {
  /// Where the process is in its life.
  enum Phase { case fresh, lookedUp }

  /// The zygote and its copies: each copy becomes an account and serves it. Returns how it ended.
  static func start(control number: Int32) -> ExitCode {
    do {
      try Hardening.forbidInspection()
      let coreFiles = try ResourceLimit.forbidCores()
      SignalSource.ignoreBrokenPipes()
      let zygote = MessageSocket.toSupervisor(socket: number, pipe: number + 1)
      ThisProcess.setTitle("bssh-session: zygote")
      // The daemon may have been started by somebody who was logged in; its logins are not theirs.
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
      // The supervisor logs what is on standard error, unless a person typed this.
      try? Descriptor(owning: 2).writeAll(Array("bssh-session: \(error)\n".utf8))
      return .software
    }
  }

  private let control: MessageSocket
  private let coreFiles: ResourceLimit
  private let loginUser: Descriptor?
  private let transfer: Executable?
  private var phase = Phase.fresh

  /// - Parameters:
  ///   - control: the socket to the supervisor.
  ///   - coreFiles: the limit that the login's programs have.
  ///   - loginUser: what sets the audit user id once there is a login; nil: it is not set.
  ///   - transfer: what serves file transfers of a login; nil: this process gets no login.
  init(control: MessageSocket, coreFiles: ResourceLimit, loginUser: Descriptor?, transfer: Executable?) {
    self.control = control
    self.coreFiles = coreFiles
    self.loginUser = loginUser
    self.transfer = transfer
  }

  /// Does what the supervisor asks; returns when it closes the socket or the login is over.
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
    // Only now is it a login; a look-up is none. A container may forbid it.
    if let loginUser { try? ThisProcess.setLoginUser(ThisProcess.user, loginUser) }
    do throws(SystemError) {
      // Of this process too, which starts the others: who may have more processes is root.
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
    guard memory.isSealedMemory, let bytes = try? memory.read(count: Login.longest + 1, at: 0),
      bytes.count <= Login.longest
    else { return nil }
    return try? Login(wireBytes: bytes[...])
  }

  private func answer(_ paths: [String], _ memory: Descriptor) throws(SystemError) {
    let (files, contents) = KeyFileReader(user: ThisProcess.user).read(paths)
    try memory.write(contents[...], offset: 0)
    try control.send(SessionToSupervisor.keys(files).wireBytes, wait: true)
  }
}
