import Filter

extension KeyTable {
  static let audit: [Key] = [
    Key(
      "audit.enabled", .boolean, \.settings.audit.enabled,
      "Whether the journal is kept: what happened, when, who did it, and what came of it."),
    Key(
      "audit.exporters", .exporters, \.settings.audit.exporters,
      "Where the events go. The file is the journal, and is there in any case; the others get what stands",
      "in it. The keys of each:"),
    Key(
      "audit.buffer_size", .integer(100...100_000), \.settings.audit.bufferSize,
      "Events that wait in memory for the journal; when there are more, what makes them waits as well."),
    Key(
      "audit.batch_size", .integer(1...10000), \.settings.audit.batchSize,
      "Events that are written at once, at most."),
    Key(
      "audit.flush_interval", .duration(1...3600), \.settings.audit.flushInterval,
      "The time until an event is on the disk, at most, where fsync says interval."),
    Key(
      "audit.on_failure", .choice(), \.settings.audit.onFailure,
      "What becomes of logins while events cannot be written: continue, refuse (which refuses new ones)."),
    Key(
      "audit.rescue_users", .list(.accountName, of: "a list of users", mayBeEmpty: true), \.settings.audit.rescueUsers,
      "Users who can log in all the same, to mend it."),
    Key(
      "audit.verbose_io", .boolean, \.settings.audit.verboseIO,
      "Whether every read and write of a file is an event, too; closing a file says how much it was."),
    Key(
      "audit.recording.enabled", .boolean, \.settings.audit.recording.enabled,
      "Whether terminals are recorded, as asciicast files."),
    Key(
      "audit.recording.directory", ValueType<String>.path.optional, \.settings.audit.recording.directory,
      "Where the recordings are; null for the directory recordings beside the journal."),
    Key(
      "audit.recording.users", .list(.userName, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.audit.recording.users,
      "Who is recorded: * stands for any letters, ? for one; [] for everyone."),
    Key(
      "audit.recording.input", .boolean, \.settings.audit.recording.input,
      "Whether what is typed is recorded as well, passwords that programs ask for with it."),
    Key(
      "audit.login_records", .boolean, \.settings.audit.loginRecords,
      "Whether who(1), last(1), lastlog(8) and lastb(1) show logins: utmp, wtmp, lastlog and btmp, where these",
      "files exist. Only as root."),
  ]
}
