import Filter

// `shell.allowed_commands`, `shell.blocked_commands` and `shell.forced_command`.
extension Checks {
  /// Maximum number of patterns in one list.
  private static let patternLimit = 256

  /// Checks combinations of these keys.
  mutating func checkCommands(_ settings: Settings) {
    let shell = settings.shell
    for (name, patterns) in [("allowed", shell.allowedCommands), ("blocked", shell.blockedCommands)] {
      let key = "shell.\(name)_commands"
      if patterns.count > Self.patternLimit {
        problem(key, "\(patterns.count) patterns; at most \(Self.patternLimit) are allowed")
      }
      if shell.forcedCommand != nil, !patterns.isEmpty {
        warning(key, "has no effect: shell.forced_command runs instead of every command")
      }
    }
    for (index, pattern) in shell.allowedCommands.enumerated() {
      guard let pattern = try? CommandPattern(pattern), pattern.isForAnyProgram else { continue }
      warning("shell.allowed_commands", index: index, "begins with a wildcard, so it allows any program")
    }
    if !shell.blockedCommands.isEmpty, shell.forcedCommand == nil {
      warning(
        "shell.blocked_commands",
        "is no security boundary: other commands can have the same effect; use shell.allowed_commands")
    }
    guard let forced = shell.forcedCommand else { return }
    let isSFTP = forced == "internal-sftp" || forced.hasPrefix("internal-sftp ")
    if isSFTP, !settings.sftp.enabled {
      warning("shell.forced_command", "nothing is allowed: sftp.enabled is false")
    }
    if !isSFTP, !shell.enabled {
      warning("shell.forced_command", "nothing is allowed: shell.enabled is false")
    }
    if !isSFTP, let user = settings.auth.users.first(where: \.sftpOnly) {
      warning(
        "shell.forced_command",
        "the user \(quoted(user.name)) is sftp_only and can do nothing: the forced command runs instead of SFTP")
    }
  }
}
