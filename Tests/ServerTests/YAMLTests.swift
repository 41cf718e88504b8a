import Configuration
import Testing

@testable import Server

@Suite struct YAMLTests {
  private func problem(_ text: String) -> String? { problem(Array(text.utf8)) }

  private func problem(_ bytes: [UInt8]) -> String? {
    do throws(Diagnostic) {
      _ = try YAML.parse(bytes, name: "f")
      return nil
    } catch { return error.description }
  }

  @Test func `a document becomes a tree with lines and columns`() throws {
    let tree = try YAML.parse(Array("a:\n  - 1\n  - \"x\"\nb: {c: ~}\n".utf8), name: "f")
    let a = Node(
      .sequence([
        Node(.scalar("1", plain: true), at: .init(line: 2, column: 5)),
        Node(.scalar("x", plain: false), at: .init(line: 3, column: 5)),
      ]), at: .init(line: 2, column: 3))
    let c = Node(.scalar("~", plain: true), at: .init(line: 4, column: 8))
    let b = Node(
      .mapping([.init(key: "c", position: .init(line: 4, column: 5), value: c)]), at: .init(line: 4, column: 4))
    let root = Node(
      .mapping([
        .init(key: "a", position: .init(line: 1, column: 1), value: a),
        .init(key: "b", position: .init(line: 4, column: 1), value: b),
      ]), at: .init(line: 1, column: 1))
    #expect(tree == root)
  }

  @Test(arguments: ["", "# nothing\n", "---\n", "--- ~\n", "\u{feff}"])
  func `a file without content is a node without a value`(text: String) throws {
    let node = try YAML.parse(Array(text.utf8), name: "f")
    #expect(node.content == .scalar("", plain: true) || node.content == .scalar("~", plain: true))
  }

  @Test func `block text is not plain`() throws {
    let node = try YAML.parse(Array("|\n  12\n".utf8), name: "f")
    #expect(node.content == .scalar("12\n", plain: false))
  }

  @Test(arguments: [
    ("a: &x 1\nb: *x\n", "f:1:4: an anchor (&name); anchors and aliases are not allowed"),
    ("a: *x\n", "f:1:4: an alias (*name); write the value out, and text that begins with '*' in quotes"),
    ("a:\n\tb: 1\n", "f:2:1: a tab; YAML is indented with spaces"),
    ("a: [*]\n", "f:1:5: '*' has a special meaning in YAML; text that begins with it must be in quotes, as \"*\""),
    (
      "a: [!root]\n", "f:1:5: '!' has a special meaning in YAML; text that begins with it must be in quotes, as \"!\""
    ),
    ("a: &x [1]\n", "f:1:4: an anchor (&name); anchors and aliases are not allowed"),
    ("a: &x {}\n", "f:1:4: an anchor (&name); anchors and aliases are not allowed"),
    ("a: !!str 1\n", "f:1:4: a tag (!name); tags are not allowed, and text that begins with '!' must be in quotes"),
    ("a: !x [1]\n", "f:1:4: a tag (!name); tags are not allowed, and text that begins with '!' must be in quotes"),
    ("a: 1\n---\nb: 1\n", "f:2:1: a second document; a configuration has one"),
    ("? [a]\n: 1\n", "f:1:3: a key must be text"), ("? {a: 1}\n: 1\n", "f:1:3: a key must be text"),
    ("a: \"x\\0y\"\n", "f:1:4: text contains a NUL or is not UTF-8"),
  ])
  func `refused constructs are named with their place`(text: String, expected: String) {
    #expect(problem(text) == expected)
  }

  @Test(arguments: [
    ("a:\n\tb: 1\n", "f:2:1: "), ("a: [1\n", "f:2:1: "), ("a: 'x\n", "f:2:1: "), ("a: b: c\n", "f:1:5: "),
    ("a: 1\n b: 2\n", "f:2:3: "), ("}", "f:1:1: "), ("a: \u{1}\n", "f:1:"),
  ])
  func `text that is not YAML is reported with its place`(text: String, place: String) throws {
    let found = try #require(problem(text))
    #expect(found.hasPrefix(place), "\(found)")
    #expect(found.contains(text.contains("\t") ? "a tab; YAML is indented with spaces" : "not valid YAML"))
  }

  @Test func `bytes that are not UTF-8 are refused`() throws {
    #expect(try #require(problem([0x61, 0x3a, 0x20, 0xff, 0x0a])).contains("not valid YAML"))
    #expect(problem(Array("a: 1\n".utf16).flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }) != nil)
  }

  @Test func `32 levels are read and 33 are refused`() {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(problem(nested(32)) == nil)
    #expect(problem(nested(33)) == "f:1:33: lists and mappings are nested more than 32 levels deep")
    #expect(problem(nested(100_000)) == "f:1:33: lists and mappings are nested more than 32 levels deep")
  }

  @Test func `8 MiB are read and a byte more is refused`() {
    #expect(problem(Array(repeating: 0x20, count: 8 << 20)) == nil)
    #expect(problem(Array(repeating: 0x20, count: (8 << 20) + 1)) != nil)
  }
}
