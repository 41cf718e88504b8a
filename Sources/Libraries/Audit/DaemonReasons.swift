/// Which events were counted rather than written individually: the reason of `events_counted`.
public enum CountReason: String, EventReason {
  /// Listings of directories and changes of attributes.
  case manyListings = "many_listings"
  /// Denials.
  case manyDenials = "many_denials"
}

/// What a signal asked the daemon to do: the reason of `admin_action`.
public enum AdminRequest: String, EventReason {
  /// Reload the configuration.
  case reload
  /// Stop.
  case shutdown
  /// Keep existing logins and let a new daemon take over.
  case handOver = "let_go"
}

/// Why events are missing in the journal: the reason of `audit_gap`.
public enum JournalGap: String, EventReason {
  /// Events could not be written.
  case notWritten = "not_written"
  /// The last line was incomplete and has been removed.
  case tornLine = "torn_line"
  /// Lines are missing.
  case missingLines = "missing_lines"
  /// The end of the journal is not what was written.
  case altered
}

/// Why events will never reach a receiver: the reason of `audit_gap`.
public enum ExportLoss: String, EventReason {
  /// Rotation removed them before they were sent.
  case noLongerInJournal = "no_longer_in_journal"
  /// The receiver refuses a request that contains this event.
  case refused = "refused_by_receiver"
  /// The receiver accepted a request and discarded some of its events.
  case rejected = "rejected_by_receiver"
  /// The line is not a valid journal line.
  case unreadable = "unreadable_line"
}
