import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import Glibc
import IPC
import System

/// Knows who users are: those of the configuration, and, run as root, the system's accounts.
struct UserDirectory {
  private let settings: Settings
  private let users: [[UInt8]: Settings.User]
  private let groupPatterns: [NamePattern]
  private let singleUser: UInt32?
  private let accounts: any AccountSource

  /// A user's look-up account when there is no such user: one that owns nothing.
  private static let nobody = "nobody"

  /// `singleUser`: see ``AuthorityStart/singleUser``.
  init(settings: Settings, singleUser: UInt32?, accounts: any AccountSource) {
    self.settings = settings
    users = settings.auth.users.reduce(into: [:]) { $0[Array($1.name.utf8)] = $1 }
    groupPatterns = settings.groupPatterns
    self.singleUser = singleUser
    self.accounts = accounts
  }

  /// Who `name` is, who comes from `address`; an answer of the same form for names that nobody has.
  func answer(_ name: String, from address: IPAddress) -> AccountAnswer {
    var answer = accountAnswer(name, from: address)
    answer.noLogins = accounts.noLogins()
    return answer
  }

  private func accountAnswer(_ name: String, from address: IPAddress) -> AccountAnswer {
    // Asked for every name, so that an unknown one takes no less.
    let decoy = decoyAccount()
    let user = users[Array(name.utf8)]
    var groups: Set<NamePattern> = []
    do throws(AccountRefusal) {
      let system = try systemAccount(name, user)
      groups = try patterns(matching: system.groups, of: user)
      let settings = settings.effective(for: Applicant(user: name, address: address, groups: groups))
      let account = try account(name, user, system, defaultShell: settings.shell.defaultShell)
      // Not as root everybody is the one user, whose file it is.
      let paths =
        singleUser == nil
        ? KeyPaths(settings.auth, otherThan: system.name, home: system.home) : KeyPaths(settings.auth)
      return AccountAnswer(
        login: account, refusal: nil, lookUp: account, keyPaths: paths.paths(user: name, home: account.home),
        principalsPath: paths.principalsPath(user: name, home: account.home), groups: texts(groups),
        systemName: singleUser == nil ? system.name : nil)
    } catch {
      if groups.isEmpty { _ = try? patterns(matching: decoy.groups, of: nil) }
      let settings = settings.effective(for: Applicant(user: name, address: address, groups: groups))
      // The name itself may be one that never gets into a path; the number of paths must not tell.
      let paths = KeyPaths(settings.auth).paths(user: Self.nobody, home: decoy.home)
      return AccountAnswer(
        login: nil, refusal: error, lookUp: decoy, keyPaths: paths,
        principalsPath: KeyPaths(settings.auth).principalsPath(user: Self.nobody, home: decoy.home),
        groups: texts(groups), systemName: singleUser == nil ? Self.nobody : nil)
    }
  }

  private func texts(_ patterns: Set<NamePattern>) -> [String] {
    groupPatterns.filter(patterns.contains).map(\.description)
  }

  /// The patterns of the configuration that match a group of the account, or one that the configuration gives the user.
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
      environment: user?.environment.map { EnvironmentVariable(name: $0.name, value: $0.value) } ?? [])
  }

  private func systemAccount(_ name: String, _ user: Settings.User?) throws(AccountRefusal) -> SystemAccount {
    do throws(AccountError) {
      guard let singleUser else { return try accounts.account(named: user?.runAs ?? name) }
      do throws(AccountError) {
        let own = try accounts.account(uid: singleUser)
        // Beside configured users, who started the daemon: whatever they can do, they can do without it.
        guard user != nil || own.name.utf8.elementsEqual(name.utf8) else { throw .unknown }
        return own
      } catch {
        if user == nil { throw .unknown }
        // A container's user id often has no account: what it needs is in the configuration.
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
