import Audit
import Authentication
import Configuration
import IPC
import Model
import System

/// The session process of a connection: it reads the user's authorized_keys with the user's rights, and may then become
/// the login.
struct ConnectionSession: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action

  private enum KeyLookUp: Equatable {
    case none
    case running(paths: [String])
    /// `isAlive`: the process that read them waits to become the login.
    case done([KeyFile], isAlive: Bool)
  }

  /// Milliseconds that reading a user's keys may take.
  static let lookUpTime: Int64 = 10_000

  private var lookUp: KeyLookUp = .none

  /// The files that were read, in the order in which they were asked for; nil: not yet.
  var keyFiles: [KeyFile]? { if case .done(let files, _) = lookUp { files } else { nil } }

  // MARK: Keys

  /// The account is known: reads its keys, when keys can matter.
  mutating func lookUpKeys(_ answer: AccountAnswer, _ settings: Settings) -> [Action] {
    let paths = answer.lookUpPaths
    guard settings.auth.methods.contains(.publicKey) && !paths.isEmpty else {
      lookUp = .done([], isAlive: false)
      return []
    }
    lookUp = .running(paths: paths)
    return [.setTimer(.lookUp, milliseconds: Self.lookUpTime), .startLookUp(answer.lookUp, paths: paths)]
  }

  /// The process has read the files.
  ///
  /// - Throws: when it was not asked, or answers about other files.
  mutating func read(_ files: [KeyFile]) throws(ProtocolViolation) -> [Action] {
    guard case .running(let paths) = lookUp else { throw ProtocolViolation("answered without a question") }
    guard files.map(\.path) == paths else { throw ProtocolViolation("answered about other files") }
    let problems = files.compactMap { file in
      file.problem.map { problem in
        // Most users have one of the files that the configuration allows, not all.
        Action.log(problem == "no such file" ? .debug : .warning, "\(file.path) is not used: \(problem)")
      }
    }
    return problems + end(files, isAlive: true)
  }

  /// The process could not be started.
  mutating func lookUpFailed(_ why: String) -> [Action] {
    guard case .running = lookUp else { return [] }
    return [.log(.error, "authorized_keys could not be looked up: \(why)")] + end([], isAlive: false)
  }

  /// The process takes too long: a home directory that hangs, for instance.
  mutating func lookUpTimedOut() -> [Action] {
    guard case .running = lookUp else { return [] }
    return [.log(.warning, "authorized_keys could not be read within \(Self.lookUpTime / 1000) s"), .killSession]
      + end([], isAlive: false)
  }

  /// The process has ended, or was killed. What it has read still counts.
  mutating func lookUpLost() -> [Action] {
    switch lookUp {
    case .none: return []
    case .running: return end([], isAlive: false)
    case .done(let files, _):
      lookUp = .done(files, isAlive: false)
      return []
    }
  }

  private mutating func end(_ files: [KeyFile], isAlive: Bool) -> [Action] {
    lookUp = .done(files, isAlive: isAlive)
    return [.cancelTimer(.lookUp)]
  }

  // MARK: The login

  /// The login of `user` as `account` is granted: the process that read the keys becomes it, if it has the same rights.
  mutating func open(
    _ account: Account, of user: String, _ answer: AccountAnswer, _ permissions: KeyPermissions,
    _ context: ConnectionMachine.Context
  ) -> [Action] {
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
    let settings = context.settings
    let rights = TransferRights(
      settings, user: user, home: account.home, shell: account.shellKind,
      blocks: settings.matching(context.applicant(user, answer)), keyCommand: permissions.forcedCommand,
      isRoot: answer.systemName != nil)
    if account.shellKind == .unlisted {
      actions.append(.warnOnce("the shell \(account.shell) is not listed in /etc/shells: see shells(5)"))
    }
    for root in rights.impossibleRoots {
      actions.append(
        .log(.warning, "no files for \(user.quoted()): the root \(root) means no directory for this login"))
    }
    var login = Login(
      settings, rights, account: account, permissions: permissions,
      client: (context.client.host, context.client.port), server: (context.server.host, context.server.port))
    login.keepsRecords = settings.audit.loginRecords
    return actions + [.openSession(login, promoting: promoting)]
  }
}

extension Account {
  /// True when a process of one account has the rights of the other.
  fileprivate func hasSameRights(as other: Account) -> Bool {
    uid == other.uid && gid == other.gid && groups == other.groups
  }
}
