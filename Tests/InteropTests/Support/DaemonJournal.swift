import Foundation
import Testing

@testable import Audit

/// The journal of a daemon, as a reader of its files sees it.
struct DaemonJournal {
  /// The path of the current file of the main series.
  let path: String

  /// The series of file events.
  var ofFiles: DaemonJournal { DaemonJournal(path: JournalSeries.files.path(of: path)) }

  /// A line, as a JSON reader sees it.
  struct Event: CustomStringConvertible {
    let text: String
    let values: [String: Any]

    init(_ text: String) throws {
      self.text = text
      guard let values = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
        throw Failure("no object: \(text)")
      }
      self.values = values
    }

    var type: String { self["event_type"] ?? "" }
    var id: String { self["id"] ?? "" }

    /// nil for null, and for values that are not strings.
    subscript(_ key: String) -> String? { values[key] as? String }

    func number(_ key: String) -> Int? { (values[key] as? NSNumber)?.intValue }

    var description: String { text }

    /// A key or a reason that the row of its type does not have; nil: there is none.
    var strayKey: String? {
      guard let row = EventType(rawValue: type)?.row else { return "a type without a row" }
      var known = EventRow.commonFields.union(row.fields)
      if !row.details.isEmpty { known.insert(.details) }
      if let reason = self["reason"] {
        guard row.reasons.map(\.code).contains(reason) else { return "the reason \(reason), which is not its type's" }
        known.insert(.reason)
      }
      return values.first {
        !($0.value is NSNull) && JournalKey(rawValue: $0.key).map { !known.contains($0) } ?? false
      }?.key
    }
  }

  /// The existing files, oldest first.
  var files: [String] {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let backups = names.compactMap { entry -> (Int, String)? in
      guard entry.hasPrefix(name + ".") else { return nil }
      let end = entry.dropFirst(name.count + 1)
      return Int(end.hasSuffix(".gz") ? end.dropLast(3) : end).map { ($0, entry) }
    }
    return backups.sorted { $0.0 > $1.0 }.map { "\(folder)/\($0.1)" } + [path]
  }

  /// All lines of this series, oldest first, and what follows the last newline.
  func lines() throws -> (lines: [String], rest: String) {
    while true {
      let before = identities
      let found = try? readLines()
      // A file that was renamed in between was read twice, or not at all.
      guard identities == before else { continue }
      return try found ?? readLines()
    }
  }

  /// Identifies the existing files.
  private var identities: [String] {
    files.map { path in
      var entry = stat()
      return stat(path, &entry) == 0 ? "\(path) \(entry.st_ino)" : path
    }
  }

  private func readLines() throws -> (lines: [String], rest: String) {
    var bytes = Data()
    for file in files where FileManager.default.fileExists(atPath: file) {
      if file.hasSuffix(".gz") {
        let outcome = try run(["sh", "-c", "gzip -dc < \"$FILE\" > \"$FILE.plain\""], environment: ["FILE": file])
        guard outcome.status == 0 else { throw Failure("gzip: \(outcome.errors)") }
        bytes += try Data(contentsOf: URL(fileURLWithPath: file + ".plain"))
        try FileManager.default.removeItem(atPath: file + ".plain")
      } else {
        bytes += try Data(contentsOf: URL(fileURLWithPath: file))
      }
    }
    var parts = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    let rest = parts.removeLast()
    return (parts.map { String(decoding: $0, as: UTF8.self) }, String(decoding: rest, as: UTF8.self))
  }

  /// All events so far, of both series, by time; a line that is being written is left out.
  func all() throws -> [Event] {
    var main = try lines().lines.map { try Event($0) }[...]
    var files = try ofFiles.lines().lines.map { try Event($0) }[...]
    var all: [Event] = []
    while let next = main.first ?? files.first {
      let isOfFiles = files.first.map { ($0["timestamp"] ?? "") < (next["timestamp"] ?? "") } ?? false
      let first = isOfFiles || main.isEmpty ? files.popFirst() : main.popFirst()
      if let first { all.append(first) }
    }
    return all
  }

  /// The events of one type so far.
  func all(_ type: String) throws -> [Event] { try all().filter { $0.type == type } }

  /// Waits for an event of this type for which `matches` holds.
  @discardableResult
  func event(
    _ type: String, within seconds: Double = 30, where matches: (Event) -> Bool = { _ in true }
  ) throws -> Event {
    try events(1, of: type, within: seconds, where: matches)[0]
  }

  /// Waits for this many such events.
  @discardableResult
  func events(
    _ count: Int, of type: String, within seconds: Double = 30, where matches: (Event) -> Bool = { _ in true }
  ) throws -> [Event] {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
      let found = ((try? all()) ?? []).filter { $0.type == type && matches($0) }
      if found.count >= count { return found }
      guard Date() < deadline else {
        let there = ((try? lines().lines) ?? []).joined(separator: "\n")
        throw Failure("\(found.count) of \(count) events \(type) within \(seconds) s in:\n\(there)")
      }
      usleep(10_000)
    }
  }

  private var head: ChainHead? {
    (try? Data(contentsOf: URL(fileURLWithPath: path + ".head"))).flatMap { ChainHead(json: Array($0)[...]) }
  }

  /// The sequence number of the last line.
  var lastNumber: UInt64 { head?.last ?? 0 }

  /// What is wrong with the chain; nil: nothing.
  func problem() throws -> Chain<Int>.Finding? {
    var chain = Chain<Int>(head: head)
    let (lines, rest) = try lines()
    for (number, line) in lines.enumerated() {
      if let problem = chain.add(Array(line.utf8)[...], at: number) { return problem }
    }
    return chain.finish(rest: rest.isEmpty ? nil : lines.count)
  }

  /// What no daemon may write anywhere: the passwords that tests use or try.
  static let passwords = ["right horse", "wrong horse", "battery staple"]

  /// Everything that must hold for every journal that a test leaves: whole, valid by the schema, no event twice, no
  /// secret.
  func check(sourceLocation: SourceLocation) throws {
    let main = try lines().lines
    if main.isEmpty { Issue.record("there is no journal at \(path)", sourceLocation: sourceLocation) }
    let schema = try Schema.ofEvents
    var ids: Set<String> = []
    for line in main + (try ofFiles.lines().lines) {
      let event = try Event(line)
      for fault in schema.faults(in: event.values) {
        Issue.record("\(fault) in \(line)", sourceLocation: sourceLocation)
      }
      if let fault = event.strayKey { Issue.record("\(fault) in \(line)", sourceLocation: sourceLocation) }
      if !ids.insert(event.id).inserted { Issue.record("twice: \(line)", sourceLocation: sourceLocation) }
      for password in Self.passwords where line.contains(password) {
        Issue.record("a password in \(line)", sourceLocation: sourceLocation)
      }
    }
    for series in [self, ofFiles] {
      if let problem = try series.problem() {
        Issue.record("\(series.path): line \(problem.place ?? -1): \(problem.defect)", sourceLocation: sourceLocation)
      }
    }
  }
}

/// The part of JSON Schema that etc/audit-event.schema.json uses.
struct Schema: @unchecked Sendable {
  /// The permitted values of a key.
  private struct Property {
    var mayBeNull = false
    var mayBeText = false
    var mayBeWhole = false
    /// nil: any.
    var texts: Set<String>?
    var number: Double?
    var range = -Double.infinity...Double.infinity
    var pattern: NSRegularExpression?

    init(_ rules: [String: Any]) throws {
      for (word, rule) in rules {
        switch word {
        case "description": continue
        case "type":
          let types = Set(rule as? [String] ?? [rule as? String ?? ""])
          guard types.isSubset(of: ["null", "string", "integer"]) else { throw Failure("type \(types)") }
          mayBeNull = mayBeNull || types.contains("null")
          mayBeText = types.contains("string")
          mayBeWhole = types.contains("integer")
        case "enum":
          let values = rule as? [Any] ?? []
          texts = Set(values.compactMap { $0 as? String })
          mayBeText = true
          mayBeNull = values.contains { $0 is NSNull }
        case "const":
          number = (rule as? NSNumber)?.doubleValue
          mayBeWhole = true
        case "minimum": range = try Self.number(rule)...range.upperBound
        case "maximum": range = range.lowerBound...(try Self.number(rule))
        case "pattern": pattern = try NSRegularExpression(pattern: rule as? String ?? "")
        default: throw Failure("the schema uses \(word)")
        }
      }
    }

    private static func number(_ value: Any) throws -> Double {
      guard let number = value as? NSNumber else { throw Failure("\(value) is no number") }
      return number.doubleValue
    }

    func accepts(_ value: Any) -> Bool {
      if let text = value as? String {
        guard mayBeText, texts?.contains(text) != false else { return false }
        return pattern?.firstMatch(in: text, range: NSRange(location: 0, length: text.utf16.count)) != nil
          || pattern == nil
      }
      if value is NSNull { return mayBeNull }
      guard let value = (value as? NSNumber)?.doubleValue else { return false }
      return mayBeWhole && value == value.rounded() && range.contains(value) && (number == nil || number == value)
    }
  }

  private let properties: [String: Property]
  private let required: [String]

  static var ofEvents: Schema { get throws { try shared.get() } }

  private static let shared = Result { try Schema(path: Daemon.repository + "/etc/audit-event.schema.json") }

  init(path: String) throws {
    let known: Set = [
      "$schema", "$id", "title", "description", "type", "properties", "required", "additionalProperties",
    ]
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    guard let object = try JSONSerialization.jsonObject(with: content) as? [String: Any], Set(object.keys) == known,
      let properties = object["properties"] as? [String: [String: Any]], let required = object["required"] as? [String]
    else { throw Failure("the schema has another form") }
    self.properties = try properties.mapValues(Property.init)
    self.required = required
  }

  /// What is wrong with an object.
  func faults(in object: [String: Any]) -> [String] {
    var faults: [String] = []
    for key in required where object[key] == nil { faults.append("no \(key)") }
    for (key, value) in object {
      guard let property = properties[key] else {
        faults.append("\(key) is unknown")
        continue
      }
      if !property.accepts(value) { faults.append("\(key) is \(value)") }
    }
    return faults
  }
}
