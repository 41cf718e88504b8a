import Foundation
import System
import Testing

/// `hash-password` on a terminal.
@Suite struct PasswordPromptTests {
  /// Starts the program on a terminal of its own.
  private func start(on terminal: Terminal) throws -> ChildProcess {
    let slave = try #require(terminal.slave)
    var request = ChildProcess.Request(
      path: program, arguments: ["bssh-server", "hash-password"], descriptors: [slave, slave, slave])
    request.environment = ["PATH=/usr/bin:/bin"]
    request.newSession = true
    request.controllingTerminal = true
    return try ChildProcess(request)
  }

  /// Reads from the terminal until `text` has come; at most 20 s.
  private func read(_ terminal: Terminal, until text: String) throws -> String {
    var seen = ""
    while !seen.contains(text) {
      guard terminal.master.wait(for: POLLIN, milliseconds: 20_000) else { throw SystemError("read", code: ETIMEDOUT) }
      seen += String(decoding: try terminal.master.read(count: 4096).bytes, as: UTF8.self)
    }
    return seen
  }

  private func type(_ text: String, on terminal: Terminal) throws { try terminal.master.writeAll(Array(text.utf8)) }

  private func echoes(_ terminal: Terminal) throws -> Bool {
    var echoes = false
    try terminal.changeModes { echoes = $0.c_lflag & tcflag_t(ECHO) != 0 }
    return echoes
  }

  private func end(of process: ChildProcess) -> System.ExitStatus? {
    process.descriptor.wait(for: POLLIN, milliseconds: 20_000)
    return process.reap()
  }

  @Test func `a password is prompted for twice, not echoed, and hashed`() throws {
    let terminal = try Terminal()
    let process = try start(on: terminal)
    _ = try read(terminal, until: "Password: ")
    try type("secret\n", on: terminal)
    let second = try read(terminal, until: "Repeat the password: ")
    try type("secret\n", on: terminal)
    let last = try read(terminal, until: "$argon2id$v=19$m=19456,t=2,p=1$")
    #expect(!(second + last).contains("secret"))
    #expect(end(of: process) == .code(0))
    #expect(try echoes(terminal))
  }

  @Test func `two different passwords are refused`() throws {
    let terminal = try Terminal()
    let process = try start(on: terminal)
    _ = try read(terminal, until: "Password: ")
    try type("one\n", on: terminal)
    _ = try read(terminal, until: "Repeat the password: ")
    try type("two\n", on: terminal)
    _ = try read(terminal, until: "the passwords differ")
    #expect(end(of: process) == .code(65))
  }

  @Test func `the terminal echoes again after Ctrl-C`() throws {
    let terminal = try Terminal()
    let process = try start(on: terminal)
    _ = try read(terminal, until: "Password: ")
    #expect(try !echoes(terminal))
    try type("sec\u{3}", on: terminal)
    #expect(end(of: process) == .signal(SIGINT, coreDumped: false))
    #expect(try echoes(terminal))
  }
}
