import Foundation
import Testing

/// Documentation/COMPATIBILITY.md names what holds each of its rows.
@Suite struct CompatibilityDocument {
  private struct Row {
    let text: Substring
    /// The code spans of the last column.
    let holders: [String]
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(Daemon.repository)/\(path)", encoding: .utf8)
  }

  private let rows: [Row]
  /// The Swift source of all tests.
  private let tests: String

  init() throws {
    let lines = try Self.text("Documentation/COMPATIBILITY.md").split(separator: "\n")
    rows = lines.filter { $0.hasPrefix("| ") && !$0.hasPrefix("|---") && !$0.hasSuffix("| Held by |") }.map { line in
      let column = line.dropLast(2).components(separatedBy: " | ").last ?? ""
      return Row(
        text: line, holders: column.split(separator: "`").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) })
    }
    let folder = "\(Daemon.repository)/Tests"
    let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    tests = try files.filter { $0.hasSuffix(".swift") }.map { try Self.text("Tests/\($0)") }.joined()
  }

  /// Claims of scripts and functions of tools.sh, as tests name them.
  private func claims(_ scripts: (String) -> Bool) throws -> [String] {
    let folder = "Tests/InteropTests/Clients"
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(Daemon.repository)/\(folder)").filter(scripts)
    return try names.flatMap { name throws -> [String] in
      let text = try Self.text("\(folder)/\(name)")
      if name == "tools.sh" {
        return text.matches(of: /(?m)^(\w+)_tool\(\)/).map { String($0.1) }
      }
      return text.matches(of: /@(?:claim|asynchronous)\n(?:async )?def (\w+)\(/).map {
        $0.1.replacingOccurrences(of: "_", with: "-")
      }
    }
  }

  @Test func `every row is held by existing tests`() throws {
    let known = Set(try claims { $0.hasSuffix(".py") || $0 == "tools.sh" })
    #expect(rows.count > 60)
    for row in rows {
      #expect(!row.holders.isEmpty, "nothing holds: \(row.text)")
      for holder in row.holders {
        let isTest = tests.contains("func `\(holder)`(")
        let isClaim = known.contains(holder) && tests.contains("\"\(holder)\"")
        #expect(isTest || isClaim, "\(holder) is no test: \(row.text)")
      }
    }
  }

  @Test func `every case and every tool has a row and is run`() throws {
    let held = Set(rows.flatMap(\.holders))
    let cases = try claims { $0.hasSuffix("_cases.py") || $0 == "tools.sh" }
    #expect(cases.count > 80)
    for name in cases {
      #expect(held.contains(name), "\(name) has no row in Documentation/COMPATIBILITY.md")
      #expect(tests.contains("\"\(name)\""), "no test runs \(name)")
    }
  }
}
