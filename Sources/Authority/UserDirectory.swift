import Configuration
import Glibc
import IPC

/// Knows who users are: those of the configuration, and, run as root, the system's accounts.
struct UserDirectory {
  private let users: [[UInt8]: Settings.User]
  private let defaultShell: String
  private let keyPaths: KeyPaths
  private let singleUser: UInt32?
  private let accounts: any AccountSource

  /// A user's look-up account when there is no such user: one that owns nothing, and a home that is not there.
  private static let nobody = "nobody"
  private static let noHome = "/nonexistent"

  /// `singleUser`: see ``AuthorityStart/singleUser``.
  init(settings: Settings, singleUser: UInt32?, accounts: any AccountSource) {
    users = settings.auth.users.reduce(into: [:]) { $0[Array($1.name.utf8)] = $1 }
    defaultShell = settings.shell.defaultShell
    keyPaths = KeyPaths(
      directory: settings.auth.authorizedKeysDirectory, pattern: settings.auth.authorizedKeysPattern,
      principalsPattern: settings.auth.authorizedPrincipalsPattern)
    self.singleUser = singleUser
    self.accounts = accounts
  }

  /// Who `name` is; an answer of the same form for names that nobody has.
  func answer(_ name: String) -> AccountAnswer {
    // Asked for every name, so that an unknown one takes no less.
    let decoy = decoyAccount()
    do throws(Refusal) {
      let account = try account(name)
      return AccountAnswer(
        login: account, refusal: nil, lookUp: account, keyPaths: keyPaths.paths(user: name, home: account.home),
        principalsPath: keyPaths.principalsPath(user: name, home: account.home))
    } catch {
      // The name itself may be one that never gets into a path; the number of paths must not tell.
      let paths = keyPaths.paths(user: Self.nobody, home: decoy.home)
      return AccountAnswer(
        login: nil, refusal: error.rawValue, lookUp: decoy, keyPaths: paths,
        principalsPath: keyPaths.principalsPath(user: Self.nobody, home: decoy.home))
    }
  }

  private enum Refusal: String, Error {
    case noSuchUser = "no_such_user"
    case noSuchAccount = "no_such_account"
    case badShell = "bad_shell"
    case tooManyGroups = "too_many_groups"
    case lookUpFailed = "lookup_failed"
  }

  private func account(_ name: String) throws(Refusal) -> Account {
    let user = users[Array(name.utf8)]
    let system = try systemAccount(name, user)
    let shell = user?.shell ?? (system.shell.isEmpty ? defaultShell : system.shell)
    guard accounts.isExecutable(shell) else { throw .badShell }
    return Account(
      name: name, uid: system.uid, gid: system.gid, groups: system.groups, home: user?.home ?? system.home,
      shell: shell,
      environment: user?.environment.map { EnvironmentVariable(name: $0.name, value: $0.value) } ?? [])
  }

  private func systemAccount(_ name: String, _ user: Settings.User?) throws(Refusal) -> SystemAccount {
    do throws(AccountError) {
      guard let singleUser else { return try accounts.account(named: user?.runAs ?? name) }
      guard user != nil else { throw .unknown }
      do throws(AccountError) {
        return try accounts.account(uid: singleUser)
      } catch {
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
      name: Self.nobody, uid: id, gid: gid, groups: [gid], home: Self.noHome, shell: defaultShell)
  }
}
