import IPC

/// The environment of a shell or command, as sshd makes it. sshd(8), LOGIN PROCESS
///
/// Neither /etc/environment nor ~/.ssh/environment is read.
struct LoginEnvironment {
  let login: Login
  /// TZ of the daemon.
  let timeZone: String?

  /// All variables, each once. What comes later overrides: the client's, PATH, MAIL and TZ, those of `shell.env`,
  /// the user's, those that say who this is, those of the key, and those that say from where this is.
  ///
  /// - Parameters:
  ///   - accepted: what the client set.
  ///   - terminal: when there is one, its name and the client's TERM.
  ///   - originalCommand: what the client asked for, when something else runs instead; for a shell there is none.
  func variables(
    accepted: [Variable], terminal: (name: String, term: [UInt8])?, originalCommand: [UInt8]? = nil
  ) -> [Variable] {
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
    // Without a terminal, or without such a command, these must not be there at all.
    for name in ["SSH_TTY", "SSH_ORIGINAL_COMMAND"] { result.remove(name) }
    result.set("HOME", account.home)
    result.set("USER", account.name)
    result.set("LOGNAME", account.name)
    result.set("SHELL", login.shell)
    for variable in login.permissions.environment {
      guard let variable = keyFilter.accept(name: Array(variable.name.utf8), value: Array(variable.value.utf8)) else {
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

  /// A key may set any variable that `auth.publickey.permit_user_environment` let through, unless the configuration says
  /// what this login may run: many authorized_keys are written by their users.
  private var keyFilter: EnvironmentFilter {
    login.commands.isRestricting
      ? EnvironmentFilter(patterns: login.acceptEnvironment, isRestricted: true) : EnvironmentFilter(patterns: ["*"])
  }

  private struct Merged {
    private(set) var variables: [Variable] = []

    mutating func set(_ name: String, _ value: String) { set(name, Array(value.utf8)) }

    mutating func set(_ name: String, _ value: [UInt8]) {
      let variable = Variable(name: name, value: value)
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
  /// True when its key says what runs, whatever the client asks for.
  var hasKeyCommand: Bool { permissions.forcedCommand != nil }

  /// The program that runs shells and commands; an account without one has /bin/sh, as passwd(5) says.
  var shell: String { account.shell.isEmpty ? "/bin/sh" : account.shell }
}
