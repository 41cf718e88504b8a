import Configuration
import Foundation
import Testing

/// The documents that are made of the rows of ``KeyTable``.
///
/// `BSSH_WRITE_GENERATED=1 $tests --filter ConfigurationDocuments` writes them anew.
@Suite struct ConfigurationDocuments {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
  private static let writes = ProcessInfo.processInfo.environment["BSSH_WRITE_GENERATED"] != nil

  private func check(_ path: String, _ make: (String) -> String) throws {
    let file = Self.root.appending(path: path)
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let wanted = make(text)
    if Self.writes, text != wanted { try wanted.write(to: file, atomically: false, encoding: .utf8) }
    #expect(try String(contentsOf: file, encoding: .utf8) == wanted, "\(path) is not what the rows say")
  }

  @Test func `the sample configuration is what gen-config prints`() throws {
    try check("etc/server.yaml") { _ in Template.commented }
    #expect(try bsshServer("gen-config").output == Template.commented)
  }

  @Test func `the schema is what gen-config prints`() throws {
    try check("etc/server.schema.json") { _ in Schema.text }
    #expect(try bsshServer("gen-config", "--schema").output == Schema.text)
  }

  @Test func `the manual has the form, the default and the other names of every key`() throws {
    try check("man/bssh-server.yaml.5", Manual.completed)
  }

  @Test func `a key that the manual lacks is added with its meaning, and what is written by hand stays`() throws {
    let page = try String(contentsOf: Self.root.appending(path: "man/bssh-server.yaml.5"), encoding: .utf8)
    let keys = [
      ".It Ic server.kex\n", ".It Ic security.session_timeout\n", ".It Ic server.bind_address\n",
    ]
    for key in keys {
      let start = try #require(page.range(of: key))
      let rest = page[start.upperBound...]
      let end = try #require(rest.range(of: key.contains("session_timeout") ? "\n.El" : "\n.It"))
      var without = page
      without.removeSubrange(start.lowerBound...end.lowerBound)
      let completed = Manual.completed(without)
      let head = try #require(completed.range(of: key))
      #expect(completed[head.upperBound...].hasPrefix("Value: "))
      #expect(Manual.completed(completed) == completed)
      #expect(completed[..<head.lowerBound] == page[..<start.lowerBound])
      let next = completed[head.upperBound...].range(of: key.contains("session_timeout") ? "\n.El" : "\n.It")
      let after = try #require(next).lowerBound
      #expect(completed[after...] == rest[end.lowerBound...])
    }
  }
}
