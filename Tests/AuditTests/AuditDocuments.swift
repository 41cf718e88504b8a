import Foundation
import Testing

@testable import Audit

/// Compares the documents that are generated from the rows of ``EventType`` and ``JournalKey``.
///
/// `BSSH_WRITE_GENERATED=1 $tests --filter AuditDocuments` updates them.
@Suite struct AuditDocuments {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
  private static let writes = ProcessInfo.processInfo.environment["BSSH_WRITE_GENERATED"] != nil

  private func check(_ path: String, _ make: (String) throws -> String) throws {
    let file = Self.root.appending(path: path)
    let text = try String(contentsOf: file, encoding: .utf8)
    let wanted = try make(text)
    if Self.writes, text != wanted { try wanted.write(to: file, atomically: false, encoding: .utf8) }
    #expect(try String(contentsOf: file, encoding: .utf8) == wanted, "\(path) is not what the rows say")
  }

  @Test func `the schema of a line agrees with the table of keys`() throws {
    try check("etc/audit-event.schema.json") { _ in Schema.text }
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(Schema.text.utf8)) as? [String: Any])
    #expect(schema["required"] as? [String] == JournalLine.keys)
    #expect(schema["additionalProperties"] as? Bool == false)
  }

  @Test func `the tables of AUDIT.md agree with the rows`() throws {
    try check("Documentation/AUDIT.md") { text in
      var text = text
      for (name, table) in Tables.all {
        let (start, end) = ("<!-- table: \(name) -->\n", "<!-- end -->")
        let place = try #require(text.range(of: start), "\(name)")
        let rest = try #require(text.range(of: end, range: place.upperBound..<text.endIndex), "\(name)")
        text.replaceSubrange(place.upperBound..<rest.lowerBound, with: table)
      }
      return text
    }
  }

  @Test func `reason codes are well-formed and rows list warnings among their reasons and no common fields`() {
    let codes = Set(EventType.allCases.flatMap(\.row.reasons).map(\.code))
    for code in codes { #expect(code.wholeMatch(of: /[a-z]+(_[a-z]+)*/) != nil, "\(code)") }
    for row in EventType.allCases.map(\.row) {
      #expect(Set(row.warnings).isSubset(of: row.reasons))
      #expect(EventRow.commonFields.isDisjoint(with: row.fields))
    }
  }
}

private enum Schema {
  static var text: String {
    let keys = JournalKey.allCases.map { property($0.rawValue, $0.row) }
    let raw = JournalLine.rawKeys.map { name in
      """
          "\(name)": {
            "description": "\(name.dropLast(4)), in base64",
            "type": "string",
            "pattern": "^[A-Za-z0-9+/]+={0,2}$"
          }
      """
    }
    return """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:bssh:audit-event:\(JournalLine.version)",
        "title": "A line of the journal of bssh-server, version \(JournalLine.version)",
        "description": "Every line has all keys in this order; values that do not apply are null. In texts, U+FFFD replaces invalid UTF-8; the original bytes are then in base64 under the key with the suffix _raw.",
        "type": "object",
        "properties": {
      \((keys + raw).joined(separator: ",\n"))
        },
        "required": [
      \(JournalLine.keys.map { "    \"\($0)\"" }.joined(separator: ",\n"))
        ],
        "additionalProperties": false
      }

      """
  }

  private static func property(_ name: String, _ row: JournalKey.Row) -> String {
    func type(_ name: String) -> String {
      row.isOptional ? "\"type\": [\"\(name)\", \"null\"]" : "\"type\": \"\(name)\""
    }
    var lines = ["\"description\": \(quoted(row.meaning.replacing("`", with: "")))"]
    switch row.form {
    case .text: lines.append(type("string"))
    case .pattern(let pattern): lines += [type("string"), "\"pattern\": \(quoted(pattern))"]
    case .names(let names):
      let values = names.map { "\"\($0)\"" } + (row.isOptional ? ["null"] : [])
      lines.append("\"enum\": [\(values.joined(separator: ", "))]")
    case .number(let range):
      lines += [type("integer"), "\"minimum\": \(range.lowerBound)"]
      if range.upperBound != .max { lines.append("\"maximum\": \(range.upperBound)") }
    case .version: lines.append("\"const\": \(JournalLine.version)")
    }
    return "    \"\(name)\": {\n" + lines.map { "      \($0)" }.joined(separator: ",\n") + "\n    }"
  }

  private static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    JSONText.append(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

private enum Tables {
  static var all: [(String, String)] {
    [("keys", keys), ("events", events), ("reasons", reasons), ("severities", severities), ("attributes", attributes)]
  }

  private static func table(_ head: [String], _ rows: [[String]]) -> String {
    ([head, head.map { _ in "---" }] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }

  private static func code(_ text: String) -> String { "`\(text)`" }

  private static var keys: String {
    table(["key", "is"], JournalKey.allCases.map { [code($0.rawValue), $0.row.meaning] })
  }

  private static var events: String {
    table(
      ["event", "is written when", "`details` has", "other keys"],
      EventType.allCases.map { type in
        let fields = type.row.fields + (type.row.reasons.isEmpty ? [] : [.reason])
        return [
          code(type.rawValue), type.row.meaning, type.row.details,
          fields.map { code($0.rawValue) }.joined(separator: ", "),
        ]
      })
  }

  private static var reasons: String {
    table(
      ["event", "`reason` is one of"],
      EventType.allCases.filter { !$0.row.reasons.isEmpty }.map { type in
        var known: Set<Reason> = []
        let reasons = type.row.reasons.filter { known.insert($0).inserted }
        return [code(type.rawValue), reasons.map { code($0.code) }.joined(separator: ", ")]
      })
  }

  private static func cell(_ levels: Severity.ByResult, _ name: (Severity) -> String) -> String {
    var text = name(levels.success)
    if levels.failure != levels.success {
      text += "; \(name(levels.failure)) unless `success`"
    } else if levels.error != levels.success {
      text += "; \(name(levels.error)) for `error`"
    }
    return text
  }

  private static var severities: String {
    table(
      ["event", "file", "reported by", "severity", "level in the log"],
      EventType.allCases.map { type in
        let reporter =
          switch type.row.reporter {
          case .transfer: "file transfer, session"
          case .session: "session"
          case .supervisor: "supervisor"
          }
        var level = cell(type.row.log) { "\($0)" }
        if !type.row.warnings.isEmpty {
          level += "; warning for " + type.row.warnings.map { code($0.code) }.joined(separator: " and ")
        }
        return [
          code(type.rawValue), type.row.series.path(of: "audit.log"), reporter, cell(type.row.severity, \.name), level,
        ]
      })
      + "\n"
      + table(
        ["severity", "OTLP", "syslog"],
        Severity.allCases.reversed().map { [$0.name, "\($0.number)", "\($0.syslog)"] })
  }

  private static var attributes: String {
    let others = JournalKey.allCases.filter { $0.row.attribute == nil && ![.timestamp, .version].contains($0) }
    return table(
      ["journal", "attribute"],
      JournalKey.allCases.filter { $0.row.attribute != nil && $0 != .host }.map {
        [code($0.rawValue), code($0.attribute)]
      }
        + [
          ["`path_raw`, `dest_path_raw`", "`file.path_raw`, `file.dest_path_raw`"],
          [(others.map { code($0.rawValue) } + ["`command_raw`"]).joined(separator: ", "), "the same"],
        ])
  }
}
