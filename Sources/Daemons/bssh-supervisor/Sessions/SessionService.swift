import Audit
import Glibc
import IPC
import Model
import System
import Wire

/// The part of ``JournalService`` that a service needs to open logins.
protocol LoginGate: AnyObject {
  /// True if the state of the journal allows this user to log in or to start a program.
  func admits(_ user: String) -> Bool
  /// Lets a session process start a program when the last added event is in the journal.
  func awaitStart(_ number: UInt64, of session: Child, user: String)
}

/// The part of ``AuditService`` that a service needs to report events of logins within their budgets.
protocol EventBudget: EventLog {
  /// The milliseconds that logins of a user have to wait because the budget of events is used up; 0: none.
  func wait(for user: String) -> Int64
}

/// Starts and ends the session process of each connection, which looks keys up and gets the login, and reports what it
/// says.
final class SessionService: SessionProcesses {
  /// A session process with a login.
  private struct Process {
    let child: Child
    /// The subject of the login, once known.
    var subject = Subject()
    /// The programs whose end was not reported.
    var commands = UnfinishedCommands()
    /// Events that are reported after the last message of this process, which outlives its connection.
    var lastEvents: [(record: AuditRecord, subject: Subject)] = []
  }

  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  private let scopes: ScopeService
  private let pauses: SessionPauseService
  private let journal: any LoginGate
  private let events: any EventLog
  /// False: all processes run as the user of the daemon.
  private let isRoot: Bool
  /// The processes of logins, by their numbers.
  private var logins: [UInt64: Process] = [:]
  /// The session process of each connection, for its keys or its login.
  private var current: [UInt64: Child] = [:]
  /// The memory with the authorized_keys files of each connection; sealed after they are read.
  private var keys: [UInt64: Descriptor] = [:]
  /// The user of each connection whose login is counted.
  private var users: [UInt64: String] = [:]
  private var counts = SessionCounts()

  init(
    _ runtime: any Runtime, _ zygotes: any ProcessMaker, _ scopes: ScopeService, _ pauses: SessionPauseService,
    _ journal: any LoginGate, _ events: any EventLog, isRoot: Bool
  ) {
    self.runtime = runtime
    self.zygotes = zygotes
    self.scopes = scopes
    self.pauses = pauses
    self.journal = journal
    self.events = events
    self.isRoot = isRoot
  }

  /// The processes of logins.
  var processes: [Child] { logins.values.map(\.child) }

  // MARK: Before the login

  func fetchKeys(of account: Account, _ paths: [String], for connection: UInt64) {
    do throws(SystemError) {
      // Created here and sealed after it is written, because the user controls the process that writes it.
      let memory = try Descriptor.memory(name: "authorized_keys", size: KeyFile.totalLimit)
      let child = try start(account, for: connection)
      keys[connection] = memory
      runtime.send(SupervisorToSession.lookUp(paths: paths, home: account.home), [memory], to: child)
    } catch {
      post(.sessionFailed("\(error)"), connection)
    }
  }

  func foundKeys(of connection: UInt64) -> Descriptor? { keys[connection] }

  private func start(_ account: Account, for connection: UInt64) throws(SystemError) -> Child {
    let identity = ForkIdentity(uid: account.uid, gid: account.gid, groups: account.groups)
    let child = try zygotes.make(isRoot ? identity : nil)
    child.connection = connection
    current[connection] = child
    return child
  }

  // MARK: The login

  func open(_ login: Login, promoting: Bool, user: String, limit: Int, for connection: UInt64) {
    guard journal.admits(user) else { return post(.journalRefused, connection) }
    guard counts.enter(user, limit: limit) else {
      return post(.sessionRefused(open: counts.count(of: user)), connection)
    }
    users[connection] = user
    do throws(SystemError) {
      let child: Child
      if promoting, let waiting = current[connection] {
        child = waiting
      } else {
        kill(of: connection)
        child = try start(login.account, for: connection)
      }
      let (sessionEnd, transportEnd) = try MessageSocket.pair()
      logins[child.number] = Process(child: child)
      var login = login
      login.awaitsScope = scopes.wants(child, login.account)
      let message = SecretBytes(encoding: SupervisorToSession.login(login))
      if message.count <= MessageSocket.limit {
        runtime.send(message, [sessionEnd.descriptor], to: child)
      } else {
        let memory = try Descriptor.sealedMemory(name: "login", login.wireBytes)
        runtime.send(SupervisorToSession.longLogin, [sessionEnd.descriptor, memory], to: child)
      }
      runtime.post(.loginOpened(connection, transportEnd.descriptor))
      pauses.add(child, isRoot: login.account.uid == 0)
    } catch {
      post(.sessionFailed("\(error)"), connection)
    }
  }

  func hasProcess(_ connection: UInt64) -> Bool { current[connection] != nil }

  func setSubject(_ subject: Subject, of connection: UInt64) {
    if let child = current[connection] { logins[child.number]?.subject = subject }
  }

  func awaitStart(_ number: UInt64, of connection: UInt64) {
    guard let child = current[connection] else { return }
    journal.awaitStart(number, of: child, user: logins[child.number]?.subject.user ?? "")
  }

  func enterTerminal(of connection: UInt64) {
    if let child = current[connection] { runtime.send(SupervisorToSession.terminalEntered, to: child) }
  }

  func kill(of connection: UInt64) { current.removeValue(forKey: connection)?.signal(SIGKILL) }

  func end(of connection: UInt64) {
    guard let child = current[connection] else { return }
    guard logins[child.number] != nil else { return kill(of: connection) }
    guard runtime.children[child.number] != nil, !runtime.hasTimer(.kill(child.number)) else { return }
    runtime.setTimer(.kill(child.number), after: ProcessRuntime.endTime)
  }

  func recordAtEnd(_ record: AuditRecord, of subject: Subject, _ connection: UInt64) {
    if let child = current[connection], logins[child.number] != nil {
      logins[child.number]?.lastEvents.append((record, subject))
    } else {
      events.record(record, of: subject, connection)
    }
  }

  func forget(_ connection: UInt64) {
    if let user = users.removeValue(forKey: connection) { counts.leave(user) }
    current[connection] = nil
    keys[connection] = nil
  }

  private func post(_ event: ConnectionMachine.Event, _ connection: UInt64) {
    runtime.post(.connection(event, of: connection))
  }

  func throttle(_ connection: UInt64, user: String?) {
    if let child = current[connection] { pauses.throttle(child, connection, user) }
  }

  // MARK: Messages of session processes

  /// Handles a message of a session process.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard let connection = child.connection else { return }
    guard current[connection] === child else { return handleLast(bytes, child, connection) }
    let message: SessionToSupervisor
    do throws(WireError) {
      message = try SessionToSupervisor(wireBytes: bytes[...])
    } catch {
      return post(.sessionMisbehaved("sent a message that cannot be read"), connection)
    }
    guard descriptors.isEmpty else { return post(.sessionMisbehaved("sent a descriptor"), connection) }
    switch message {
    case .keys(let files):
      if let fault = sealKeys(files, connection) { return post(.sessionMisbehaved(fault), connection) }
    case .records(let batch): for record in batch.records { logins[child.number]?.commands.handle(record) }
    case .starts(_, let record):
      if logins[child.number] != nil, !commandStarts(record, child) {
        return post(.sessionMisbehaved("told of a start that there cannot be"), connection)
      }
    case .log, .account, .terminal: break
    }
    post(.session(message), connection)
  }

  /// Seals the memory with the files. Returns the violation of the process; nil: there is none.
  private func sealKeys(_ files: [KeyFile], _ connection: UInt64) -> String? {
    let total = files.reduce(0) { $0 + Int($1.length) }
    guard total <= KeyFile.totalLimit else { return "told of more keys than there can be" }
    guard let memory = keys[connection] else { return "answered without a question" }
    do throws(SystemError) { try memory.seal() } catch {
      return "has its hands on the keys that it looked up: \(error)"
    }
    return nil
  }

  /// Handles a message of a login whose connection has ended: it reports the ends of its programs.
  private func handleLast(_ bytes: [UInt8], _ child: Child, _ connection: UInt64) {
    guard let subject = logins[child.number]?.lastEvents.first?.subject else { return }
    switch try? SessionToSupervisor(wireBytes: bytes[...]) {
    case .log(let text): runtime.log(.info, "[\(connection)] session: \(text)")
    case .records(let batch):
      for record in batch.records where record.type.isSentInBatches {
        logins[child.number]?.commands.handle(record)
        events.record(ConnectionMachine.sanitized(record), of: subject, connection)
      }
      pauses.throttle(child, connection, subject.user)
    case .starts(let start, let record):
      guard commandStarts(record, child) else { return }
      events.record(record, of: subject, connection)
      journal.awaitStart(start, of: child, user: logins[child.number]?.subject.user ?? "")
      pauses.throttle(child, connection, subject.user)
    // Its terminals ended in the login records with the connection.
    case .keys, .account, .terminal, nil: return
    }
  }

  /// Handles that a program is about to start. False: the session process violates the protocol.
  private func commandStarts(_ record: AuditRecord, _ child: Child) -> Bool {
    record.type == .commandStarted && logins[child.number]?.commands.start(record) ?? false
  }

  // MARK: Ends

  /// Handles the end of a session process.
  func ended(_ child: Child, _ status: ExitStatus) {
    pauses.remove(child)
    guard let connection = child.connection else { return }
    // After a hand-over the exit status is unknown, and its messages show whether it ended normally.
    let isExpected = status == .code(0) || (status == .unknown && child.sentSignal == nil)
    recordLoss(
      of: child.number, child.loss ?? SessionLoss(status, isOurs: child.sentSignal != nil), isExpected: isExpected)
    if current[connection] === child {
      current[connection] = nil
      logins[child.number] = nil
      return post(.sessionEnded(status), connection)
    }
    if logins[child.number] != nil { runtime.log(.debug, "[\(connection)] its session process \(status)") }
    recordLastEvents(of: child.number)
    logins[child.number] = nil
  }

  /// Reports the end of a login's process, unless it ended normally and reported the ends of all programs.
  private func recordLoss(of number: UInt64, _ loss: SessionLoss, isExpected: Bool) {
    guard let login = logins[number], !(isExpected && login.commands.isEmpty) else { return }
    var record = AuditRecord(.sessionLost, .error, .ssh)
    (record.reason, record.details) = (Reason(loss), login.commands.summary)
    logins[number]?.commands = UnfinishedCommands()
    events.record(record, of: login.subject, login.child.connection)
  }

  /// Reports the last events of a login, after the last message of its process.
  private func recordLastEvents(of number: UInt64) {
    guard let login = logins[number] else { return }
    logins[number]?.lastEvents = []
    for (record, subject) in login.lastEvents { events.record(record, of: subject, login.child.connection) }
  }

  /// Reports the last events of all logins, because the daemon ends and reads no more messages.
  func recordAllEnds() {
    for number in logins.keys.sorted() {
      recordLoss(of: number, .shutDown, isExpected: true)
      recordLastEvents(of: number)
    }
  }
}

extension SessionLoss {
  /// - Parameters:
  ///   - status: the exit status of the process.
  ///   - isOurs: true if the daemon sent it a signal before.
  init(_ status: ExitStatus, isOurs: Bool) {
    switch status {
    case .signal where isOurs: self = .endedByDaemon
    case .signal: self = .killed
    case .code, .unknown: self = .ended
    }
  }
}
