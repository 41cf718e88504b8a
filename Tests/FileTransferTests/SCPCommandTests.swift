import IPC
import Model
import Testing

private func parse(_ command: String) -> SCPCommand? { SCPCommand.parse(Array(command.utf8)) }

private func texts(_ command: String) -> [String]? {
  parse(command)?.paths.map { String(decoding: $0.bytes, as: UTF8.self) }
}

@Suite struct SCPCommandTests {
  @Test func `options are parsed as by scp`() throws {
    let all = try #require(parse("scp -v -r -p -d -t -- -x"))
    #expect(all.direction == .sink)
    #expect(all.isRecursive && all.preserves && all.needsDirectory)
    #expect(all.paths.map(\.bytes) == [Array("-x".utf8)])
    let none = try #require(parse("/usr/bin/scp  -qf a\tb "))
    #expect(none.direction == .source)
    #expect(!none.isRecursive && !none.preserves && !none.needsDirectory)
    #expect(none.paths.count == 2)
    #expect(parse("scp -prtv .")?.preserves == true)
  }

  @Test(
    arguments: [
      ("a b", ["a", "b"]), ("'a b'", ["a b"]), ("\"a b\"", ["a b"]), ("a\\ b", ["a b"]), ("'a'\"b\"c", ["abc"]),
      ("''", [""]), ("\"\"", [""]), ("'\\'", ["\\"]), ("\"\\a\\\\\\\"\\$\"", ["\\a\\\"$"]), ("\\'", ["'"]),
      ("'*'", ["*"]), ("a#b", ["a#b"]), ("'$x;`|&'", ["$x;`|&"]), ("\\$x", ["$x"]), ("a\\\nb", ["ab"]), ("-", ["-"]),
      ("\"a\\\nb\"", ["ab"]), ("'a\nb'", ["a\nb"]), ("{a,b}", ["{a,b}"]), ("a=b", ["a=b"]), ("!x", ["!x"]),
    ] as [(String, [String])])
  func `words are split as by a shell`(words: String, expected: [String]) {
    #expect(texts("scp -t " + words) == expected)
  }

  @Test(arguments: [
    "", "scp", "scp -t", "scp -f --", "scp a b", "scp -r a", "scp -t -f a", "scp -tf a", "scp -x -t a",
    "scp -t a; id", "scp -t a\nid", "scp -t a|id", "scp -t a&", "scp -t a>b", "scp -t <b", "scp -t $HOME",
    "scp -t `id`", "scp -t \"$HOME\"", "scp -t \"`id`\"", "scp -t (a)", "scp -t a #b", "scp -t 'a", "scp -t \"a",
    "scp -t a\\", "scp -t \"a\\", "scp -t a\0", "scp -t \"a\0\"", "scp -t '\0'", "scp -t \\\0", "SCP -t a", "scpx -t a",
    "/home/a/bin/scp -t a",
    "./scp -t a", "A=b scp -t a", "ls", "sh -c 'scp -t a'", "scp -t -i a",
  ])
  func `anything but a simple call of scp's server side is declined`(command: String) {
    #expect(parse(command) == nil)
  }

  @Test func `quoted bytes are marked`() throws {
    let word = try #require(parse("scp -f a'*'\"?\"\\[*")?.paths.first)
    #expect(word.bytes == Array("a*?[*".utf8))
    #expect(word.isBare == [true, false, false, false, true])
  }

  @Test func `names are bytes, and the program name may be quoted`() throws {
    #expect(SCPCommand.parse(Array("'scp' -t ".utf8) + [0xff, 0xfe])?.paths.first?.bytes == [0xff, 0xfe])
  }

  @Test func `a command that is too long is declined`() {
    let path = String(repeating: "a", count: SCPCommand.lengthLimit - 7)
    #expect(texts("scp -t " + path) == [path])
    #expect(parse("scp -t a" + path) == nil)
  }
}
