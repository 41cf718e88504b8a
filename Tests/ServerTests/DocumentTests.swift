import Foundation
import System
import Testing

@testable import Server

/// Compares what the documents of this repository say about its files with these files.
@Suite struct DocumentTests {
  private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  private static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).standardized.path)
  }

  /// Paths of the files below these folders whose names have this ending.
  private static func files(_ folders: [String], _ ending: String) throws -> [String] {
    try folders.flatMap { folder in
      try FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
        .filter { $0.hasSuffix(ending) }.map { "\(folder)/\($0)" }
    }
  }

  /// Paths of all documents.
  private static func documents() throws -> [String] {
    let top = try FileManager.default.contentsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".md") }
    return try top + files([".github", "Documentation", "Sources", "Tests"], ".md")
  }

  /// The anchor of a heading.
  private static func anchor(_ heading: Substring) -> String {
    let letters = heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
    return letters.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: " ", with: "-")
  }

  private static func anchors(_ path: String) throws -> Set<String> {
    Set(try text(path).split(separator: "\n").filter { $0.hasPrefix("#") }.map { anchor($0.drop { $0 == "#" }) })
  }

  @Test func `every link within the repository leads to an existing file, and to an existing heading`() throws {
    var found = 0
    for document in try Self.documents() {
      let folder = (document as NSString).deletingLastPathComponent
      for match in try Self.text(document).matches(of: /\]\(([^()\s]+)\)/) {
        let target = String(match.1)
        if target.contains("://") { continue }
        found += 1
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = parts[0].isEmpty ? document : folder.isEmpty ? parts[0] : "\(folder)/\(parts[0])"
        #expect(Self.exists(path), "\(document): \(target)")
        if parts.count == 2, Self.exists(path) {
          #expect(try Self.anchors(path).contains(parts[1]), "\(document): \(target)")
        }
      }
    }
    #expect(found > 50)
  }

  @Test func `every path that a document names exists`() throws {
    let path = /`((?:Documentation|Fuzz|Sources|Tests|etc|man|scripts|systemd)\/[A-Za-z0-9_+.\/\-]+)(?: [^`]*)?`/
    var found: [String: Int] = [:]
    // The history names paths that no longer exist.
    for document in try Self.documents() where document != "CHANGELOG.md" {
      for match in try Self.text(document).matches(of: path) {
        found[document, default: 0] += 1
        #expect(Self.exists(String(match.1)), "\(document): \(match.1)")
      }
    }
    #expect(found["Documentation/CODE_MAP.md", default: 0] > 100)
    #expect(found["Documentation/RECIPES.md", default: 0] > 20)
  }

  @Test func `decisions are numbered consecutively, have all their parts, and are listed`() throws {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Documentation/decisions").path
    ).filter { $0 != "README.md" }.sorted()
    let list = try Self.text("Documentation/decisions/README.md")
    #expect(names.count >= 8)
    for (index, name) in names.enumerated() {
      let number = String(format: "%04d", index + 1)
      let isNamed = name.hasPrefix(number + "-") && name.hasSuffix(".md")
      #expect(isNamed, "\(name): \(number) is the next number")
      let lines = try Self.text("Documentation/decisions/\(name)").split(
        separator: "\n", omittingEmptySubsequences: false)
      let title = try #require(lines.first)
      #expect(title.hasPrefix("# \(number): "), "\(name)")
      #expect(lines.contains { $0.hasPrefix("Date: 2") && $0.contains("Status: ") }, "\(name)")
      for part in ["Context", "Decision", "Consequences", "What would make us change it"] {
        #expect(lines.contains("## \(part)"), "\(name): \(part)")
      }
      #expect(list.contains("| [\(number)](\(name)) | \(title.dropFirst(8)) |"), "\(name) has its row")
    }
    #expect(list.matches(of: /\| \[\d{4}\]/).count == names.count)
  }

  @Test func `every identifier that the glossary names is in the code`() throws {
    var words: Set<String> = []
    for path in try Self.files(["Sources"], ".swift") {
      var word: [UInt8] = []
      for byte in try Self.text(path).utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
          word.append(byte)
        default:
          if !word.isEmpty { words.insert(String(decoding: word, as: UTF8.self)) }
          word = []
        }
      }
    }
    var found = 0
    for line in try Self.text("Documentation/GLOSSARY.md").split(separator: "\n") where line.hasPrefix("| ") {
      let column = try #require(line.split(separator: "|").last)
      for match in column.matches(of: /`([A-Za-z_][A-Za-z0-9_.]*)(?:\([a-z:]*\))?`/) {
        for word in match.1.split(separator: ".") {
          found += 1
          let isThere = words.contains(String(word))
          #expect(isThere, "'\(word)' is in no source: \(line)")
        }
      }
    }
    #expect(found > 30)
  }

  @Test func `CONTRIBUTING.md has a row for each test target, and for no other`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Tests").path)
    let targets = Set(folders.filter { $0.hasSuffix("Tests") })
    let rows = try Self.text("CONTRIBUTING.md").matches(of: /(?m)^\| `([A-Za-z]+Tests)` \|/).map { String($0.1) }
    #expect(rows.count == Set(rows).count)
    #expect(targets.subtracting(rows).isEmpty, "without a row: \(targets.subtracting(rows).sorted())")
    #expect(Set(rows).subtracting(targets).isEmpty, "not there: \(Set(rows).subtracting(targets).sorted())")
  }

  @Test func `scripts and the package know the same executables as the sources`() throws {
    let names = ExecutableName.allCases.map(\.rawValue)
    let list = try #require(try Self.text("scripts/common.sh").firstMatch(of: /executables=\(([^)]*)\)/))
    #expect(list.1.split { $0.isWhitespace }.map(String.init) == names)
    let package = try Self.text("Package.swift").matches(of: /\.executable\(name: "(bssh-[a-z]+)"/).map { String($0.1) }
    #expect(Set(package) == Set(names) && package.count == names.count)
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("Sources/Daemons").path)
    #expect(Set(folders) == Set(names))
  }

  @Test func `issue forms are YAML, and refer vulnerabilities to SECURITY.md`() throws {
    for path in try Self.files([".github"], ".yml") {
      let text = try Self.text(path)
      _ = try YAML.parse(Array(text.utf8), name: path)
    }
    for path in [".github/ISSUE_TEMPLATE/bug.yml", ".github/PULL_REQUEST_TEMPLATE.md", "CONTRIBUTING.md", "README.md"] {
      #expect(try Self.text(path).contains("SECURITY.md"), "\(path)")
    }
  }
}
