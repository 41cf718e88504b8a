import Audit
import Glibc
import IPC
import Model
import System
import Wire

/// Who may start something now. What a service needs of ``JournalService`` to open logins.
protocol LoginGate: JournalPressure {
  /// Whether this user may log in or start a program now, as far as the journal is concerned.
  func admits(_ user: String) -> Bool
  /// True for those whom `audit.rescue_users` lets in to mend the server.
  func isRescueUser(_ name: String) -> Bool
  /// Lets a session process start a program once what was added last is in the journal.
  func awaitStart(_ number: UInt64, of session: Child, user: String)
}

/// Reports events of logins, and knows who reports too many. What a service needs of ``AuditService`` for that.
protocol EventBudget: EventLog {
  /// The milliseconds that logins of a user have to wait, for they have used up the budget of events; 0: none.
  func wait(for user: String) -> Int64
}

/// Starts and ends session processes: for the look-up of keys and accounts, and for logins.
final class SessionService {
  /// A session process that has a login.
  private struct Process {
    let child: Child
    /// It has root's rights: it never waits for a budget, for it could change the journal all the same.
    let isRoot: Bool
    /// Whose login it is, once that is known.
    var subject = Subject()
    /// The programs without an end.
    var commands = UnfinishedCommands()
    /// What is to be recorded once this process, which outlives its connection, has told everything.
    var lastEvents: [(fact: Fact, subject: Subject)] = []
    /// It waits because the journal is slow.
    var waitsForJournal = false
    /// It waits because its user has used up the budget of events.
    var isThrottled = false
    /// For what its terminals are told of such a wait.
    var notices = LogThrottle(interval: 60_000)
  }

  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  private let scopes: ScopeService
  private let journal: any LoginGate
  private let events: any EventBudget
  /// False: all processes are the daemon's user's.
  private let isRoot: Bool
  /// By the numbers of the processes.
  private var logins: [UInt64: Process] = [:]
  /// The process that each connection has for its keys or its login.
  private var current: [UInt64: Child] = [:]
  /// The process that looks the account up in shadow(5), by connection.
  private var checks: [UInt64: Child] = [:]
  /// The authorized_keys that were found, by connection; sealed once they are.
  private var keys: [UInt64: Descriptor] = [:]
  /// Whose login a connection is, as far as it counts.
  private var users: [UInt64: String] = [:]
  private var counts = SessionCounts()
  /// For lines about budgets.
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

  /// Starts a session process that reads an account's keys. `session(.keys)` or `sessionFailed` follows.
  func lookUpKeys(of account: Account, _ paths: [String], for connection: UInt64) {
    do throws(SystemError) {
      // Made here, and sealed when it is written: the process that writes is the user's.
      let memory = try Descriptor.memory(name: "authorized_keys", size: KeyFile.totalLimit)
      let child = try start(account, for: connection)
      keys[connection] = memory
      runtime.send(SupervisorToSession.lookUp(paths: paths, home: account.home), [memory], to: child)
    } catch {
      post(.sessionFailed("\(error)"), connection)
    }
  }

  /// The authorized_keys that were found for a connection.
  func foundKeys(of connection: UInt64) -> Descriptor? { keys[connection] }

  /// Starts a process that looks an account up, and stays root for that. `accountChecked` follows, once.
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

  /// Kills the process that reads shadow(5), if there is one.
  func killCheck(of connection: UInt64) { checks.removeValue(forKey: connection)?.signal(SIGKILL) }

  private func start(_ account: Account, for connection: UInt64) throws(SystemError) -> Child {
    let identity = ForkIdentity(uid: account.uid, gid: account.gid, groups: account.groups)
    let child = try zygotes.make(isRoot ? identity : nil)
    child.connection = connection
    current[connection] = child
    return child
  }

  // MARK: The login

  /// Gives a login to a session process. ``SupervisorEvent/loginOpened(_:_:)`` follows, or `sessionRefused`,
  /// `journalRefused` or `sessionFailed`.
  ///
  /// - Parameters:
  ///   - promoting: in the process that looked the keys up.
  ///   - limit: logins that the user may have.
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
      // Messages to it go on; those of it wait as others do.
      if journal.isHolding { hold(child.number) }
    } catch {
      post(.sessionFailed("\(error)"), connection)
    }
  }

  /// True when a connection has a session process.
  func hasProcess(_ connection: UInt64) -> Bool { current[connection] != nil }

  /// It is known whose login a connection is.
  func setSubject(_ subject: Subject, of connection: UInt64) {
    if let child = current[connection] { logins[child.number]?.subject = subject }
  }

  /// The login's program may start once what was recorded last is in the journal.
  func awaitStart(_ number: UInt64, of connection: UInt64) {
    guard let child = current[connection] else { return }
    journal.awaitStart(number, of: child, user: logins[child.number]?.subject.user ?? "")
  }

  /// The login records have the login's terminal, as far as they can.
  func enterTerminal(of connection: UInt64) {
    if let child = current[connection] { runtime.send(SupervisorToSession.terminalEntered, to: child) }
  }

  /// Kills the session process of a connection; its end says nothing about the connection any more.
  func kill(of connection: UInt64) { current.removeValue(forKey: connection)?.signal(SIGKILL) }

  /// The transport is gone: a login hangs up by itself, in time.
  func end(of connection: UInt64) {
    guard let child = current[connection] else { return }
    guard logins[child.number] != nil else { return kill(of: connection) }
    guard runtime.children[child.number] != nil, !runtime.hasTimer(.kill(child.number)) else { return }
    runtime.setTimer(.kill(child.number), after: ProcessRuntime.endTime)
  }

  /// Records an event once the process of the login has told what it has to tell, if it is there.
  func recordAtEnd(_ fact: Fact, of subject: Subject, _ connection: UInt64) {
    if let child = current[connection], logins[child.number] != nil {
      logins[child.number]?.lastEvents.append((fact, subject))
    } else {
      events.record(fact, of: subject, connection)
    }
  }

  /// A connection is over; the process of its login may have more to tell.
  func forget(_ connection: UInt64) {
    if let user = users.removeValue(forKey: connection) { counts.leave(user) }
    killCheck(of: connection)
    current[connection] = nil
    keys[connection] = nil
  }

  private func post(_ event: ConnectionMachine.Event, _ connection: UInt64) {
    runtime.post(.connection(event, of: connection))
  }

  // MARK: Who has to wait

  /// The journal is slow: no login is listened to.
  func hold() { for number in logins.keys { hold(number) } }

  private func hold(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal else { return }
    if !login.isThrottled { runtime.pause(login.child) }
    logins[number]?.waitsForJournal = true
  }

  /// The journal keeps up again.
  func release() {
    for (number, login) in logins where login.waitsForJournal {
      logins[number]?.waitsForJournal = false
      resume(number)
    }
  }

  /// Listens again to a login that waited, unless it has another reason to wait.
  private func resume(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal, !login.isThrottled else { return }
    runtime.resume(login.child)
  }

  /// A connection's login has told events: it waits when its user has used up the budget.
  func throttle(_ connection: UInt64, user: String?) {
    if let child = current[connection] { throttle(child, connection, user) }
  }

  /// Says so on the terminals of the login and in the log. Those who may have to mend the server are charged and never
  /// wait: root and ``LoginGate/isRescueUser(_:)``.
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

  /// A login has waited for its user's budget.
  func throttleEnds(_ number: UInt64) {
    logins[number]?.isThrottled = false
    resume(number)
  }

  // MARK: What session processes say

  /// A message of a session process.
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

  /// The message of the process that reads shadow(5): the only one.
  private func handleCheck(_ bytes: [UInt8], _ descriptors: [Descriptor], _ connection: UInt64) {
    guard descriptors.isEmpty, case .account(let state)? = try? SessionToSupervisor(wireBytes: bytes[...]) else {
      runtime.log(.error, "[\(connection)] the process that reads shadow(5) sent something else: killed")
      killCheck(of: connection)
      return post(.accountChecked(nil), connection)
    }
    checks[connection] = nil
    post(.accountChecked(state), connection)
  }

  /// Nobody changes what was looked up any more. Returns what the process did that it may not do.
  private func sealKeys(_ files: [KeyFile], _ connection: UInt64) -> String? {
    let total = files.reduce(0) { $0 + Int($1.length) }
    guard total <= KeyFile.totalLimit else { return "told of more keys than there can be" }
    guard let memory = keys[connection] else { return "answered without a question" }
    do throws(SystemError) { try memory.seal() } catch {
      return "has its hands on the keys that it looked up: \(error)"
    }
    return nil
  }

  /// A login whose connection is over hangs up what it runs, and tells what came of it.
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
    // Its terminals have ended in the login records with the connection.
    case .keys, .account, .terminal, nil: return
    }
  }

  /// A session process says that a program is about to start. False: it may not say so.
  private func commandStarts(_ fact: Fact, _ child: Child) -> Bool {
    fact.type == .commandStarted && logins[child.number]?.commands.start(fact) ?? false
  }

  // MARK: Ends

  /// A session process has ended.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard let connection = child.connection else { return }
    if checks[connection] === child {
      checks[connection] = nil
      runtime.log(.error, "[\(connection)] the process that reads shadow(5) \(status) without an answer")
      return post(.accountChecked(nil), connection)
    }
    // After a hand-over it is not known how a process ended: what it has told says whether it ended well.
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

  /// The process of a login is gone: unless it ended well and told of all ends, the journal hears of it.
  private func recordLoss(of number: UInt64, _ loss: SessionLoss, isExpected: Bool) {
    guard let login = logins[number], !(isExpected && login.commands.isEmpty) else { return }
    var fact = Fact(.sessionLost, .error, .ssh)
    (fact.reason, fact.details) = (Reason(loss), login.commands.summary)
    logins[number]?.commands = UnfinishedCommands()
    events.record(fact, of: login.subject, login.child.connection)
  }

  /// A login is over, now that its process has told everything.
  private func recordLastEvents(of number: UInt64) {
    guard let login = logins[number] else { return }
    logins[number]?.lastEvents = []
    for (fact, subject) in login.lastEvents { events.record(fact, of: subject, login.child.connection) }
  }

  /// The daemon ends, and nothing more is heard of logins.
  func recordAllEnds() {
    for number in logins.keys.sorted() {
      recordLoss(of: number, .shutDown, isExpected: true)
      recordLastEvents(of: number)
    }
  }
}

extension SessionLoss {
  /// - Parameters:
  ///   - status: how the process ended.
  ///   - isOurs: the daemon sent it a signal before.
  init(_ status: ExitStatus, isOurs: Bool) {
    switch status {
    case .signal where isOurs: self = .endedByDaemon
    case .signal: self = .killed
    case .code, .unknown: self = .ended
    }
  }
}
