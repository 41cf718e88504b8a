import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import System

/// Selects events: those that match all criteria.
struct EventFilter {
  /// One of these types; empty: all. The same for the others.
  private var users: [NamePattern] = []
  private var addresses: [AddressRange] = []
  /// Prefixes of session ids.
  private var sessions: [String] = []
  private var types: Set<EventType>?
  private var results: Set<EventResult>?
  private var paths: [Glob] = []
  private var since: Int64?
  private var until: Int64?

  /// The criteria of the options.
  ///
  /// - Parameter now: microseconds since 1970, for relative times.
  /// - Throws: a usage ``Failure`` for a value that is not valid.
  init(_ arguments: Arguments, now: Int64) throws(Failure) {
    let command = arguments.command
    func words(_ long: String) -> [String] { arguments.values[long] ?? [] }
    users = words("user").map { NamePattern($0) }
    for text in words("address") {
      do throws(AddressRangeError) { addresses.append(try AddressRange(text)) } catch {
        throw Arguments.usage("--address \(text): \(error)", for: command)
      }
    }
    sessions = words("session").map { $0.lowercased() }
    for text in sessions where !Self.isSessionPart(text) {
      throw Arguments.usage(
        "--session \(text): expected the id of a session or its beginning: digits, a to f and '-'", for: command)
    }
    for text in words("path") {
      do throws(GlobError) { paths.append(try Glob(text)) } catch {
        throw Arguments.usage("--path \(text): \(error)", for: command)
      }
    }
    types = try Self.choices("type", words("type"), command)
    results = try Self.choices("result", words("result"), command)
    since = try Self.time("since", arguments, now)
    until = try Self.time("until", arguments, now)
  }

  /// True if there are no criteria: every event matches.
  var isEmpty: Bool {
    users.isEmpty && addresses.isEmpty && sessions.isEmpty && types == nil && results == nil && paths.isEmpty
      && since == nil && until == nil
  }

  /// True if the event matches.
  func matches(_ event: AuditEvent) -> Bool {
    if let since, event.time < since { return false }
    if let until, event.time > until { return false }
    if let types, !types.contains(event.record.type) { return false }
    if let results, !results.contains(event.record.result) { return false }
    if !users.isEmpty {
      guard let user = event.subject.user, users.contains(where: { $0.matches(user) }) else { return false }
    }
    if !sessions.isEmpty {
      guard let session = event.subject.sessionID?.description, sessions.contains(where: { session.hasPrefix($0) })
      else {
        return false
      }
    }
    if !addresses.isEmpty {
      guard let text = event.subject.clientAddress, let address = IPAddress(text),
        addresses.contains(where: { $0.contains(address) })
      else { return false }
    }
    if !paths.isEmpty {
      let named = [event.record.path, event.record.destination].compactMap(\.self)
      guard named.contains(where: { path in paths.contains { $0.matches(path: path) } }) else { return false }
    }
    return true
  }

  private static func isSessionPart(_ text: String) -> Bool {
    text.utf8.count <= 36
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2d }
  }

  /// Names and patterns of names, also several separated by commas.
  private static func choices<Value: RawRepresentable<String> & CaseIterable & Hashable>(
    _ option: String, _ texts: [String], _ command: Command
  ) throws(Failure) -> Set<Value>? {
    var chosen: Set<Value>?
    for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }) {
      let pattern = NamePattern(text)
      let found = Value.allCases.filter { pattern.matches($0.rawValue) }
      guard !found.isEmpty else {
        let names = Value.allCases.map(\.rawValue)
        let hint = closest(to: text, among: names).map { "; did you mean '\($0)'?" } ?? ""
        let known = names.count <= 8 ? ": expected \(names.joined(separator: ", "))" : ""
        throw Arguments.usage("--\(option): there is no '\(text)'\(known)\(hint)", for: command)
      }
      chosen = (chosen ?? []).union(found)
    }
    return chosen
  }

  private static func time(_ option: String, _ arguments: Arguments, _ now: Int64) throws(Failure) -> Int64? {
    guard let text = arguments.value(option) else { return nil }
    guard let time = TimeText.parse(text, now: now) else {
      throw Arguments.usage(
        "--\(option) \(text): expected a time, such as 2026-11-20, '2026-11-20 20:37:17', 20:37 or today, or a duration, such as 15m",
        for: arguments.command)
    }
    return time
  }
}
