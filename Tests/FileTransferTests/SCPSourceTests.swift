import Foundation
import System
import Testing

@testable import FileTransfer

@Suite struct SCPSourceTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  private func chmod(_ name: String, _ mode: mode_t) { _ = Foundation.chmod(scratch.path + "/" + name, mode) }

  /// Accepts everything; returns what is sent.
  private func fetch(_ command: String, gate: any TransferGate = OpenGate(), code: Int32 = 0) throws -> String {
    let client = try SCPConversation(command, root: scratch.path, gate: gate)
    try client.send([UInt8](repeating: 0, count: 1000))
    let sent = try client.read(1 << 20)
    #expect(try client.finish() == code)
    return String(decoding: sent, as: UTF8.self)
  }

  @Test func `a file is sent as record, content and status`() throws {
    try scratch.write("a b", "hello")
    chmod("a b", 0o6640)
    let client = try SCPConversation("scp -f 'a b'", root: scratch.path)
    try client.send("\0")
    try client.expect("C0640 5 a b\n")
    try client.send("\0")
    try client.expect("hello\0")
    try client.send("\0")
    #expect(try client.finish() == 0)
  }

  @Test func `times precede the record with -p`() throws {
    try scratch.write("x", "")
    chmod("x", 0o600)
    let file = try RootedFileSystem(root: scratch.path)
    try file.change(
      Array("/x".utf8),
      FileChange(times: .init(access: .init(seconds: 7), modification: .init(seconds: 5, nanoseconds: 9))),
      following: true)
    #expect(try fetch("scp -p -f x") == "T5 0 7 0\nC0600 0 x\n\0")
  }

  @Test func `a directory is sent only with -r`() throws {
    try scratch.write("d/e/x", "1")
    try scratch.link("d/e/broken", to: "nowhere")
    chmod("d", 0o750)
    chmod("d/e", 0o1777)
    chmod("d/e/x", 0o600)
    let sent = try fetch("scp -r -f /d/", code: 1)
    #expect(sent.hasPrefix("D0750 0 d\nD0777 0 e\n"))
    #expect(sent.contains("C0600 1 x\n1\0"))
    #expect(sent.contains("\u{1}scp: /d/e/broken: No such file or directory\n"))
    #expect(sent.hasSuffix("E\nE\n"))
    #expect(try fetch("scp -f /d", code: 1) == "\u{1}scp: /d: not a regular file\n")
  }

  @Test func `a link back to a parent directory is not followed`() throws {
    try scratch.write("d/x", "1")
    try scratch.link("d/again", to: "../d")
    let sent = try fetch("scp -r -f d", code: 1)
    #expect(sent.contains("\u{1}scp: d/again: a link leads back to a directory that it is in\n"))
    #expect(sent.hasSuffix("E\n"))
  }

  @Test func `a missing file is reported, and the others are sent`() throws {
    try scratch.write("b", "2")
    chmod("b", 0o600)
    mkfifo(scratch.path + "/pipe", 0o600)
    let sent = try fetch("scp -f a pipe b", code: 1)
    #expect(
      sent == "\u{1}scp: a: No such file or directory\n\u{1}scp: pipe: not a regular file\nC0600 1 b\n2\0")
  }

  @Test func `a name with a newline is encoded as by OpenSSH's scp`() throws {
    try scratch.write("d/a\nC0644 1 b", "2")
    chmod("d/a\nC0644 1 b", 0o600)
    #expect(try fetch("scp -r -f d").hasSuffix("\nC0600 1 a\\^JC0644 1 b\n2\0E\n"))
    // A directory as well, which OpenSSH's scp cannot send.
    try scratch.write("e/new\nline/x", "3")
    chmod("e/new\nline", 0o700)
    chmod("e/new\nline/x", 0o600)
    #expect(try fetch("scp -r -f e").hasSuffix("\nD0700 0 new\\^Jline\nC0600 1 x\n3\0E\nE\n"))
  }

  @Test(arguments: ["new\nline", "\n", "back\\slash\n", "tab\t blank \n", "\u{1}\u{1b}\u{7f}\n", "é\n", "it's\n*?\n"])
  func `Debian's scp encodes these names in the same way`(name: String) throws {
    try scratch.write(name, "x")
    chmod(name, 0o600)
    let word = "'" + name.replacingOccurrences(of: "'", with: "'\\''") + "'"
    let theirs = Process()
    theirs.executableURL = URL(fileURLWithPath: "/bin/sh")
    theirs.arguments = ["-c", "cd '\(scratch.path)' && printf '\\0\\0\\0' | scp -f \(word)"]
    let output = Pipe()
    theirs.standardOutput = output
    try theirs.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    theirs.waitUntilExit()
    #expect(try fetch("scp -f \(word)") == String(decoding: data, as: UTF8.self))
  }

  @Test func `bytes that are not ASCII are encoded only in a name with a newline`() {
    #expect(SCPName.line(Array("a\n".utf8) + [0x80, 0xa0, 0xc3, 0xff]) == Array("a\\^J\\M^@\\240\\M-C\\M^?".utf8))
    #expect(SCPName.line([0xff, 0x80, 0x5c]) == [0xff, 0x80, 0x5c])
  }

  @Test func `a file that shrinks is padded, one that grows is cut, and the stream stays in sync`() throws {
    for (name, text) in [("shrinks", "abcdef"), ("grows", "abcdef")] { try scratch.write(name, text) }
    for name in ["shrinks", "grows"] { chmod(name, 0o600) }
    let client = try SCPConversation("scp -f shrinks grows", root: scratch.path)
    try client.send("\0")
    try client.expect("C0600 6 shrinks\n")
    try scratch.write("shrinks", "ab")
    try client.send("\0")
    try client.expect("ab\0\0\0\0\u{1}scp: shrinks: the file became shorter while it was sent\n")
    try client.send("\u{1}so I see\n")
    try client.expect("C0600 6 grows\n")
    try scratch.write("grows", "abcdefghi")
    try client.send("\0")
    try client.expect("abcdef\0")
    try client.send("\0")
    #expect(try client.finish() == 1)
  }

  @Test func `a file that the client refuses is skipped, and a fatal response ends the transfer`() throws {
    for name in ["a", "b", "c"] {
      try scratch.write(name, name)
      chmod(name, 0o600)
    }
    let client = try SCPConversation("scp -f a b c", root: scratch.path)
    try client.send("\0")
    try client.expect("C0600 1 a\n")
    try client.send("\u{1}no\n")
    try client.expect("C0600 1 b\n")
    try client.send("\u{2}enough\n")
    #expect(try client.finish() == 1)
  }

  @Test func `an invalid response ends the transfer`() throws {
    let client = try SCPConversation("scp -f a", root: scratch.path)
    try client.send("C0644 1 a\n")
    try client.expectProblem("protocol error: expected an answer")
    #expect(try client.finish() == 1)
  }

  @Test(
    arguments: [
      ("*", ["a1", "a2", "b[1]", "é"]), ("a*", ["a1", "a2"]), ("a?", ["a1", "a2"]), ("[!a]*", ["b[1]", "é"]),
      ("a[2-9]", ["a2"]), (".*den", [".hidden"]), ("'a*'", []), ("a\\*", []), ("b[1]", ["b[1]"]), ("b'['*", ["b[1]"]),
      ("d/*", ["x"]), ("*/x", ["x"]), ("*/*", ["x"]), ("~/a1", ["a1"]), ("~alice/a1", ["a1"]), ("~bob/a1", []),
      ("'~'/a1", []), ("\\~/a1", []), ("/d/../a[1]", ["a1"]), ("[", []), ("**", ["a1", "a2", "b[1]", "é"]),
      ("{a1,a2}", ["a1", "a2"]), ("'{a1,a2}'", []), ("a{2,1}", ["a2", "a1"]), ("{b*,a*}", ["b[1]", "a1", "a2"]),
      ("{,d/}x", ["x"]), ("{~,/d/..}/a1", ["a1", "a1"]), ("a{1..3}", ["a1", "a2"]), ("a{1,\\*}", ["a1"]),
      ("../../*1", ["a1"]), ("nothing*", []), ("*/nothing", []),
    ] as [(String, [String])])
  func `words are expanded as by a shell`(word: String, expected: [String]) throws {
    for name in ["a1", "a2", "b[1]", ".hidden", "é", "d/x"] { try scratch.write(name) }
    let client = try SCPConversation("scp -f \(word)", root: scratch.path)
    try client.send([UInt8](repeating: 0, count: 100))
    let sent = String(decoding: try client.read(1 << 20), as: UTF8.self)
    _ = try client.finish()
    let names = sent.split(separator: "\n").compactMap { line in
      line.drop { $0 == "\0" }.hasPrefix("C0") ? line.split(separator: " ", maxSplits: 2).last.map(String.init) : nil
    }
    #expect(names == expected, "\(sent.debugDescription)")
  }

  @Test func `a word that expands to more paths than the limit fails`() throws {
    var path = ""
    for number in 0..<15 { path += "/\(number)" + String(repeating: "x", count: 240) }
    for number in 0..<2300 { try scratch.write("\(path)/\(number)") }
    let client = try SCPConversation("scp -f */*/*/*/*/*/*/*/*/*/*/*/*/*/*/*", root: scratch.path)
    try client.send([0])
    let word = Array(repeating: "*", count: 16).joined(separator: "/")
    try client.expectProblem("\(word): Argument list too long")
    #expect(try client.finish() == 1)
  }

  @Test func `links that lead out of the root fail`() throws {
    let outside = try ScratchDirectory()
    try outside.write("secret", "hidden words")
    try scratch.link("file", to: outside.path + "/secret")
    try scratch.link("dir", to: outside.path)
    for path in ["file", "dir/secret", "dir/*", "../../../../\(outside.path)/secret", outside.path + "/*"] {
      #expect(try !fetch("scp -f \(path)", code: 1).contains("hidden words"))
    }
    try scratch.write("d/x")
    try scratch.link("d/out", to: outside.path)
    #expect(try !fetch("scp -r -f d", code: 1).contains("hidden words"))
  }
}
