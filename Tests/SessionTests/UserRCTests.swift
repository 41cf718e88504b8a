import Foundation
import IPC
import System
import Testing

@testable import Session

/// `~/.ssh/rc`.
@Suite struct UserRCTests {
  /// A home directory with this text in .ssh/rc, and a login there.
  private static func withHome(
    _ text: String, _ change: (inout Login) -> Void = { _ in }, _ body: (SessionUnderTest, String) throws -> Void
  ) throws {
    let home = "/tmp/bssh rc's \(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: home + "/.ssh", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: home) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: home + "/.ssh/rc"))
    try body(
      try SessionUnderTest.loggedIn {
        $0.account.home = home
        change(&$0)
      }, home)
  }

  @Test func `rc runs before a command, with its environment and without its input`() throws {
    try Self.withHome("cat; pwd; echo $USER $SSH_CLIENT; exit 3\n") { session, home throws in
      var ends = try session.start(.execute(Array("echo; cat; exit 5".utf8)))
      try ends[0].write("input")
      ends[0] = ends[1]
      #expect(try SessionUnderTest.readToEnd(ends[1]) == "\(home)\ntester 192.0.2.1 50000 22\n\ninput")
      #expect(try session.next().message == .exited(channel: 0, status: 5))
    }
  }

  @Test func `rc runs before a shell, which is still a login shell`() throws {
    try Self.withHome("echo rc\n") { session, _ throws in
      let ends = try session.start(.shell)
      try ends[0].write("echo $0; exit\n")
      #expect(try SessionUnderTest.readToEnd(ends[1]) == "rc\n-sh\n")
    }
  }

  @Test func `rc runs on the terminal, which the shell gets afterwards`() throws {
    try Self.withHome("test -t 1 && echo on a terminal\n") { session, _ throws in
      try session.askForTerminal()
      let ends = try session.start(.execute(Array("echo ready; read word; echo $word".utf8)))
      try SessionUnderTest.read(ends[0], until: "on a terminal\r\nready\r\n")
      try ends[0].write("typed\n")
      try SessionUnderTest.read(ends[0], until: "typed\r\ntyped\r\n")
    }
  }

  @Test func `with an rc, a command keeps its bytes and its signals`() throws {
    try Self.withHome("true\n") { session, _ throws in
      let ends = try session.start(.execute(Array("printf '".utf8) + [0xff] + Array("\\n'; exec sleep 1000".utf8)))
      #expect(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
      #expect(try ends[1].read(count: 2).bytes == [0xff, 10])
      #expect(try session.ask(.signal(Array("TERM".utf8))) == .done(channel: 0))
      #expect(try session.next().message == .killed(channel: 0, signal: "TERM", coreDumped: false))
    }
  }

  @Test func `rc runs before a key's forced command`() throws {
    let change = { (login: inout Login) in login.permissions.forcedCommand = Array("echo forced".utf8) }
    try Self.withHome("echo rc\n", change) { session, _ throws in
      #expect(try session.run("ls").output == "rc\nforced\n")
    }
  }

  @Test(arguments: ["no-user-rc", "forced", "allowed"])
  func `rc does not run if the key forbids it or the configuration restricts commands`(why: String) throws {
    let change = { (login: inout Login) in
      switch why {
      case "forced": login.commands.forced = "echo in"
      case "allowed": login.commands.allowed = ["echo in"]
      default: login.permissions.userRC = false
      }
    }
    try Self.withHome("echo rc\n", change) { session, _ throws in #expect(try session.run("echo in").output == "in\n") }
  }

  @Test func `rc does not run before SFTP, SCP, or a command in their place`() throws {
    var login = Login.sample
    login.account.home = "/"
    for program in [
      Program.sftp, .forcedSFTP([]), .scp([]), .forced(ForcedCommand(line: [], wanted: .sftp)), .shell,
    ] { #expect(!UserRC.isWanted(before: program, of: login)) }
    try Self.withHome("") { _, home throws in
      login.account.home = home
      for program in [Program.sftp, .forcedSFTP([]), .scp([]), .forced(ForcedCommand(line: [], wanted: .sftp))] {
        #expect(!UserRC.isWanted(before: program, of: login))
      }
      for program in [Program.shell, .command([]), .forced(ForcedCommand(line: [], wanted: .command([])))] {
        #expect(UserRC.isWanted(before: program, of: login))
      }
    }
  }
}
