import Foundation
import Testing

@testable import Audit
@testable import Export

/// Compares what Documentation/AUDIT.md states about exporters with the code.
@Suite struct DocumentationTests {
  private func document() throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Documentation/AUDIT.md")
    return try String(contentsOf: file, encoding: .utf8)
  }

  @Test func `the Logstash pipeline uses existing fields and events`() throws {
    let parts = try document().components(separatedBy: "```")
    let pipeline = try #require(parts.first { $0.hasPrefix("logstash\n") })
    let fields = pipeline.matches(of: /\[([a-z_]+)\]|%\{([a-z_]+)\}|match => \["([a-z_]+)"/)
      .compactMap { $0.1 ?? $0.2 ?? $0.3 }
    // `tags` is a field of Logstash itself.
    #expect(Set(fields) == ["event_type", "id", "tags", "timestamp"])
    #expect(fields.allSatisfy { $0 == "tags" || JournalLine.keys.contains(String($0)) })
    let types = pipeline.split(separator: "\n").filter { $0.contains("if [event_type]") }
      .flatMap { $0.split(separator: "{")[0].matches(of: /"([a-z_]+)"/).map { String($0.1) } }
    #expect(!types.isEmpty && types.allSatisfy { EventType(rawValue: $0) != nil }, "\(types)")
  }
}
