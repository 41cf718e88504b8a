import Model

// `shell.default`, and `shell` of users.
extension Checks {
  /// Warns of shells that allow no interactive login, and of those that shells(5) does not list, once for each.
  mutating func checkShells(_ variants: [Settings]) {
    var seen: Set<String> = []
    for (number, variant) in variants.enumerated() {
      let shell = variant.shell.defaultShell
      guard variant.shell.enabled, seen.insert(shell).inserted else { continue }
      block = number == 0 ? nil : number - 1
      if let reason = shellReason(shell) { warning("shell.default", reason) }
    }
    block = nil
    for user in variants[0].auth.users {
      guard let shell = user.shell, !user.sftpOnly, !user.isDisabled, seen.insert(shell).inserted,
        let reason = shellReason(shell)
      else { continue }
      warning("auth.password.users", "the user \(quoted(user.name)): \(reason)")
    }
  }

  private func shellReason(_ shell: String) -> String? {
    switch hostEnvironment.shellKind(shell) {
    case .listed: nil
    case .unlisted: "\(quoted(shell)) is not listed in /etc/shells, see shells(5); it is started nevertheless"
    case .none:
      "\(quoted(shell)) allows no interactive login: no commands, and files only with sftp_only, a forced internal-sftp or a match"
    }
  }
}
