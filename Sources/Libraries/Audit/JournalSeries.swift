/// The two series of journal files. Each has its own numbers, chain, head and rotation.
///
/// Clients can cause file events as fast as they send requests. In files of their own, these can only displace each
/// other and not logins, commands, denials and bans.
public enum JournalSeries: UInt8, CaseIterable, Sendable {
  /// Connections, logins, commands, denials, bans, and events of the daemon.
  case main
  /// File operations.
  case files

  /// The path of this series: `audit.log`, or `audit-files.log` beside it.
  ///
  /// - Parameter journal: the path or the name of the journal.
  public func path(of journal: String) -> String {
    guard self == .files else { return journal }
    let name = journal.lastIndex(of: "/").map { journal.index(after: $0) } ?? journal.startIndex
    guard let dot = journal[name...].lastIndex(of: "."), dot > name else { return journal + "-files" }
    return journal[..<dot] + "-files" + journal[dot...]
  }
}
