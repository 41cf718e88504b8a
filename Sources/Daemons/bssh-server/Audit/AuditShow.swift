import Audit
import System

/// `audit show`: everything about one login, from its connection on.
enum AuditShow {
  /// What a first pass over the journal finds about a login.
  private struct SessionTimeline {
    var session: EventID?
    var connection: UInt64
    /// The number of events before the first one of its connection.
    var first: Int
    var host: String
  }

  static func run(_ arguments: Arguments) throws(Failure) {
    guard let wanted = arguments.operand?.lowercased() else {
      throw Arguments.usage(
        "audit show needs a session: audit show SESSION, an id in the journal, its beginning, or the number of a\n"
          + "connection in the log", for: .auditShow)
    }
    let journal = try Journal(try AuditCommand.path(arguments))
    let timelines = try find(wanted, in: journal)
    guard let timeline = timelines.last else {
      throw Failure(.refused, "bssh-server: the journal has no session '\(wanted)'")
    }
    if timelines.count > 1 {
      var failure = Failure(.badInput, "bssh-server: several sessions begin with '\(wanted)':")
      failure.lines +=
        timelines.prefix(10).map { "  \($0.session.map(\.description) ?? "")" } + (timelines.count > 10 ? ["  …"] : [])
      throw failure
    }
    try show(timeline, journal, arguments)
  }

  /// The sessions whose id has this prefix; for a number, the last connection with it.
  private static func find(_ wanted: String, in journal: Journal) throws(Failure) -> [SessionTimeline] {
    let number = UInt64(wanted)
    var timelines: [SessionTimeline] = []
    // The beginning of each open connection.
    var open: [String: Int] = [:]
    var reader = MergedReader(journal)
    var count = 0
    while let line = try reader.nextEvent() {
      defer { count += 1 }
      guard let connection = line.event.subject.connection else { continue }
      let key = "\(connection) \(line.event.host)"
      if line.event.record.type == .connectionOpen { open[key] = count }
      let first = open[key] ?? count
      if line.event.record.type == .connectionClosed { open[key] = nil }
      let session = line.event.subject.sessionID
      if let session, session.description.hasPrefix(wanted), number == nil || wanted.utf8.count >= 8 {
        if !timelines.contains(where: { $0.session == session }) {
          timelines.append(
            SessionTimeline(session: session, connection: connection, first: first, host: line.event.host))
        }
      } else if connection == number {
        let timeline = SessionTimeline(session: session, connection: connection, first: first, host: line.event.host)
        if timelines.last?.first == first {
          timelines[timelines.count - 1].session = timelines[timelines.count - 1].session ?? session
        } else {
          timelines = [timeline]
        }
      }
    }
    return timelines
  }

  private static func show(_ timeline: SessionTimeline, _ journal: Journal, _ arguments: Arguments) throws(Failure) {
    var output = EventOutput(arguments)
    var isOpen = true
    var hasTitle = arguments.has("json")
    var waiting: [JournalLine] = []
    var reader = MergedReader(journal)
    var count = 0
    while let line = try reader.nextEvent() {
      defer { count += 1 }
      guard count >= timeline.first, line.event.host.utf8.elementsEqual(timeline.host.utf8) else { continue }
      let subject = line.event.subject
      guard
        (isOpen && subject.connection == timeline.connection)
          || (subject.sessionID != nil && subject.sessionID == timeline.session)
      else { continue }
      if line.event.record.type == .connectionClosed { isOpen = false }
      waiting.append(line)
      // The user's name is known from the login on.
      if !hasTitle, subject.sessionID != nil || waiting.count == 100 || !isOpen {
        try output.write(title(line.event, output.text))
        hasTitle = true
      }
      if hasTitle {
        for line in waiting { try output.show(line, isStory: true) }
        waiting = []
      }
    }
    if let last = waiting.last {
      try output.write(title(last.event, output.text))
      for line in waiting { try output.show(line, isStory: true) }
    }
    try output.flush()
  }

  private static func title(_ event: AuditEvent, _ text: EventText) -> String {
    let subject = event.subject
    let parts = [
      subject.user.map { $0.quoted() } ?? "nobody", subject.clientAddress.map { "from \($0)" },
      subject.method.map { "by \($0)" }, subject.keyFingerprint, "on \(event.host)",
      subject.connection.map { "connection \($0)" }, subject.sessionID.map { "session \($0)" },
    ]
    return EventText.visible(parts.compactMap(\.self).joined(separator: ", ")) + "\n"
  }
}
