import Audit
import Glibc
import System

/// Formats events for people, or as JSON.
struct EventText {
  private let isJSON: Bool
  private let hasColors: Bool
  private let inUTC: Bool

  /// - Parameter isTerminal: the output is a terminal, and may be coloured.
  init(_ arguments: Arguments, isTerminal: Bool) {
    isJSON = arguments.has("json")
    inUTC = arguments.has("utc")
    // https://no-color.org
    hasColors = isTerminal && (ProcessEnvironment.value(of: "NO_COLOR") ?? "").isEmpty
  }

  /// The line of an event, with its newline.
  ///
  /// - Parameter isStory: the context names the user, so the line need not.
  func line(_ line: JournalLine, isStory: Bool = false) -> String {
    if isJSON { return String(decoding: line.json, as: UTF8.self) + "\n" }
    let event = line.event
    var who =
      isStory
      ? []
      : [event.subject.connection.map { "[\($0)]" }, event.subject.user, event.subject.clientAddress]
        .compactMap(\.self).map { Self.visible($0) }
    if let place = who.popLast() { who.append(place + ":") }
    let type = event.record.type.rawValue
    let padding = String(repeating: " ", count: max(0, 18 - type.utf8.count))
    return [
      colored(time(event.time), "2"), colored(type, color(event.record)) + padding,
    ].joined(separator: " ") + (who.isEmpty ? "" : " " + who.joined(separator: " ")) + " "
      + Self.visible(event.record.logMessage(of: event.subject)) + "\n"
  }

  func time(_ time: Int64) -> String { TimeText.format(time, inUTC: inUTC) }

  private func color(_ record: AuditRecord) -> String {
    switch (record.result, record.type) {
    case (.success, .authSuccess), (.success, .sessionStart): "32"
    case (.success, .ipBlocked), (.success, .suspiciousActivity), (.success, .auditGap): "31"
    case (.success, _): "36"
    case (.failure, _): "33"
    case (.denied, _), (.error, _): "31"
    }
  }

  private func colored(_ text: String, _ color: String) -> String {
    hasColors ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text
  }

  /// The text, with invisible characters escaped by ``VisibleText``.
  static func visible(_ text: String) -> String { VisibleText.escape(text) }
}
