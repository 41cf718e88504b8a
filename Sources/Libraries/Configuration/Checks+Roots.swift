// `sftp.root`, `scp.root`, and `root` of users.
extension Checks {
  /// Warns of roots that users other than root can replace. Before a login only those parent directories are checked
  /// that do not depend on the user.
  mutating func checkRoots(_ variants: [Settings]) {
    guard hostEnvironment.isRoot else { return }
    var seen: Set<String> = []
    for (number, variant) in variants.enumerated() {
      block = number == 0 ? nil : number - 1
      for (key, root) in [("sftp.root", variant.sftp.root), ("scp.root", variant.scp.root)] {
        guard let root, seen.insert(root).inserted, let reason = rootReason(root) else { continue }
        warning(key, reason)
      }
    }
    block = nil
    for user in variants[0].auth.users {
      guard let root = user.root, seen.insert(root).inserted, let reason = rootReason(root) else { continue }
      warning("auth.password.users", "the user \(quoted(user.name)): \(reason)")
    }
  }

  private func rootReason(_ root: String) -> String? {
    let names = root.split(separator: "/")
    if names.first == "%h" {
      guard names.count > 1 else { return nil }
      return
        "\(quoted(root)) is below the home, whose owner can put another directory of theirs in its place (a link is "
        + "refused); %h itself, or a directory below one of root's, is safe"
    }
    let above = names.dropLast().prefix { !$0.contains("%") }
    let exposed = hostEnvironment.exposedDirectories("/" + above.joined(separator: "/"))
    guard !exposed.isEmpty else { return nil }
    return
      "\(quoted(root)) is below \(exposed.joined(separator: ", ")): not only root can put another directory in its "
      + "place (a link is refused)"
  }
}
