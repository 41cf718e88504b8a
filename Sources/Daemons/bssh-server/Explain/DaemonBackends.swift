import AccessControl
import Authentication
import Configuration
import Glibc
import IPC
import Model
import System
import Wire

/// The parts of the daemon that a login involves, started for one explanation: an authority, which looks up accounts
/// and verifies keys, and a session zygote, whose copies read shadow(5) as root and a user's files as that user. They
/// end when the sockets to them are closed.
final class DaemonBackends: LoginBackends {
  /// Timeout for each reply in milliseconds, as for the supervisor.
  private static let timeout: Int32 = 30_000
  private static let fetchTimeout: Int32 = 10_000

  private let authority: MessageSocket
  private let zygote: MessageSocket

  /// Starts the processes. `accounts`: those of the daemon's processes; nil: not started as root.
  ///
  /// - Throws: ``BackendError`` if a process cannot be started or does not reply.
  init(_ settings: Settings, _ accounts: ServiceAccounts?) throws(BackendError) {
    do throws(SystemError) {
      let identity = accounts.map { Identity(uid: $0.authority.uid, gid: $0.authority.gid, groups: []) }
      authority = try Self.start("bssh-authority", identity: identity, room: [])
      let memory = try Descriptor.sealedMemory(name: "settings", settings.wireBytes)
      let start = AuthorityStart(hostKeyCount: 0, singleUser: Hardening.isRoot ? nil : Daemon.userID)
      try authority.send(start.wireBytes, descriptors: [memory], wait: true)
      zygote = try Self.start("bssh-session", identity: nil, room: [ThisProcess.titleRoom])
      try zygote.send(SupervisorToZygote.prepare(nil).wireBytes, wait: true)
    } catch { throw BackendError("\(error)") }
    guard case .ready = try receiveReply(AuthorityToSupervisor.self, of: "bssh-authority", authority).message else {
      throw BackendError("bssh-authority does not start")
    }
    guard case .ready = try receiveReply(ZygoteToSupervisor.self, of: "bssh-session", zygote).message else {
      throw BackendError("bssh-session does not start")
    }
  }

  func bans(in path: String) -> BanFile.Content { BanFile.read(path) }

  func account(_ user: String, from address: IPAddress) throws(BackendError) -> AccountReply {
    guard case .account(var answer) = try ask(.account(user: user, address: "\(address)"), []) else {
      throw BackendError("bssh-authority replied to another request")
    }
    // For the daemon, a root process examines the shell.
    if let shell = answer.login?.shell {
      answer.login?.shellKind = ShellKind(rawValue: LoginShell(shell).rawValue) ?? .none
    }
    return answer
  }

  func verdict(on question: KeyVerificationRequest, _ files: FoundFiles) throws(BackendError) -> Verdict {
    guard case .verdict(let verdict) = try ask(.publicKey(question), files.memory.map { [$0] } ?? []) else {
      throw BackendError("bssh-authority replied to another request")
    }
    return verdict
  }

  func status(of account: String) throws(BackendError) -> AccountStatus? {
    let process = try fork(nil)
    try send(SupervisorToSession.checkAccount(AccountCheckRequest(name: account)), to: process)
    guard
      let answer = try? receiveReply(SessionToSupervisor.self, of: "bssh-session", process, wait: Self.fetchTimeout),
      case .account(let state) = answer.message
    else { return nil }
    return state.status
  }

  func files(of account: Account, _ paths: [String]) throws(BackendError) -> FoundFiles {
    let identity = ForkIdentity(uid: account.uid, gid: account.gid, groups: account.groups)
    let process = try fork(Hardening.isRoot ? identity : nil)
    let memory: Descriptor
    do throws(SystemError) {
      memory = try Descriptor.memory(name: "authorized_keys", size: KeyFile.totalLimit)
      try process.send(
        SupervisorToSession.lookUp(paths: paths, home: account.home).wireBytes, descriptors: [memory], wait: true)
    } catch { throw BackendError("bssh-session: \(error)") }
    let answer = try receiveReply(
      SessionToSupervisor.self, of: "the process that reads keys", process, wait: Self.fetchTimeout)
    guard case .keys(let files) = answer.message else {
      throw BackendError("the process that reads keys replied to another request")
    }
    do throws(SystemError) { try memory.seal() } catch { throw BackendError("\(error)") }
    return FoundFiles(files: files, memory: memory)
  }

  func root(_ path: String) -> (problem: String?, exposed: [String]) {
    do throws(SystemError) { return (nil, try RootDirectory.find(path).exposed) } catch {
      return ("\(error)", [])
    }
  }

  // MARK: Processes

  private static func start(
    _ name: String, identity: Identity?, room: [String]
  ) throws(SystemError) -> MessageSocket {
    let (ours, theirs) = try MessageSocket.supervised()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: try Executables.find(name), arguments: [name] + room,
      descriptors: [null, null, try Descriptor.standardError()] + theirs)
    request.environment = ProcessEnvironment.fixed
    // Times in authorized_keys are in the local time zone.
    if let zone = ProcessEnvironment.value(of: "TZ") { request.environment.append("TZ=\(zone)") }
    request.directory = "/"
    request.newSession = true
    request.identity = identity
    request.limits = [.coreFile(0)]
    _ = try ChildProcess(request)
    return ours
  }

  /// A copy of the session zygote with this identity.
  private func fork(_ identity: ForkIdentity?) throws(BackendError) -> MessageSocket {
    let ends: (ours: MessageSocket, theirs: [Descriptor])
    do throws(SystemError) {
      ends = try MessageSocket.supervised()
      try zygote.send(
        SupervisorToZygote.fork(number: 1, identity: identity).wireBytes,
        descriptors: ends.theirs + [try Descriptor.standardError()],
        wait: true)
    } catch { throw BackendError("\(error)") }
    guard case .forked = try receiveReply(ZygoteToSupervisor.self, of: "bssh-session", zygote).message else {
      throw BackendError("bssh-session cannot copy itself")
    }
    return ends.ours
  }

  private func ask(_ question: SupervisorToAuthority, _ descriptors: [Descriptor]) throws(BackendError)
    -> AuthorityToSupervisor
  {
    do throws(SystemError) {
      try authority.send(question.wireBytes, descriptors: descriptors, wait: true)
    } catch { throw BackendError("bssh-authority: \(error)") }
    return try receiveReply(AuthorityToSupervisor.self, of: "bssh-authority", authority).message
  }

  private func send(_ message: SupervisorToSession, to process: MessageSocket) throws(BackendError) {
    do throws(SystemError) { try process.send(message.wireBytes, wait: true) } catch {
      throw BackendError("bssh-session: \(error)")
    }
  }

  private func receiveReply<Message: WireCodable>(
    _ type: Message.Type, of name: String, _ socket: MessageSocket, wait milliseconds: Int32 = timeout
  ) throws(BackendError) -> (message: Message, descriptors: [Descriptor]) {
    do {
      switch try socket.receive(wait: milliseconds) {
      case .message(let bytes, let descriptors): return (try Message(wireBytes: bytes[...]), descriptors)
      case .wouldBlock: throw BackendError("\(name) did not reply within \(milliseconds / 1000) s")
      case .closed: throw BackendError("\(name) ended without a reply")
      }
    } catch let error as BackendError {
      throw error
    } catch { throw BackendError("\(name): \(error)") }
  }
}
