import Audit
import Authentication
import Configuration
import IPC
import Model
import System

/// The session process of a connection: it reads the user's authorized_keys with the user's privileges, and may then
/// become the login.
struct ConnectionSession: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action

  private enum KeyFetch: Equatable {
    case none
    case running(paths: [String])
    /// `isAlive`: the process that read the files waits to become the login.
    case done([KeyFile], isAlive: Bool)
  }

  /// Time limit for reading a user's keys, in milliseconds.
  static let lookUpTime: Int64 = 10_000

  private var lookUp: KeyFetch = .none

  /// The files that were read, in the requested order; nil: not yet.
  var keyFiles: [KeyFile]? { if case .done(let files, _) = lookUp { files } else { nil } }

  // MARK: Keys

  /// Reads the keys of the account, if they are needed.
  mutating func fetchKeys(_ answer: AccountReply, _ settings: Settings) -> [Action] {
    let paths = answer.lookUpPaths
    guard settings.auth.methods.contains(.publicKey) && !paths.isEmpty else {
      lookUp = .done([], isAlive: false)
      return []
    }
    lookUp = .running(paths: paths)
    return [.setTimer(.lookUp, milliseconds: Self.lookUpTime), .startKeyFetch(answer.lookUp, paths: paths)]
  }

  /// Handles that the process has read the files.
  ///
  /// - Throws: `ProtocolViolation` when it was not asked to, or has read other files.
  mutating func read(_ files: [KeyFile]) throws(ProtocolViolation) -> [Action] {
    guard case .running(let paths) = lookUp else { throw ProtocolViolation("answered without a question") }
    guard files.map(\.path) == paths else { throw ProtocolViolation("answered about other files") }
    let problems = files.compactMap { file in
      file.problem.map { problem in
        // Most users do not have all of the configured files.
        Action.log(problem == "no such file" ? .debug : .warning, "\(file.path) is not used: \(problem)")
      }
    }
    return problems + end(files, isAlive: true)
  }

  /// Handles that the process could not be started.
  mutating func lookUpFailed(_ why: String) -> [Action] {
    guard case .running = lookUp else { return [] }
    return [.log(.error, "authorized_keys could not be looked up: \(why)")] + end([], isAlive: false)
  }

  /// Handles that the process exceeded its time limit, for instance because of a hanging home directory.
  mutating func lookUpTimedOut() -> [Action] {
    guard case .running = lookUp else { return [] }
    return [.log(.warning, "authorized_keys could not be read within \(Self.lookUpTime / 1000) s"), .killSession]
      + end([], isAlive: false)
  }

  /// Handles the end of the process. Files that it has read are still used.
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

  /// Opens the login of `user` as `account`. The process that read the keys becomes the login if it has the same
  /// privileges.
  mutating func open(
    _ account: Account, of user: String, _ answer: AccountReply, _ permissions: KeyPermissions,
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
    let blocks = settings.matching(context.attempt(user, answer))
    let rights = TransferRights(
      settings, user: user, home: account.home, shell: account.shellKind, blocks: blocks,
      keyCommand: permissions.forcedCommand,
      isRoot: answer.systemName != nil)
    if account.shellKind == .unlisted {
      actions.append(.warnOnce("the shell \(account.shell) is not listed in /etc/shells: see shells(5)"))
    }
    for root in rights.impossibleRoots {
      actions.append(
        .log(.warning, "no files for \(user.quoted()): the root \(root) means no directory for this login"))
    }
    var login = Login(
      settings, rights, account: account, permissions: permissions, blocks: blocks,
      client: (context.client.host, context.client.port), server: (context.server.host, context.server.port))
    login.keepsRecords = settings.audit.loginRecords
    return actions + [.openSession(login, promoting: promoting)]
  }
}

extension Account {
  /// True if processes of both accounts have the same privileges.
  fileprivate func hasSameRights(as other: Account) -> Bool {
    uid == other.uid && gid == other.gid && groups == other.groups
  }
}
