import IPC
import Model

/// The environment of a shell or command, as sshd sets it up. sshd(8), LOGIN PROCESS
///
/// Reads neither /etc/environment nor ~/.ssh/environment.
struct LoginEnvironment {
  let login: Login
  /// The daemon's TZ.
  let timeZone: String?

  /// All variables, each once. Later ones override earlier ones, in this order: the client's; PATH, MAIL and TZ; those
  /// of `shell.env`; the account's; HOME, USER, LOGNAME and SHELL; those of the key; those of the connection.
  ///
  /// - Parameters:
  ///   - accepted: the variables that the client set.
  ///   - terminal: its name and the client's TERM; nil: there is none.
  ///   - originalCommand: the client's command when a forced command runs instead; nil for a shell.
  func variables(
    accepted: [EnvironmentVariable], terminal: (name: String, term: [UInt8])?, originalCommand: [UInt8]? = nil
  ) -> [EnvironmentVariable] {
    let account = login.account
    var result = Merged()
    for variable in accepted { result.set(variable.name, variable.value) }
    result.set(
      "PATH",
      account.uid == 0
        ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        : "/usr/local/bin:/usr/bin:/bin:/usr/games")
    result.set("MAIL", "/var/mail/\(account.name)")
    if let timeZone { result.set("TZ", timeZone) }
    for variable in login.environment + account.environment { result.set(variable.name, variable.value) }
    // These must not be set when there is no terminal or no such command.
    for name in ["SSH_TTY", "SSH_ORIGINAL_COMMAND"] { result.remove(name) }
    result.set("HOME", account.home)
    result.set("USER", account.name)
    result.set("LOGNAME", account.name)
    result.set("SHELL", login.shell)
    for variable in login.permissions.environment {
      guard let variable = keyFilter.accept(name: Array(variable.name.utf8), value: variable.value) else {
        continue
      }
      result.set(variable.name, variable.value)
    }
    result.set("SSH_CLIENT", "\(login.clientAddress) \(login.clientPort) \(login.serverPort)")
    result.set(
      "SSH_CONNECTION",
      "\(login.clientAddress) \(login.clientPort) \(login.serverAddress) \(login.serverPort)")
    if let terminal {
      result.set("SSH_TTY", terminal.name)
      if !terminal.term.isEmpty { result.set("TERM", terminal.term) }
    }
    if let originalCommand { result.set("SSH_ORIGINAL_COMMAND", originalCommand) }
    return result.variables
  }

  /// A key may set any variable that `auth.publickey.permit_user_environment` let through, unless the configuration
  /// restricts what this login runs: users often write their authorized_keys themselves.
  private var keyFilter: EnvironmentFilter {
    login.commands.isRestricting
      ? EnvironmentFilter(patterns: login.acceptEnvironment, isRestricted: true) : EnvironmentFilter(patterns: ["*"])
  }

  private struct Merged {
    private(set) var variables: [EnvironmentVariable] = []

    mutating func set(_ name: String, _ value: String) { set(name, Array(value.utf8)) }

    mutating func set(_ name: String, _ value: [UInt8]) {
      let variable = EnvironmentVariable(name: name, value: value)
      if let index = variables.firstIndex(where: { $0.name == name }) {
        variables[index] = variable
      } else {
        variables.append(variable)
      }
    }

    mutating func remove(_ name: String) { variables.removeAll { $0.name == name } }
  }
}

extension Login {
  /// True when the login's key or certificate has a forced command.
  var hasKeyCommand: Bool { permissions.forcedCommand != nil }

  /// The login shell; /bin/sh for an account without one. passwd(5)
  var shell: String { account.shell.isEmpty ? "/bin/sh" : account.shell }
}
