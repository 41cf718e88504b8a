import IPC

/// The environment of a shell or command, as sshd makes it. sshd(8), LOGIN PROCESS
///
/// SSH_ORIGINAL_COMMAND belongs to forced commands alone, and is not set. /etc/environment is not read.
struct LoginEnvironment {
  let login: Login
  /// TZ of the daemon.
  let timeZone: String?

  /// All variables, each once. What comes later overrides: the client's, PATH, MAIL and TZ, those of `shell.env`,
  /// the user's, and those that say who and from where this is.
  ///
  /// - Parameters:
  ///   - accepted: what the client set.
  ///   - terminal: when there is one, its name and the client's TERM.
  func variables(accepted: [Variable], terminal: (name: String, term: [UInt8])?) -> [Variable] {
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
    result.set("SSH_CLIENT", "\(login.clientAddress) \(login.clientPort) \(login.serverPort)")
    result.set(
      "SSH_CONNECTION",
      "\(login.clientAddress) \(login.clientPort) \(login.serverAddress) \(login.serverPort)")
    if let terminal {
      result.set("SSH_TTY", terminal.name)
      if !terminal.term.isEmpty { result.set("TERM", terminal.term) }
    }
    return result.variables
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
  /// The program that runs shells and commands; an account without one has /bin/sh, as passwd(5) says.
  var shell: String { account.shell.isEmpty ? "/bin/sh" : account.shell }
}
