import Audit
import Glibc
import IPC
import Model
import System
import Wire

/// The part of ``JournalService`` that a service needs to open logins.
protocol LoginGate: JournalPressure {
  /// True if the state of the journal allows this user to log in or to start a program.
  func admits(_ user: String) -> Bool
  /// True if `audit.rescue_users` allows this user to log in while the journal fails.
  func isRescueUser(_ name: String) -> Bool
  /// Lets a session process start a program when the last added event is in the journal.
  func awaitStart(_ number: UInt64, of session: Child, user: String)
}

/// The part of ``AuditService`` that a service needs to report events of logins within their budgets.
protocol EventBudget: EventLog {
  /// The milliseconds that logins of a user have to wait because the budget of events is used up; 0: none.
  func wait(for user: String) -> Int64
}

/// Starts and ends session processes: to read keys and accounts, and for logins.
final class SessionService {
  /// A session process with a login.
  private struct Process {
    let child: Child
    /// True if it has root's privileges. It never waits for a budget, because it could change the journal anyway.
    let isRoot: Bool
    /// The subject of the login, once known.
    var subject = Subject()
    /// The programs whose end was not reported.
    var commands = UnfinishedCommands()
    /// Events that are reported after the last message of this process, which outlives its connection.
    var lastEvents: [(fact: Fact, subject: Subject)] = []
    /// True while it is paused because the journal is slow.
    var waitsForJournal = false
    /// True while it is paused because its user has used up the budget of events.
    var isThrottled = false
    /// Limits the announcements of such pauses on its terminals.
    var notices = LogThrottle(interval: 60_000)
  }

  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  private let scopes: ScopeService
  private let journal: any LoginGate
  private let events: any EventBudget
  /// False: all processes run as the user of the daemon.
  private let isRoot: Bool
  /// The processes of logins, by their numbers.
  private var logins: [UInt64: Process] = [:]
  /// The session process of each connection, for its keys or its login.
  private var current: [UInt64: Child] = [:]
  /// The process that reads the account, by connection.
  private var checks: [UInt64: Child] = [:]
  /// The memory with the authorized_keys files of each connection; sealed after they are read.
  private var keys: [UInt64: Descriptor] = [:]
  /// The user of each connection whose login is counted.
  private var users: [UInt64: String] = [:]
  private var counts = SessionCounts()
  /// Limits the log lines about budgets.
  private var lineThrottle = LogThrottle(burst: 10, interval: 10_000)

  init(
    _ runtime: any Runtime, _ zygotes: any ProcessMaker, _ scopes: ScopeService, _ journal: any LoginGate,
    _ events: any EventBudget, isRoot: Bool
  ) {
    self.runtime = runtime
    self.zygotes = zygotes
    self.scopes = scopes
    self.journal = journal
    self.events = events
    self.isRoot = isRoot
  }

  /// The processes of logins.
  var processes: [Child] { logins.values.map(\.child) }

  // MARK: Before the login

  /// Starts a session process that reads the keys of an account. `session(.keys)` or `sessionFailed` follows.
  func lookUpKeys(of account: Account, _ paths: [String], for connection: UInt64) {
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

  /// The memory with the authorized_keys files of a connection; nil: none were read.
  func foundKeys(of connection: UInt64) -> Descriptor? { keys[connection] }

  /// Starts a process that reads an account as root. One `accountChecked` follows.
  func checkAccount(_ question: AccountQuestion, for connection: UInt64) {
    do throws(SystemError) {
      let child = try zygotes.make(nil)
      child.connection = connection
      checks[connection] = child
      runtime.send(SupervisorToSession.checkAccount(question), to: child)
    } catch {
      runtime.log(.error, "[\(connection)] shadow(5) cannot be read: \(error)")
      post(.accountChecked(nil), connection)
    }
  }

  /// Kills the process that reads the account, if there is one.
  func killCheck(of connection: UInt64) { checks.removeValue(forKey: connection)?.signal(SIGKILL) }

  private func start(_ account: Account, for connection: UInt64) throws(SystemError) -> Child {
    let identity = ForkIdentity(uid: account.uid, gid: account.gid, groups: account.groups)
    let child = try zygotes.make(isRoot ? identity : nil)
    child.connection = connection
    current[connection] = child
    return child
  }

  // MARK: The login

  /// Starts a login in a session process. ``SupervisorEvent/loginOpened(_:_:)``, `sessionRefused`, `journalRefused` or
  /// `sessionFailed` follows.
  ///
  /// - Parameters:
  ///   - promoting: true: in the process that read the keys.
  ///   - limit: the maximum number of simultaneous logins of the user.
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
      logins[child.number] = Process(child: child, isRoot: login.account.uid == 0)
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
      // Messages to it are still sent; its own messages are not read, as with other logins.
      if journal.isHolding { hold(child.number) }
    } catch {
      post(.sessionFailed("\(error)"), connection)
    }
  }

  /// True if a connection has a session process.
  func hasProcess(_ connection: UInt64) -> Bool { current[connection] != nil }

  /// Sets the subject of the login of a connection.
  func setSubject(_ subject: Subject, of connection: UInt64) {
    if let child = current[connection] { logins[child.number]?.subject = subject }
  }

  /// Lets a program of the login start when the last reported event is in the journal.
  func awaitStart(_ number: UInt64, of connection: UInt64) {
    guard let child = current[connection] else { return }
    journal.awaitStart(number, of: child, user: logins[child.number]?.subject.user ?? "")
  }

  /// Handles that the terminal of the login is in the login records, if possible.
  func enterTerminal(of connection: UInt64) {
    if let child = current[connection] { runtime.send(SupervisorToSession.terminalEntered, to: child) }
  }

  /// Kills the session process of a connection. Its end is no longer an event of the connection.
  func kill(of connection: UInt64) { current.removeValue(forKey: connection)?.signal(SIGKILL) }

  /// Handles that the transport is gone: a login hangs up by itself; a timer ensures that it ends.
  func end(of connection: UInt64) {
    guard let child = current[connection] else { return }
    guard logins[child.number] != nil else { return kill(of: connection) }
    guard runtime.children[child.number] != nil, !runtime.hasTimer(.kill(child.number)) else { return }
    runtime.setTimer(.kill(child.number), after: ProcessRuntime.endTime)
  }

  /// Reports an event after the last message of the login's process, or immediately if there is none.
  func recordAtEnd(_ fact: Fact, of subject: Subject, _ connection: UInt64) {
    if let child = current[connection], logins[child.number] != nil {
      logins[child.number]?.lastEvents.append((fact, subject))
    } else {
      events.record(fact, of: subject, connection)
    }
  }

  /// Handles the end of a connection. The process of its login may still send messages.
  func forget(_ connection: UInt64) {
    if let user = users.removeValue(forKey: connection) { counts.leave(user) }
    killCheck(of: connection)
    current[connection] = nil
    keys[connection] = nil
  }

  private func post(_ event: ConnectionMachine.Event, _ connection: UInt64) {
    runtime.post(.connection(event, of: connection))
  }

  // MARK: Backpressure and budgets

  /// Pauses all logins, because the journal is slow.
  func hold() { for number in logins.keys { hold(number) } }

  private func hold(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal else { return }
    if !login.isThrottled { runtime.pause(login.child) }
    logins[number]?.waitsForJournal = true
  }

  /// Resumes logins, because the journal keeps up again.
  func release() {
    for (number, login) in logins where login.waitsForJournal {
      logins[number]?.waitsForJournal = false
      resume(number)
    }
  }

  /// Resumes a login, unless it is paused for another reason.
  private func resume(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal, !login.isThrottled else { return }
    runtime.resume(login.child)
  }

  /// Pauses the login of a connection after it has reported events, if its user has used up the budget.
  func throttle(_ connection: UInt64, user: String?) {
    if let child = current[connection] { throttle(child, connection, user) }
  }

  /// Pauses a login, and announces that on its terminals and in the log. Root and rescue users
  /// (``LoginGate/isRescueUser(_:)``) are charged but never wait, because they may have to repair the server.
  private func throttle(_ child: Child, _ connection: UInt64, _ user: String?) {
    guard let user, let login = logins[child.number], !login.isThrottled, child.isOpen, !login.isRoot,
      !journal.isRescueUser(user)
    else { return }
    let wait = events.wait(for: user)
    guard wait > 0 else { return }
    if !login.waitsForJournal { runtime.pause(child) }
    logins[child.number]?.isThrottled = true
    runtime.setTimer(.throttle(child.number), after: wait)
    if logins[child.number]?.notices.pass(at: runtime.now) != nil {
      runtime.post(.announce(EventBudgets.announcement(wait), to: connection))
    }
    guard let others = lineThrottle.pass(at: runtime.now) else { return }
    let more = others > 0 ? " (\(others) more such lines left out)" : ""
    runtime.log(
      .warning,
      "\(user.quoted()) makes more events than the journal keeps for a day (audit.exporters[].rotate): its logins wait"
        + more)
  }

  /// Handles the end of a login's wait for its user's budget.
  func throttleEnds(_ number: UInt64) {
    logins[number]?.isThrottled = false
    resume(number)
  }

  // MARK: Messages of session processes

  /// Handles a message of a session process.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard let connection = child.connection else { return }
    if checks[connection] === child { return handleCheck(bytes, descriptors, connection) }
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
    case .facts(let batch): for fact in batch.facts { logins[child.number]?.commands.handle(fact) }
    case .starts(_, let fact):
      if logins[child.number] != nil, !commandStarts(fact, child) {
        return post(.sessionMisbehaved("told of a start that there cannot be"), connection)
      }
    case .note, .account, .terminal: break
    }
    post(.session(message), connection)
  }

  /// Handles the only message of a process that reads an account.
  private func handleCheck(_ bytes: [UInt8], _ descriptors: [Descriptor], _ connection: UInt64) {
    guard descriptors.isEmpty, case .account(let state)? = try? SessionToSupervisor(wireBytes: bytes[...]) else {
      runtime.log(.error, "[\(connection)] the process that reads shadow(5) sent something else: killed")
      killCheck(of: connection)
      return post(.accountChecked(nil), connection)
    }
    checks[connection] = nil
    post(.accountChecked(state), connection)
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
    case .note(let text): runtime.log(.info, "[\(connection)] session: \(text)")
    case .facts(let batch):
      for fact in batch.facts where fact.type.isToldInBatches {
        logins[child.number]?.commands.handle(fact)
        events.record(ConnectionMachine.told(fact), of: subject, connection)
      }
      throttle(child, connection, subject.user)
    case .starts(let start, let fact):
      guard commandStarts(fact, child) else { return }
      events.record(fact, of: subject, connection)
      journal.awaitStart(start, of: child, user: logins[child.number]?.subject.user ?? "")
      throttle(child, connection, subject.user)
    // Its terminals ended in the login records with the connection.
    case .keys, .account, .terminal, nil: return
    }
  }

  /// Handles that a program is about to start. False: the session process violates the protocol.
  private func commandStarts(_ fact: Fact, _ child: Child) -> Bool {
    fact.type == .commandStarted && logins[child.number]?.commands.start(fact) ?? false
  }

  // MARK: Ends

  /// Handles the end of a session process.
  func ended(_ child: Child, _ status: ExitStatus) {
    runtime.cancelTimer(.throttle(child.number))
    guard let connection = child.connection else { return }
    if checks[connection] === child {
      checks[connection] = nil
      runtime.log(.error, "[\(connection)] the process that reads shadow(5) \(status) without an answer")
      return post(.accountChecked(nil), connection)
    }
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
    var fact = Fact(.sessionLost, .error, .ssh)
    (fact.reason, fact.details) = (Reason(loss), login.commands.summary)
    logins[number]?.commands = UnfinishedCommands()
    events.record(fact, of: login.subject, login.child.connection)
  }

  /// Reports the last events of a login, after the last message of its process.
  private func recordLastEvents(of number: UInt64) {
    guard let login = logins[number] else { return }
    logins[number]?.lastEvents = []
    for (fact, subject) in login.lastEvents { events.record(fact, of: subject, login.child.connection) }
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
