import IPC
import Model
import System
import Testing

@testable import Session

/// The program that runs for each request of a client.
@Suite struct PermissionsTests {
  private typealias Choice = Result<Program, Denial>

  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func choices(
    of wanted: [RequestedProgram] = PermissionsTests.wanted, onTerminal: Bool = false,
    _ change: (inout Login) -> Void
  ) -> [Choice] {
    var login = Login.sample
    login.sftp = .sample
    login.scp = .sample
    change(&login)
    let permissions = SessionChannel.Permissions(login)
    return wanted.map { wanted in
      Result { () throws(Denial) in try permissions.program(for: wanted, onTerminal: onTerminal) }
    }
  }

  /// A shell, a command, a call of scp's server, and SFTP.
  private static let wanted: [RequestedProgram] = [.shell, .command(bytes("ls")), .command(bytes("scp -t .")), .sftp]
  private static let copy = Program.scp(bytes("scp -t ."))

  private static func forced(_ line: String) -> [Choice] {
    wanted.map { .success(.forced(ForcedCommand(line: bytes(line), wanted: $0))) }
  }

  @Test func `a login without rules gets what it requests`() {
    #expect(
      Self.choices { _ in } == [
        .success(.shell), .success(.command(Self.bytes("ls"))), .success(Self.copy), .success(.sftp),
      ])
  }

  @Test func `a forced command replaces everything, whoever forces it`() {
    #expect(Self.choices { $0.commands.forced = "date" } == Self.forced("date"))
    #expect(Self.choices { $0.permissions.forcedCommand = Self.bytes("date; id") } == Self.forced("date; id"))
  }

  @Test func `the configuration's forced command takes precedence over a key's`() {
    let choices = Self.choices {
      $0.commands.forced = "date"
      $0.permissions.forcedCommand = Self.bytes("id")
    }
    #expect(choices == Self.forced("date"))
  }

  @Test(arguments: [false, true]) func `a login with SFTP as a forced command gets only SFTP`(byKey: Bool) {
    let choices = Self.choices {
      if byKey {
        $0.permissions.forcedCommand = Self.bytes("internal-sftp")
      } else {
        $0.commands.forced = "internal-sftp"
      }
      // It needs no shell.
      $0.mayExecute = false
    }
    #expect(
      choices == [.failure(.notSFTP), .failure(.notSFTP), .failure(.notSFTP), .success(.forcedSFTP([]))])
  }

  @Test(arguments: [
    ("internal-sftp -R -d '/a b'", ["-R", "-d", "/a b"]), ("internal-sftp\t-u 077", ["-u", "077"]),
    (" internal-sftp", []),
  ]) func `options of a forced SFTP server are its words`(line: String, words: [String]) {
    let choices = Self.choices(of: [.sftp]) { $0.commands.forced = line }
    #expect(choices == [.success(.forcedSFTP(words.map(Self.bytes)))])
  }

  @Test(arguments: ["internal-sftp; id", "internal-sftpx", "'internal-sftp'", "internal-sftp $HOME", "/internal-sftp"])
  func `a command that only looks like SFTP is a command`(line: String) {
    let choices = Self.choices(of: [.sftp]) { $0.commands.forced = line }
    #expect(choices == [.success(.forced(ForcedCommand(line: Self.bytes(line), wanted: .sftp)))])
  }

  @Test func `a forced call of scp's server runs our server`() {
    let choices = Self.choices { $0.commands.forced = "scp -t ." }
    #expect(choices == Array(repeating: .success(Self.copy), count: 4))
    let none = Self.choices {
      $0.commands.forced = "scp -t ."
      $0.scp = nil
    }
    #expect(none == Array(repeating: .failure(.noSCP), count: 4))
  }

  @Test func `what the account's shell closes is denied with its own reason, also for a forced scp`() {
    let refused = Self.choices {
      $0.sftp = nil
      $0.scp = nil
      $0.closedByShell = [.sftp, .scp]
    }
    #expect(refused.last == .failure(.closed))
    #expect(refused.contains(.failure(.closed)) && !refused.contains(.failure(.noSCP)))
    let forced = Self.choices {
      $0.commands.forced = "scp -t ."
      $0.scp = nil
      $0.closedByShell = [.scp]
    }
    #expect(forced == Array(repeating: .failure(.closed), count: 4))
  }

  @Test func `disabled SFTP stays disabled, whatever is forced`() {
    for line in ["date", "internal-sftp"] {
      let choices = Self.choices(of: [.sftp]) {
        $0.commands.forced = line
        $0.sftp = nil
      }
      #expect(choices == [.failure(.noSFTP)])
    }
  }

  @Test func `a login without commands runs no forced command`() {
    let choices = Self.choices {
      $0.permissions.forcedCommand = Self.bytes("date")
      $0.mayExecute = false
    }
    #expect(choices == Array(repeating: .failure(.noCommands), count: 4))
  }

  @Test func `with allowed commands, a shell, SFTP and SCP must be named`() {
    #expect(
      Self.choices { $0.commands.allowed = ["ls"] } == [
        .failure(.noShell), .success(.command(Self.bytes("ls"))), .failure(.notAllowed), .failure(.notAllowed),
      ])
    #expect(
      Self.choices { $0.commands.allowed = ["/bin/sh", "scp *", "internal-sftp"] } == [
        .success(.shell), .failure(.notAllowed), .success(Self.copy), .success(.sftp),
      ])
  }

  @Test func `with blocked commands there is no shell, and named commands are denied`() {
    #expect(
      Self.choices { $0.commands.blocked = ["ls*", "internal-sftp", "*scp*"] } == [
        .failure(.noShell), .failure(.blocked), .failure(.blocked), .failure(.blocked),
      ])
    #expect(
      Self.choices { $0.commands.blocked = ["sudo *"] } == [
        .failure(.noShell), .success(.command(Self.bytes("ls"))), .success(Self.copy), .success(.sftp),
      ])
  }

  /// Users write their own authorized_keys.
  @Test func `a key's forced command must be allowed by the configuration`() {
    func choices(_ line: String, _ rules: CommandRules) -> [Choice] {
      Self.choices {
        $0.commands = rules
        $0.permissions.forcedCommand = Self.bytes(line)
      }
    }
    for line in ["/bin/sh", "ls; sh", "internal-sftp", "scp -t /"] {
      #expect(choices(line, CommandRules(allowed: ["ls"])) == Array(repeating: .failure(.notAllowed), count: 4))
    }
    #expect(choices("ls", CommandRules(allowed: ["ls"])) == Self.forced("ls"))
    #expect(choices("su -", CommandRules(blocked: ["su*"])) == Array(repeating: .failure(.blocked), count: 4))
  }

  @Test func `files are not transferred on a terminal`() {
    #expect(
      Self.choices(of: [Self.wanted[2], .sftp], onTerminal: true) { _ in }
        == [.failure(.onTerminal), .failure(.onTerminal)])
    #expect(
      Self.choices(of: [.sftp], onTerminal: true) { $0.commands.forced = "internal-sftp" } == [.failure(.onTerminal)])
    #expect(Self.choices(of: [.sftp], onTerminal: true) { $0.commands.forced = "scp -f ." } == [.failure(.onTerminal)])
  }

  @Test func `only a program that the client chose itself takes its signals`() {
    func takes(_ program: Program, _ change: (inout Login) -> Void = { _ in }) -> Bool {
      var login = Login.sample
      change(&login)
      return SessionChannel.Permissions(login).maySignal(program)
    }
    for program in [Program.shell, .command(Self.bytes("ls"))] {
      #expect(takes(program))
      #expect(takes(program) { $0.commands.blocked = ["su"] })
      #expect(!takes(program) { $0.commands.allowed = ["*"] })
    }
    for program in [
      Program.sftp, .forcedSFTP([]), Self.copy, .forced(ForcedCommand(line: Self.bytes("ls"), wanted: .shell)),
    ] { #expect(!takes(program)) }
  }

  @Test func `a key without pty gets no terminal`() {
    var login = Login.sample
    #expect(SessionChannel.Permissions(login).mayHaveTerminal)
    login.permissions.terminal = false
    #expect(!SessionChannel.Permissions(login).mayHaveTerminal)
    login.permissions.terminal = true
    login.mayHaveTerminal = false
    #expect(!SessionChannel.Permissions(login).mayHaveTerminal)
  }

  @Test func `every denial has its own code and a message of one line`() {
    let all = Denial.allCases
    #expect(Set(all.map(\.rawValue)).count == all.count)
    for words in all.map(\.words) { #expect(words.hasPrefix("bssh: ") && !words.contains("\n")) }
    #expect(RequestedProgram.command(Array("a\u{1b}\n".utf8)).description.allSatisfy { $0 != "\n" && $0 != "\u{1b}" })
  }

  @Test func `a denial is reported to the client and the log`() throws {
    let session = try SessionUnderTest.loggedIn { $0.commands.allowed = ["echo in"] }
    let ends = try session.start(.execute(Self.bytes("echo in; id")), on: 3)
    #expect(try SessionUnderTest.readToEnd(ends[1]).isEmpty)
    #expect(try SessionUnderTest.readToEnd(ends[2]) == "bssh: this command is not allowed (command_not_allowed)\n")
    #expect(try session.next().message == .exited(channel: 3, status: 126))
    #expect(try session.ask(.shell, on: 3) == .refused(channel: 3))
    #expect(try session.ask(.subsystem(Self.bytes("sftp")), on: 4) == .refused(channel: 4))
    let blocked = try session.record()
    #expect(blocked.type == .commandBlocked && blocked.result == .denied && blocked.protocol == .exec)
    #expect(blocked.command == Self.bytes("echo in; id") && blocked.reason == "command_not_allowed")
    let refused = try session.record()
    #expect(refused.type == .commandBlocked && refused.protocol == .sftp && refused.reason == "no_sftp")
    #expect([blocked.channel, refused.channel] == [3, 4])
    #expect(try session.run("echo in").output == "in\n")
  }

  @Test func `a forced command gets SSH_ORIGINAL_COMMAND, except for a shell`() throws {
    let session = try SessionUnderTest.loggedIn {
      $0.permissions.forcedCommand = Self.bytes("echo \"<${SSH_ORIGINAL_COMMAND-none}>\"")
      $0.sftp = .sample
    }
    #expect(try session.run("ls -l 'a b'").output == "<ls -l 'a b'>\n")
    let requests = [(ChannelRequest.shell, "none"), (.subsystem(Self.bytes("sftp")), "internal-sftp")]
    for (number, (request, original)) in requests.enumerated() {
      let ends = try session.start(request, on: UInt32(number) + 1)
      #expect(try SessionUnderTest.readToEnd(ends[1]) == "<\(original)>\n")
      _ = try session.next()
    }
    #expect(try session.ask(.subsystem(Self.bytes("netconf")), on: 9) == .refused(channel: 9))
  }

  @Test func `the time limit applies to a forced command that replaces a command`() throws {
    let session = try SessionUnderTest.loggedIn {
      $0.permissions.forcedCommand = Self.bytes("exec sleep 1000")
      $0.commandTimeout = 1
    }
    _ = try session.start(.shell, on: 0)
    _ = try session.start(.execute(Self.bytes("ls")), on: 1)
    guard case .announce(channel: 1, _) = try session.next().message else {
      Issue.record("another word first")
      return
    }
    #expect(try session.next().message == .killed(channel: 1, signal: "TERM", coreDumped: false))
  }
}
