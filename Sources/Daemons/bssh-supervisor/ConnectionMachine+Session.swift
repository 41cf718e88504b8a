import Audit
import Authentication
import Configuration
import IPC
import System

extension ConnectionMachine {
  /// The login is granted: asks for its session.
  mutating func open() -> [Action] {
    guard case .known(let answer) = identity, let account = answer.login else {
      return end(reason: 11, "Internal error", log: .internalError)
    }
    phase = .opening
    conduct.isExcused = true
    var actions: [Action] = [.cancelTimer(.lookUp)]
    var promoting = false
    switch lookUp {
    case .none, .done(_, isAlive: false): break
    case .running: actions.append(.killSession)
    case .done(_, isAlive: true):
      promoting = answer.lookUp.hasSameRights(as: account)
      if !promoting { actions.append(.killSession) }
    }
    lookUp = .none
    let user = authentication.user ?? account.name
    let rights = TransferRights(
      context.settings, user: user, home: account.home, shell: account.shellKind,
      blocks: context.settings.matching(context.applicant(user, answer)), keyCommand: permissions.forcedCommand,
      isRoot: answer.systemName != nil)
    if account.shellKind == .unlisted {
      actions.append(.warnOnce("the shell \(account.shell) is not listed in /etc/shells: see shells(5)"))
    }
    for root in rights.impossibleRoots {
      actions.append(
        .log(.warning, "no files for \(user.quoted()): the root \(root) means no directory for this login"))
    }
    var login = Login(
      context.settings, rights, account: account, permissions: permissions,
      client: (context.client.host, context.client.port), server: (context.server.host, context.server.port))
    login.keepsRecords = context.settings.audit.loginRecords
    return actions + prepareRecording(user) + [.openSession(login, promoting: promoting)]
  }

  /// The session process has the login, and the transport knows.
  mutating func sessionOpened(_ id: EventID) -> [Action] {
    guard phase == .opening, case .known(let answer) = identity, let account = answer.login else { return [] }
    phase = .loggedIn
    loginTime = now
    subject.sessionID = id
    return [.cancelTimer(.loginGrace)] + loggedIn(account) + [.note(.loggedIn(failures: conduct.failures))]
      + startLimits()
  }

  /// Logins that this user has at a time.
  var sessionLimit: Int { context.settings.sessionLimit(of: authentication.user ?? "") }

  /// The user has as many logins as there may be.
  mutating func sessionRefused(_ open: Int) -> [Action] {
    guard phase == .opening else { return [] }
    // RFC 4253, section 11.1: too many connections.
    return [notOpened(.tooManySessions, .denied, "\(open) are open")]
      + end(
        reason: 12, "There are \(open) logins of this user, and no more are allowed (\(CloseReason.tooManySessions))",
        log: .tooManySessions)
  }

  /// Events cannot be written, and `audit.on_failure` says that then nobody logs in, but some.
  mutating func journalRefused() -> [Action] {
    guard phase == .opening else { return [] }
    return [notOpened(.auditUnavailable, .denied, "events cannot be written")]
      + end(
        reason: 11, "No login is possible now, because it could not be recorded (\(CloseReason.auditUnavailable))",
        log: .auditUnavailable)
  }

  /// A session process could not be started.
  mutating func sessionFailed(_ why: String, at now: Int64) -> [Action] {
    switch phase {
    case .starting, .keyExchange, .loggedIn, .closing:
      return []
    case .authenticating:
      guard lookUp == .running else { return [] }
      return [.log(.error, "authorized_keys could not be looked up: \(why)")] + found([], isAlive: false, at: now)
    case .opening:
      return [notOpened(.sessionNotStarted, .error, why)]
        + end(reason: 11, "The session could not be started", log: .sessionNotStarted)
    }
  }

  /// What a session process says.
  mutating func session(_ message: SessionToSupervisor, at now: Int64) -> [Action] {
    switch (phase, message) {
    case (.authenticating, .keys(let files)):
      guard lookUp == .running, let answer = accountAnswer else {
        return sessionMisbehaved("answered without a question", at: now)
      }
      guard files.map(\.path) == answer.lookUpPaths else {
        return sessionMisbehaved("answered about other files", at: now)
      }
      return files.compactMap { file in
        file.problem.map { problem in
          // Most users have one of the files that the configuration allows, not all.
          .log(problem == "no such file" ? .debug : .warning, "\(file.path) is not used: \(problem)")
        }
      } + found(files, isAlive: true, at: now)
    // Named, so that no session can write a line that looks like ours.
    case (.loggedIn, .note(let text)), (.closing, .note(let text)):
      return [.log(.info, "session: \(text)")]
    case (.loggedIn, .facts(let batch)), (.closing, .facts(let batch)):
      guard batch.facts.allSatisfy(\.type.isToldInBatches) else {
        return sessionMisbehaved("told what it cannot know", at: now)
      }
      return batch.facts.map { .audit(Self.told($0), subject) }
    case (.loggedIn, .starts(let number, let fact)), (.closing, .starts(let number, let fact)):
      return [.audit(fact, subject), .awaitStart(number)]
    case (.authenticating, .starts), (.opening, .starts): return sessionMisbehaved("spoke out of turn", at: now)
    case (.starting, .starts), (.keyExchange, .starts): return []
    case (.loggedIn, .terminal(let use)): return terminal(use, at: now)
    // With the connection all of its terminals have ended in the login records.
    case (.closing, .terminal): return []
    case (.authenticating, .terminal), (.opening, .terminal): return sessionMisbehaved("spoke out of turn", at: now)
    case (.starting, .terminal), (.keyExchange, .terminal): return []
    case (.authenticating, .note), (.opening, .note), (.opening, .keys), (.loggedIn, .keys),
      (.authenticating, .account), (.opening, .account), (.loggedIn, .account), (.authenticating, .facts),
      (.opening, .facts):
      return sessionMisbehaved("spoke out of turn", at: now)
    case (.closing, .account), (.starting, .account), (.keyExchange, .account): return []
    case (.starting, .facts), (.keyExchange, .facts): return []
    case (.closing, .keys), (.starting, .keys), (.starting, .note), (.keyExchange, .keys), (.keyExchange, .note):
      return []
    }
  }

  /// The session process did what it may not do: it ends, and a login with it.
  mutating func sessionMisbehaved(_ what: String, at now: Int64) -> [Action] {
    let actions: [Action] = [suspicious(.sessionMisbehaved, "its session process \(what)", .error), .killSession]
    switch phase {
    case .starting, .keyExchange: return []
    case .closing: return actions
    case .authenticating:
      return actions + lost(at: now)
    case .opening, .loggedIn:
      return actions + end(reason: 11, "The session ended", log: .sessionMisbehaved)
    }
  }

  /// The session process has ended.
  mutating func sessionEnded(_ status: ExitStatus, at now: Int64) -> [Action] {
    let level: Log.Level = status == .code(0) || status == .unknown ? .debug : .warning
    let log = Action.log(level, "its session process \(status)")
    switch phase {
    case .starting, .keyExchange: return []
    case .closing: return [log]
    case .authenticating: return [log] + lost(at: now)
    case .opening, .loggedIn:
      return [log] + end(reason: 11, "The session ended", log: .sessionEnded)
    }
  }

  /// A look-up takes too long: a home that hangs, for instance.
  mutating func lookUpTimedOut(at now: Int64) -> [Action] {
    guard lookUp == .running else { return [] }
    return [.log(.warning, "authorized_keys could not be read within \(Self.lookUpTime / 1000) s"), .killSession]
      + found([], isAlive: false, at: now)
  }

  /// The process that looks keys up is gone.
  private mutating func lost(at now: Int64) -> [Action] {
    switch lookUp {
    case .none: return []
    case .running: return found([], isAlive: false, at: now)
    case .done(let files, _):
      lookUp = .done(files, isAlive: false)
      return []
    }
  }

  private mutating func found(_ files: [KeyFile], isAlive: Bool, at now: Int64) -> [Action] {
    lookUp = .done(files, isAlive: isAlive)
    return [.cancelTimer(.lookUp)] + judge()
  }
}

extension Account {
  /// True when a process of one is a process of the other.
  func hasSameRights(as other: Account) -> Bool { uid == other.uid && gid == other.gid && groups == other.groups }
}
