import Foundation
import Testing

@testable import Audit

/// What etc/audit-event.schema.json says, held against the types.
@Suite struct SchemaTests {
  private func schema() throws -> [String: Any] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../etc/audit-event.schema.json")
    return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  @Test func `the documentation has every event and every key`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Documentation/AUDIT.md")
    let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }
    let names = Set(
      rows.flatMap { row in row.split(separator: "|")[0].matches(of: /`(\w+)`/).map { String($0.1) } })
    for name in JournalLine.keys + EventType.allCases.map(\.rawValue) { #expect(names.contains(name), "\(name)") }
    for name in JournalLine.rawKeys { #expect(try String(contentsOf: file, encoding: .utf8).contains("`\(name)`")) }
  }

  private func values(of key: String) throws -> [String]? {
    let properties = try schema()["properties"] as? [String: [String: Any]]
    return (properties?[key]?["enum"] as? [Any])?.compactMap { $0 as? String }
  }

  @Test func `the schema has the keys of a line, and no others`() throws {
    #expect(try schema()["required"] as? [String] == JournalLine.keys)
    #expect(try schema()["additionalProperties"] as? Bool == false)
    let properties = try #require(try schema()["properties"] as? [String: [String: Any]])
    #expect(Set(properties.keys) == Set(JournalLine.keys + JournalLine.rawKeys))
    #expect(properties["v"]?["const"] as? Int == Int(JournalLine.version))
    for (key, value) in properties { #expect(value["description"] is String, "\(key)") }
  }

  @Test func `the schema has the names that a line can hold`() throws {
    #expect(try values(of: "event_type") == EventType.allCases.map(\.rawValue))
    #expect(try values(of: "result") == EventResult.allCases.map(\.rawValue))
    #expect(try values(of: "protocol") == EventProtocol.allCases.map(\.rawValue))
  }
}
