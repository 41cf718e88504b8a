import Configuration
import Testing

@Suite struct SourceMapTests {
  /// The node with a position in this line, and its entries in the lines after it.
  private static func at(_ line: Int, _ node: Node) -> Node {
    var node = node
    node.position = .init(line: line, column: 3)
    if case .sequence(let items) = node.content {
      node.content = .sequence(
        items.enumerated().map { index, item in
          var item = item
          item.position = .init(line: line + 1 + index, column: 5)
          return item
        })
    }
    return node
  }

  private static let users = list(
    mapping(["name": plain("anna"), "methods": at(20, list(plain("publickey"))), "disabled": at(30, plain("true"))]))
  private static let block = mapping([
    "users": list(plain("*")), "auth": mapping(["deny_users": at(40, list(plain("x"), plain("y")))]),
  ])
  private static let root = mapping([
    "auth": mapping(["allow_users": at(10, list(plain("anna"), plain("bert"))), "password": mapping(["users": users])]),
    "match": list(mapping(["users": list(plain("z")), "shell": mapping(["pty": plain("false")])]), block),
  ])

  @Test func `the place of a value is where it is set`() throws {
    let sourceMap = try load(Self.root, environment: ["BSSH_SHELL_PTY": "true"]).sourceMap
    #expect(sourceMap.location(of: "auth.allow_users") == "f.yaml:10:3")
    #expect(sourceMap.location(of: "auth.allow_users", entry: 1) == "f.yaml:12:5")
    #expect(sourceMap.location(of: "auth.allow_users", entry: 9) == "f.yaml:10:3")
    #expect(sourceMap.location(of: "auth.deny_users") == nil)
    #expect(sourceMap.location(of: "shell.pty") == "BSSH_SHELL_PTY")
    #expect(sourceMap.location(of: "auth.deny_users", entry: 1, inBlock: 1) == "f.yaml:42:5")
    for block in [-1, 0, 2] { #expect(sourceMap.location(of: "auth.deny_users", inBlock: block) == nil) }
    #expect(sourceMap.location(ofUserKey: "methods", entry: 0, user: "anna") == "f.yaml:21:5")
    #expect(sourceMap.location(ofUserKey: "disabled", user: "anna") == "f.yaml:30:3")
    #expect(sourceMap.location(ofUserKey: "root", user: "anna") == nil)
    #expect(sourceMap.location(ofUserKey: "disabled", user: "bert") == nil)
  }

  @Test func `the last block that sets a key determines its value`() throws {
    let settings = try load(Self.root).settings
    #expect(settings.origin(of: "auth.deny_users", in: [0, 1]) == 1)
    #expect(settings.origin(of: "shell.pty", in: [0, 1]) == 0)
    #expect(settings.origin(of: "shell.pty", in: [1, 7]) == nil)
  }
}
