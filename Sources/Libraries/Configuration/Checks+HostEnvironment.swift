import Authentication
import Filter

// Warnings about names, directories and programs that do not exist on this machine.
extension Checks {
  /// A `match` block, of which only the keys that it contains are checked, or all keys outside of blocks.
  private typealias Scope = (block: Int?, settings: Settings, gives: (_ key: String) -> Bool)

  private func scopes(_ settings: Settings) -> [Scope] {
    [(block: nil, settings: settings, gives: { _ in true })]
      + settings.matches.enumerated().map { number, match in
        (block: number, settings: match.values, gives: match.paths.contains)
      }
  }

  /// Warns of names of users and groups that do not exist.
  mutating func checkNames(_ settings: Settings) {
    let users = settings.auth.users
    for scope in scopes(settings) {
      block = scope.block
      let auth = scope.settings.auth
      for (key, patterns) in [("auth.allow_users", auth.allowUsers), ("auth.deny_users", auth.denyUsers)]
      where scope.gives(key) {
        for (index, pattern) in patterns.enumerated() { checkUser(pattern.name, key, index, users) }
      }
      for (key, patterns) in [("auth.allow_groups", auth.allowGroups), ("auth.deny_groups", auth.denyGroups)]
      where scope.gives(key) {
        for (index, pattern) in patterns.enumerated() { checkGroup(pattern, key, index, users) }
      }
      if scope.gives("audit.recording.users") {
        for (index, pattern) in scope.settings.audit.recording.users.enumerated() {
          checkUser(pattern, "audit.recording.users", index, users)
        }
      }
      if scope.gives("filter.rules") {
        for (index, rule) in scope.settings.filter.rules.enumerated() {
          for name in rule.users { checkUser(NamePattern(name), "filter.rules", index, users) }
          for name in rule.groups { checkGroup(NamePattern(name), "filter.rules", index, users) }
        }
      }
    }
    for (number, match) in settings.matches.enumerated() {
      block = number
      for (index, entry) in match.users.enumerated() { checkUser(entry.value, "users", index, users) }
      for (index, entry) in match.groups.enumerated() { checkGroup(entry.value, "groups", index, users) }
    }
    block = nil
    for (index, name) in settings.audit.rescueUsers.enumerated() {
      checkUser(NamePattern(name), "audit.rescue_users", index, users)
    }
  }

  private mutating func checkUser(_ pattern: NamePattern, _ key: String, _ index: Int, _ users: [Settings.User]) {
    guard pattern.isName, !users.contains(where: { pattern.matches($0.name) }),
      !hostEnvironment.accountExists(pattern.description)
    else { return }
    warning(key, index: index, "no user has the name \(quoted(pattern.description))")
  }

  private mutating func checkGroup(_ pattern: NamePattern, _ key: String, _ index: Int, _ users: [Settings.User]) {
    guard pattern.isName, !users.flatMap(\.groups).contains(where: { pattern.matches($0) }),
      !hostEnvironment.groupExists(pattern.description)
    else { return }
    warning(key, index: index, "there is no group \(quoted(pattern.description))")
  }

  /// Warns of directories, files and programs that do not exist.
  mutating func checkPlaces(_ settings: Settings) {
    for scope in scopes(settings) {
      block = scope.block
      checkPlaces(of: scope)
    }
    block = nil
    for (index, exporter) in settings.audit.exporters.enumerated() {
      guard case .syslog(let syslog) = exporter, hostEnvironment.pathKind(syslog.socket) == .missing else { continue }
      warning("audit.exporters", index: index, "\(quoted(syslog.socket)) does not exist: no syslog daemon is running")
    }
  }

  private mutating func checkPlaces(of scope: Scope) {
    let settings = scope.settings
    for (key, path, isOfUsers) in [
      ("auth.publickey.authorized_keys_dir", settings.auth.authorizedKeysDirectory, true),
      ("auth.publickey.authorized_keys_pattern", settings.auth.effectiveKeysPattern, true),
      ("auth.publickey.authorized_principals_pattern", settings.auth.authorizedPrincipalsPattern, true),
      ("sftp.root", settings.sftp.root, false), ("scp.root", settings.scp.root, false),
    ] where scope.gives(key) {
      // The last component of a pattern for files is a file.
      let isFile = key.hasSuffix("_pattern")
      guard let path, let reason = directoryFault(path, isFile: isFile, isOfUsers: isOfUsers) else { continue }
      warning(key, reason)
    }
    if scope.gives("shell.motd"), let motd = settings.shell.motd, hostEnvironment.pathKind(motd) == .missing {
      warning("shell.motd", "\(quoted(motd)) does not exist, so nothing is shown")
    }
    if scope.gives("shell.forced_command"), let command = settings.shell.forcedCommand,
      let reason = commandFault(command)
    {
      warning("shell.forced_command", reason)
    }
    guard scope.gives("shell.allowed_commands") else { return }
    for (index, pattern) in settings.shell.allowedCommands.enumerated() {
      if let reason = commandFault(pattern) { warning("shell.allowed_commands", index: index, reason) }
    }
  }

  /// Why users cannot use a directory, or of a pattern the part that is the same for all users; nil: they can.
  func directoryFault(_ pattern: String, isFile: Bool = false, isOfUsers: Bool = false) -> String? {
    let marks = ["%", "{user}"].compactMap { pattern.firstRange(of: $0)?.lowerBound }
    guard pattern.hasPrefix("/") else { return nil }
    let fixed = pattern.prefix(upTo: marks.min() ?? pattern.endIndex)
    let path = marks.isEmpty && !isFile ? fixed : fixed.prefix(upTo: fixed.lastIndex(of: "/") ?? fixed.startIndex)
    guard !path.isEmpty else { return nil }
    switch hostEnvironment.pathKind(String(path)) {
    case .missing: return "\(quoted(String(path))) does not exist"
    case .file, .other: return "\(quoted(String(path))) is not a directory"
    case .closedDirectory(let place) where hostEnvironment.isRoot:
      return isOfUsers
        ? "users cannot enter \(quoted(place)), and their keys are read with their own privileges"
        : "users cannot enter \(quoted(place))"
    case .directory, .closedDirectory, .unknown: return nil
    }
  }

  /// Why a program that users run cannot be started; nil: it can, or that is unknown.
  func programFault(_ path: String) -> String? {
    hostEnvironment.isExecutable(path) || hostEnvironment.pathKind(path) == .unknown
      ? nil : "\(quoted(path)) is not an executable file"
  }

  /// ``programFault(_:)`` of the first word of a command line, if that is the absolute path of a program.
  private func commandFault(_ command: String) -> String? {
    let program = String(command.prefix { !" \t;|&<>".contains($0) })
    let isPlain = program.hasPrefix("/") && !program.contains { "*?[]{}$`'\"\\~()".contains($0) }
    return isPlain ? programFault(program) : nil
  }
}
