import Foundation
import Testing

/// Checks in the sources that the parts of the connection's state machine have private state.
@Suite struct ConnectionPartsTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources/Daemons/bssh-supervisor/Connections")

  /// Each part, and the parts that it may name: a directed acyclic graph.
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

  @Test(arguments: parts.keys) func `only a part itself changes its state`(part: String) throws {
    let code = try Self.code(part).drop { !$0.hasPrefix("struct \(part)") }.prefix { $0 != "}" }
    #expect(!code.isEmpty)
    // A computed property has braces, a stored one has not.
    let stored = code.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && $0.contains(" var ") }
      .filter { !$0.hasSuffix("{") && !$0.hasSuffix("}") }
    #expect(stored.allSatisfy { $0.contains("private var ") || $0.contains("private(set) var ") }, "\(stored)")
  }

  @Test(arguments: parts) func `a part names only the parts that it consists of`(
    part: String, allowed: Set<String>
  ) throws {
    let code = try Self.code(part).joined(separator: "\n")
    let words = Set(code.split { !$0.isLetter }.map(String.init))
    #expect(words.intersection(Self.parts.keys).subtracting([part]) == allowed)
  }
}
