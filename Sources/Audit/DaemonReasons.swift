/// Which events were counted in place of being told one by one: the reason of `events_counted`.
public enum CountReason: String, EventReason {
  case manyListings = "many_listings"
  case manyDenials = "many_denials"
}

/// What the daemon was told by a signal: the reason of `admin_action`.
public enum AdminRequest: String, EventReason {
  case reload
  case shutdown
  /// Let the next daemon take over.
  case letGo = "let_go"
}

/// Why events are missing in the journal: the reason of `audit_gap`.
public enum JournalGap: String, EventReason {
  case notWritten = "not_written"
  /// The last line was not whole, and was removed.
  case tornLine = "torn_line"
  case missingLines = "missing_lines"
  /// The journal does not end as it was written.
  case altered
}

/// Why events never arrive at a receiver: the reason of `audit_gap`.
public enum ExportLoss: String, EventReason {
  /// The journal's size pushed them out.
  case noLongerInJournal = "no_longer_in_journal"
  /// The receiver does not take a request with this event in it.
  case refused = "refused_by_receiver"
  /// The receiver took a request, but for some of its events.
  case rejected = "rejected_by_receiver"
  /// A line that no journal wrote.
  case unreadable = "unreadable_line"
}
