import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import Glibc
import IPC
import Model
import System

/// Looks up users: those in the configuration and, if the daemon runs as root, the system's accounts.
struct UserDirectory {
  private let settings: Settings
  private let users: [[UInt8]: Settings.User]
  private let groupPatterns: [NamePattern]
  private let singleUser: UInt32?
  private let accounts: any AccountSource

  /// The account that reads key files on behalf of an unknown user. It owns nothing.
  private static let nobody = "nobody"

  /// - Parameter singleUser: see ``AuthorityStart/singleUser``.
  init(settings: Settings, singleUser: UInt32?, accounts: any AccountSource) {
    self.settings = settings
    users = settings.auth.users.reduce(into: [:]) { $0[Array($1.name.utf8)] = $1 }
    groupPatterns = settings.groupPatterns
    self.singleUser = singleUser
    self.accounts = accounts
  }

  /// Looks up `name` for a client at `address`. The answer for an unknown name has the same form as for a known one.
  func lookUp(_ name: String, from address: IPAddress) -> AccountReply {
    var answer = accountReply(name, from: address)
    answer.noLogins = accounts.noLogins()
    return answer
  }

  private func accountReply(_ name: String, from address: IPAddress) -> AccountReply {
    // Always looked up, so that an unknown name does not take less time.
    let decoy = decoyAccount()
    let user = users[Array(name.utf8)]
    var groups: Set<NamePattern> = []
    do throws(AccountRefusal) {
      let system = try systemAccount(name, user)
      groups = try patterns(matching: system.groups, of: user)
      let settings = settings.effective(for: LoginAttempt(user: name, address: address, groups: groups))
      let account = try account(name, user, system, defaultShell: settings.shell.defaultShell)
      // If the daemon does not run as root, all logins are the same user, who owns the files.
      let paths =
        singleUser == nil
        ? KeyPaths(settings.auth, otherThan: system.name, home: system.home) : KeyPaths(settings.auth)
      return AccountReply(
        login: account, refusal: nil, lookUp: account, keyPaths: paths.paths(user: name, home: account.home),
        principalsPath: paths.principalsPath(user: name, home: account.home), groups: texts(groups),
        systemName: singleUser == nil ? system.name : nil)
    } catch {
      if groups.isEmpty { _ = try? patterns(matching: decoy.groups, of: nil) }
      let settings = settings.effective(for: LoginAttempt(user: name, address: address, groups: groups))
      // The name must not become part of a path if it is not valid. The number of paths is the same as for known users.
      let paths = KeyPaths(settings.auth).paths(user: Self.nobody, home: decoy.home)
      return AccountReply(
        login: nil, refusal: error, lookUp: decoy, keyPaths: paths,
        principalsPath: KeyPaths(settings.auth).principalsPath(user: Self.nobody, home: decoy.home),
        groups: texts(groups), systemName: singleUser == nil ? Self.nobody : nil)
    }
  }

  private func texts(_ patterns: Set<NamePattern>) -> [String] {
    groupPatterns.filter(patterns.contains).map(\.description)
  }

  /// The patterns in the configuration that match a group of the account, or a group that the configuration assigns to
  /// the user.
  private func patterns(
    matching groups: [UInt32], of user: Settings.User?
  ) throws(AccountRefusal) -> Set<NamePattern> {
    var found: Set<NamePattern> = []
    do throws(AccountError) { found = try accounts.patterns(groupPatterns, matching: groups) } catch {
      throw .lookUpFailed
    }
    for group in user?.groups ?? [] { found.formUnion(groupPatterns.filter { $0.matches(group) }) }
    return found
  }

  private func account(
    _ name: String, _ user: Settings.User?, _ system: SystemAccount, defaultShell: String
  ) throws(AccountRefusal) -> Account {
    let shell = user?.shell ?? (system.shell.isEmpty ? defaultShell : system.shell)
    guard accounts.isExecutable(shell) else { throw .badShell }
    return Account(
      name: name, uid: system.uid, gid: system.gid, groups: system.groups, home: user?.home ?? system.home,
      shell: shell, shellKind: accounts.kind(ofShell: shell),
      environment: user?.environment ?? [])
  }

  private func systemAccount(_ name: String, _ user: Settings.User?) throws(AccountRefusal) -> SystemAccount {
    do throws(AccountError) {
      guard let singleUser else { return try accounts.account(named: user?.runAs ?? name) }
      do throws(AccountError) {
        let own = try accounts.account(uid: singleUser)
        // Besides configured users, the user who started the daemon can log in, because that grants nothing new.
        guard user != nil || own.name.utf8.elementsEqual(name.utf8) else { throw .unknown }
        return own
      } catch {
        if user == nil { throw .unknown }
        // The user ID of a container often has no account; the configuration then provides what is needed.
        guard error == .unknown else { throw error }
        return SystemAccount(name: name, uid: singleUser, gid: getgid(), groups: [getgid()], home: "/", shell: "")
      }
    } catch {
      switch error {
      case .unknown: throw user == nil ? .noSuchUser : .noSuchAccount
      case .failed: throw .lookUpFailed
      case .tooManyGroups: throw .tooManyGroups
      }
    }
  }

  private func decoyAccount() -> Account {
    let nobody = try? accounts.account(named: Self.nobody)
    let id = singleUser ?? nobody?.uid ?? 65534
    let gid = singleUser == nil ? nobody?.gid ?? 65534 : getgid()
    return Account(
      name: Self.nobody, uid: id, gid: gid, groups: [gid], home: KeyPaths.noHome, shell: settings.shell.defaultShell)
  }
}
