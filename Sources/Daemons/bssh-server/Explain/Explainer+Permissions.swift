import Authentication
import Configuration
import IPC
import Model

extension Explainer {
  /// What the login may do if it is accepted.
  mutating func explainPermissions(_ user: KnownUser, _ permissions: KeyPermissions) {
    guard let account = user.answer.login else { return }
    let rights = TransferRights(
      user.settings, user: question.user, home: account.home, shell: account.shellKind, blocks: user.blocks,
      keyCommand: permissions.forcedCommand, isRoot: user.answer.systemName != nil)
    let login = Login(
      user.settings, rights, account: account, permissions: permissions, blocks: user.blocks,
      client: ("\(question.address)", 0), server: ("", 0))
    explainPrograms(login, rights, user)
    let hasTerminal = login.mayHaveTerminal && permissions.terminal
    let lacks =
      !permissions.terminal ? "no: restricted by the key" : rights.isOnlyTransfer ? "no: sftp_only" : "no: shell.pty"
    add("terminal", hasTerminal ? "yes" : lacks, hasTerminal ? nil : place(of: "shell.pty", for: user))
    explainFiles(login, rights, user)
    explainForwarding(login.forwarding, user)
    if !permissions.environment.isEmpty {
      add("environment", "of the key: \(permissions.environment.map(\.name).joined(separator: ", "))", nil)
    }
    if !permissions.userRC { add("~/.ssh/rc", "is not run: restricted by the key", nil) }
    explainLimits(login, user)
  }

  private mutating func add(_ rule: String, _ text: String, _ place: String?) {
    report.add(.permissions, .notes, rule, text, at: place)
  }

  private mutating func explainPrograms(_ login: Login, _ rights: TransferRights, _ user: KnownUser) {
    let rules = login.commands
    if let forced = rules.forced {
      return add(
        "commands", "'\(forced)' instead of every shell, command and subsystem",
        place(of: "shell.forced_command", for: user))
    }
    if let command = login.permissions.forcedCommand {
      let text = String(decoding: command, as: UTF8.self)
      guard let refusal = rules.refusal(of: command) else {
        return add("commands", "'\(text)' instead of every shell, command and subsystem, forced by the key", nil)
      }
      let list = refusal == .blocked ? "shell.blocked_commands" : "shell.allowed_commands"
      return add(
        "commands", "none: the key forces '\(text)', which is refused: \(refusal.rawValue)",
        place(of: list, for: user))
    }
    guard login.mayExecute else {
      if rights.isOnlyTransfer { return add("commands", "none: sftp_only", place(ofUserKey: "sftp_only")) }
      return add("commands", "none: shell.enabled", place(of: "shell.enabled", for: user))
    }
    if login.account.shellKind == .none {
      return add("commands", "none: the shell \(login.account.shell) allows none", place(ofUserKey: "shell"))
    }
    let shell = rules.refusal(ofShell: login.account.shell).map { "no shell: \($0.rawValue)" } ?? "a shell"
    if rules.allowed.isEmpty && rules.blocked.isEmpty { return add("commands", "shells and all commands", nil) }
    if !rules.allowed.isEmpty {
      add("commands", "\(shell); those of shell.allowed_commands", place(of: "shell.allowed_commands", for: user))
    }
    if !rules.blocked.isEmpty {
      add("commands", "\(shell); none of shell.blocked_commands", place(of: "shell.blocked_commands", for: user))
    }
  }

  private mutating func explainFiles(_ login: Login, _ rights: TransferRights, _ user: KnownUser) {
    for (name, settings) in [("SFTP", login.sftp), ("SCP", login.scp)] {
      let key = name == "SFTP" ? "sftp" : "scp"
      guard let settings else {
        if rights.closedByShell.contains(name == "SFTP" ? .sftp : .scp) {
          let shell = login.account.shell
          let text = "no: the shell is \(shell), and file transfers are not allowed explicitly (nologin_shell)"
          add(name, text, place(ofUserKey: "shell"))
          continue
        }
        let impossible = rights.impossibleRoots.first.map { ": the root \($0) cannot be expanded for this login" }
        let text = "no" + (impossible ?? ": \(key).enabled")
        add(name, text, place(of: impossible == nil ? "\(key).enabled" : "\(key).root", for: user))
        continue
      }
      var text = settings.root.isEmpty ? "all files that the account can access" : "below \(settings.root)"
      if !settings.root.isEmpty {
        let found = backends.root(settings.root)
        if let problem = found.problem { text = "no: the root \(settings.root) cannot be entered: \(problem)" }
        if !found.exposed.isEmpty, !settings.isDaemonsUser {
          text += " (users other than root can replace it, below \(found.exposed.joined(separator: ", ")))"
        }
      }
      if settings.readOnly { text += ", read-only" }
      if settings.filter.isEnabled { text += ", restricted by filter.rules" }
      let root = configured?.root != nil ? place(ofUserKey: "root") : place(of: "\(key).root", for: user)
      add(name, text, root ?? place(of: "sftp.root", for: user))
    }
  }

  private mutating func explainForwarding(_ rights: ForwardingRights, _ user: KnownUser) {
    func place(_ rule: String) -> String? {
      rule.contains(".") ? self.place(of: rule, for: user) : rule == "sftp_only" ? self.place(ofUserKey: rule) : nil
    }
    if let rule = rights.tcpDeniedBy {
      add("forwarding.tcp", "no connections: \(rule)", place(rule))
    } else {
      add(
        "forwarding.tcp",
        rights.permitOpen.isEmpty ? "connections to every host and port" : "connections to some places",
        place("forwarding.tcp"))
      for list in rights.permitOpen {
        let shown = list.places.prefix(20).map { "\($0)" } + (list.places.count > 20 ? ["…"] : [])
        add(list.source, shown.isEmpty ? "none" : "only \(shown.joined(separator: ", "))", place(list.source))
      }
    }
    let sockets = rights.socketsDeniedBy
    add(
      "forwarding.unix_sockets",
      sockets.map { "no connections: \($0)" } ?? "connections to every socket of the account",
      place(sockets ?? "forwarding.unix_sockets"))
  }

  private mutating func explainLimits(_ login: Login, _ user: KnownUser) {
    let security = user.settings.security
    add(
      "logins", "\(user.settings.sessionLimit(of: question.user)) at a time",
      configured?.maxSessions != nil
        ? place(ofUserKey: "max_sessions") : place(of: "security.max_sessions_per_user", for: user))
    for (name, seconds) in [
      ("security.idle_timeout", security.idleTimeout), ("security.session_timeout", security.sessionTimeout),
      ("shell.command_timeout", Int(login.commandTimeout)),
    ] where seconds > 0 {
      add(name, "\(seconds) s", place(of: name, for: user))
    }
  }
}
