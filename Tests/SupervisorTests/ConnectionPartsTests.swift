import Foundation
import Testing

/// The machine of a connection is divided into parts with private state: shown from the sources.
@Suite struct ConnectionPartsTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources/Daemons/bssh-supervisor/Connections")

  /// Each part, and the parts that it may name: a directed graph without a cycle.
  private static let parts: [String: Set<String>] = [
    "AccountLookUp": ["AccountComparison"], "AccountComparison": [], "AuthAttemptLog": [], "ConnectionReport": [],
    "ConnectionSession": [], "ConnectionTerminals": [], "HostKeySigning": [], "LoginLimits": [],
    "LoginReport": ["AuthAttemptLog", "ConnectionReport"], "PenaltyState": [], "UserAuthentication": ["LoginReport"],
  ]

  private static func code(_ part: String) throws -> [Substring] {
    try String(contentsOf: folder.appending(path: "\(part).swift"), encoding: .utf8).split(separator: "\n").filter {
      !$0.drop { $0 == " " }.hasPrefix("//")
    }
  }

  @Test(arguments: parts.keys) func `nobody but a part itself changes its state`(part: String) throws {
    let code = try Self.code(part).drop { !$0.hasPrefix("struct \(part)") }.prefix { $0 != "}" }
    #expect(!code.isEmpty)
    // A stored property has no braces, a computed one has.
    let stored = code.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && $0.contains(" var ") }
      .filter { !$0.hasSuffix("{") && !$0.hasSuffix("}") }
    #expect(stored.allSatisfy { $0.contains("private var ") || $0.contains("private(set) var ") }, "\(stored)")
  }

  @Test(arguments: parts) func `a part names no other part but those that it consists of`(
    part: String, allowed: Set<String>
  ) throws {
    let code = try Self.code(part).joined(separator: "\n")
    let words = Set(code.split { !$0.isLetter }.map(String.init))
    #expect(words.intersection(Self.parts.keys).subtracting([part]) == allowed)
  }
}
