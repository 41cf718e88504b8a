import Foundation
import IPC
import System
import Testing

@Suite struct TerminalTests {
  @Test func `a shell on a terminal is a login shell with the terminal's size and name`() throws {
    let session = try SessionUnderTest.loggedIn()
    #expect(try session.askForTerminal() == .done(channel: 0))
    let ends = try session.start(.shell)
    #expect(ends.count == 1)
    try ends[0].write("PS1=; stty -echo; echo rea''dy\n")
    try SessionUnderTest.read(ends[0], until: "ready\r\n")
    try ends[0].write("echo $0 $TERM $(stty size) $SSH_TTY $(tty) e''nd\n")
    let text = try SessionUnderTest.read(ends[0], until: "end\r\n")
    let words = text.split(separator: "\r\n").last?.split(separator: " ")
    let line = try #require(words)
    #expect(line.prefix(4) == ["-sh", "xterm", "24", "80"])
    #expect(line[4] == line[5] && line[4].hasPrefix("/dev/pts/"))
    try ends[0].write("exit 5\n")
    #expect(try session.next().message == .exited(channel: 0, status: 5))
    _ = try SessionUnderTest.readToEnd(ends[0])
  }

  @Test func `a window change reaches the terminal`() throws {
    let session = try SessionUnderTest.loggedIn()
    try session.askForTerminal()
    let ends = try session.start(.execute(Array("echo up; read line; stty size".utf8)))
    try SessionUnderTest.read(ends[0], until: "up")
    #expect(
      try session.ask(.windowChange(columns: 132, rows: 50, xPixels: 9, yPixels: 9)) == .done(channel: 0))
    try ends[0].write("\n")
    try SessionUnderTest.read(ends[0], until: "50 132")
    #expect(try session.next().message == .exited(channel: 0, status: 0))
  }

  @Test func `terminal modes are applied`() throws {
    let session = try SessionUnderTest.loggedIn()
    // ECHO off, IUTF8 on, VINTR ^X, VQUIT none, output at 9600.
    let modes: [UInt8] = [
      53, 0, 0, 0, 0, 42, 0, 0, 0, 1, 1, 0, 0, 0, 24, 2, 0, 0, 0, 255, 129, 0, 0, 0x25, 0x80, 0,
    ]
    try session.askForTerminal(modes: modes)
    let ends = try session.start(.execute(Array("stty -a".utf8)))
    let text = try SessionUnderTest.readToEnd(ends[0])
    for expected in [" -echo ", " iutf8", "intr = ^X", "quit = <undef>", "speed 9600 baud"] {
      #expect(text.contains(expected), "\(expected) in \(text)")
    }
  }

  @Test func `modes that no pseudo-terminal has do not keep the client from its terminal`() throws {
    let session = try SessionUnderTest.loggedIn()
    // CS7, PARENB, and ECHO off.
    #expect(
      try session.askForTerminal(modes: [90, 0, 0, 0, 1, 92, 0, 0, 0, 1, 53, 0, 0, 0, 0, 0]) == .done(channel: 0))
    let ends = try session.start(.execute(Array("stty -a".utf8)))
    #expect(try SessionUnderTest.readToEnd(ends[0]).contains(" -echo "))
  }

  @Test func `break interrupts the foreground process group, and not the shell`() throws {
    let session = try SessionUnderTest.loggedIn { $0.account.shell = "/bin/bash" }
    try session.askForTerminal()
    let ends = try session.start(.shell)
    try ends[0].write("PS1=; stty -echo; echo rea''dy\n")
    try SessionUnderTest.read(ends[0], until: "ready\r\n")
    try ends[0].write("sh -c 'echo go''ing; exec sleep 100'\n")
    try SessionUnderTest.read(ends[0], until: "going")
    #expect(try session.ask(.breakSignal(0)) == .done(channel: 0))
    try ends[0].write("echo co''de $?\n")
    try SessionUnderTest.read(ends[0], until: "code 130")
    try ends[0].write("exit 0\n")
    #expect(try session.next().message == .exited(channel: 0, status: 0))
  }

  @Test func `programs on terminals are reported with beginning and end, and no others`() throws {
    let session = try SessionUnderTest.loggedIn()
    _ = try session.run("true", on: 1)
    try session.askForTerminal()
    let ends = try session.start(.execute(Array("tty; echo $PPID; read line".utf8)))
    guard case .began(let channel, let name, let process) = try session.terminal() else {
      Issue.record("no beginning")
      return
    }
    #expect(channel == 0)
    #expect(name.hasPrefix("/dev/pts/"))
    try SessionUnderTest.read(ends[0], until: "\(name)\r\n\(process)\r\n")
    try ends[0].write("\n")
    #expect(try session.terminal() == .ended(name: name))
  }

  @Test func `a login without terminals is refused one and still gets its shell`() throws {
    let session = try SessionUnderTest.loggedIn { $0.mayHaveTerminal = false }
    #expect(try session.askForTerminal() == .refused(channel: 0))
    #expect(try session.start(.shell).count == 3)
  }

  @Test func `shells on terminals show the message of the day, unless .hushlogin exists`() throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent("bssh-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: home) }
    let motd = home.appendingPathComponent("motd").path
    try Data("Be kind.\n".utf8).write(to: URL(fileURLWithPath: motd))
    let session = try SessionUnderTest.loggedIn {
      $0.account.home = home.path
      $0.motd = motd
    }
    func shown(_ request: ChannelRequest, _ channel: UInt32) throws -> String {
      try session.askForTerminal(on: channel)
      let ends = try session.start(request, on: channel)
      try ends[0].write("exit\n")
      let text = try SessionUnderTest.readToEnd(ends[0])
      _ = try session.next()
      return text
    }
    #expect(try shown(.shell, 0).hasPrefix("Be kind.\r\n"))
    #expect(try !shown(.execute(Array("true".utf8)), 1).contains("Be kind."))
    try Data().write(to: home.appendingPathComponent(".hushlogin"))
    #expect(try !shown(.shell, 2).contains("Be kind."))
  }

  @Test func `a message of the day larger than a terminal's buffer does not block the shell`() throws {
    let motd = FileManager.default.temporaryDirectory.appendingPathComponent("bssh-\(UUID().uuidString)")
    try Data(repeating: 0x0a, count: 200_000).write(to: motd)
    defer { try? FileManager.default.removeItem(at: motd) }
    let session = try SessionUnderTest.loggedIn { $0.motd = motd.path }
    try session.askForTerminal()
    let ends = try session.start(.shell)
    try ends[0].write("echo here''iam; exit\n")
    try SessionUnderTest.read(ends[0], until: "hereiam")
  }
}
