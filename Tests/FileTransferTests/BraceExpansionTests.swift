import Foundation
import IPC
import Model
import System
import Testing

@testable import FileTransfer

@Suite struct BraceExpansionTests {
  private func words(_ text: String) throws -> [String] {
    let word = try #require(ShellWord.split(Array(text.utf8))?.first)
    return try BraceExpansion.words(word).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  @Test(arguments: [
    "a", "{a,b}", "x{a,b}y", "{a,b}{c,d}", "{a,b{c,d}e}", "{a}", "{}", "a{,b}", "{,}", "{a,b", "a,b}", "{{a,b}",
    "{a,b}}",
    "x{a{b,c}", "{a,{b,c}", "{{a,b},{c,d}}", "{a,b,c}{1..2}", "{1..5}", "{5..1}", "{01..10}", "{-2..2}", "{1..9..3}",
    "{9..1..-4}", "{1..3..0}", "{a..e}", "{e..a..2}", "{1..a}", "{1..}", "{..2}", "{1..2..}", "{1..2..x}", "{1...3}",
    "{a..b..c}", "{-05..5..5}", "{é,b}", "{a\\,b}", "\\{a,b}", "'{a,b}'", "{a,'b,c'}", "{a,b}'{c,d}'", "{\"a,b\"}",
    "}{",
    "a{b}c{d,e}f", "{{1..2},x}", "{1..2,3}", "{*,?}", "{+1..3}", "{00..2}",
    "{9223372036854775806..9223372036854775807}", "{99999999999999999999..2}",
  ])
  func `braces are expanded as bash does`(text: String) throws {
    let bash = Process()
    bash.executableURL = URL(fileURLWithPath: "/bin/bash")
    bash.arguments = ["-f", "-c", "printf '%s\\n' \(text)"]
    let output = Pipe()
    bash.standardOutput = output
    try bash.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    bash.waitUntilExit()
    // Without words printf prints an empty line.
    let expected = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(try words(text) == expected)
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      String(repeating: "{a,b}", count: 40), "{1..100000000}", "{-9223372036854775808..9223372036854775807}",
      "{9223372036854775807..-9223372036854775808..-9223372036854775807}", String(repeating: "{", count: 100_000),
      "{" + String(repeating: "x", count: 30_000) + ",y}" + String(repeating: "{a,b}", count: 8),
    ])
  func `a word that would expand to too much is rejected quickly`(text: String) throws {
    let word = try #require(ShellWord.split(Array(text.utf8))?.first)
    do {
      #expect(try BraceExpansion.words(word).count < 10)
    } catch {
      #expect(error == .system(SystemError("glob", code: E2BIG)))
    }
  }

  @Test func `many adjacent braces are expanded in linear time`() throws {
    let text = String(repeating: "{}", count: 60_000) + "{a,b}"
    #expect(try words(text).count == 2)
  }
}
