import Audit
import System

/// `audit last` and `audit lastb`: logins and refused logins, in the format of last(1) and lastb(1).
enum AuditLast {
  private struct Login {
    var subject: Subject
    var begin: Int64
    var end: Int64?
    /// The daemon has been started since, which ends most logins.
    var isDoubtful = false
  }

  static func logins(_ arguments: Arguments) throws(Failure) {
    let filter = try EventFilter(arguments, now: Clock.microsecondsSince1970)
    let limit = try AuditCommand.number("lines", arguments, 1...10_000_000)
    var reader = SeriesReader(try Journal(try AuditCommand.path(arguments)).main)
    var logins: [Login] = []
    // Indexes into `logins`.
    var open: [EventID: Int] = [:]
    while let line = try reader.nextEvent() {
      let event = line.event
      switch event.record.type {
      case .sessionStart:
        guard let id = event.subject.sessionID, filter.matches(event) else { continue }
        open[id] = logins.count
        logins.append(Login(subject: event.subject, begin: event.time))
      case .sessionEnd:
        guard let id = event.subject.sessionID, let place = open.removeValue(forKey: id) else { continue }
        logins[place].end = event.time
      case .daemonStarted: for place in open.values { logins[place].isDoubtful = true }
      default: continue
      }
    }
    var output = EventOutput(arguments)
    for login in logins.reversed().prefix(limit ?? .max) {
      let (begin, end) = (output.text.time(login.begin), login.end)
      let ending =
        if let end { "- \(output.text.time(end))  (\(TimeText.duration(end - login.begin)))" } else {
          login.isDoubtful ? "- no end recorded" : "  still logged in"
        }
      try output.write("\(columns(login.subject)) \(begin) \(ending)\n")
    }
    try output.flush()
  }

  static func refusals(_ arguments: Arguments) throws(Failure) {
    let filter = try EventFilter(arguments, now: Clock.microsecondsSince1970)
    let limit = try AuditCommand.number("lines", arguments, 1...10_000_000)
    var reader = SeriesReader(try Journal(try AuditCommand.path(arguments)).main)
    var refused: [(subject: Subject, time: Int64, reason: String)] = []
    while let line = try reader.nextEvent() {
      let event = line.event
      guard event.record.type == .authFailure, filter.matches(event) else { continue }
      refused.append((event.subject, event.time, event.record.reason?.code ?? event.record.result.rawValue))
    }
    var output = EventOutput(arguments)
    for login in refused.reversed().prefix(limit ?? .max) {
      try output.write("\(columns(login.subject)) \(output.text.time(login.time)) \(EventText.visible(login.reason))\n")
    }
    try output.flush()
  }

  private static func columns(_ subject: Subject) -> String {
    [(subject.user, 16), (subject.method, 20), (subject.clientAddress, 15)].map { text, width in
      let text = EventText.visible(text ?? "-")
      return text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
    }.joined(separator: " ")
  }
}
