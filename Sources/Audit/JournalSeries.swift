/// The two series of files that a journal has, each with its own numbers, chain, head and rotation.
///
/// A login can make events of files as fast as its client sends requests. In files of their own they push out each
/// other, and no login, command, denial or ban.
public enum JournalSeries: UInt8, CaseIterable, Sendable {
  /// Connections, logins, commands, denials, bans, and what the daemon does.
  case main
  /// What is done with files, and later with forwards.
  case files

  /// The path of this series of a journal: `audit.log`, and `audit-files.log` beside it.
  ///
  /// - Parameter journal: the path of the journal, or its name.
  public func path(of journal: String) -> String {
    guard self == .files else { return journal }
    let name = journal.lastIndex(of: "/").map { journal.index(after: $0) } ?? journal.startIndex
    guard let dot = journal[name...].lastIndex(of: "."), dot > name else { return journal + "-files" }
    return journal[..<dot] + "-files" + journal[dot...]
  }
}
