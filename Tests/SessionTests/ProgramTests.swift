import Audit
import Foundation
import IPC
import Model
import System
import Testing

@Suite struct ProgramTests {
  @Test func `a command's exit code reaches the client`() throws {
    let session = try SessionUnderTest.loggedIn()
    let result = try session.run("echo out; echo err >&2; exit 7")
    #expect(result.output == "out\n")
    #expect(result.errors == "err\n")
    #expect(result.end == .exited(channel: 0, status: 7))
  }

  @Test func `a killed command's signal is sent by name`() throws {
    let session = try SessionUnderTest.loggedIn()
    #expect(
      try session.run("ulimit -c 0; kill -USR1 $$").end == .killed(channel: 0, signal: "USR1", coreDumped: false))
    #expect(
      try session.run("kill -XCPU $$; ulimit -c 0", on: 1).end
        != .exited(channel: 1, status: 0))
  }

  @Test func `a megabyte passes through cat unchanged, and closing standard input ends it`() throws {
    let session = try SessionUnderTest.loggedIn()
    var ends = try session.start(.execute(Array("cat".utf8)))
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    var (sent, received) = (bytes[...], [UInt8]())
    while !sent.isEmpty || received.count < bytes.count {
      if case .bytes(let count) = sent.isEmpty ? .wouldBlock : try ends[0].write(sent) { sent = sent.dropFirst(count) }
      let (part, outcome) = try ends[1].read(count: 65536)
      received += part
      if outcome == .ended { break }
      if outcome == .wouldBlock {
        try #require(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
      }
    }
    #expect(received == bytes)
    ends.removeFirst()
    #expect(try session.next().message == .exited(channel: 0, status: 0))
    #expect(try SessionUnderTest.readToEnd(ends[0]) == "")
  }

  @Test func `bytes of a command that are not UTF-8 reach the shell unchanged`() throws {
    let session = try SessionUnderTest.loggedIn()
    let ends = try session.start(.execute(Array("printf %s ".utf8) + [0xe9] + Array(" | od -An -tx1".utf8)))
    #expect(try SessionUnderTest.readToEnd(ends[1]) == " e9\n")
  }

  @Test func `a shell without a terminal is a login shell that reads standard input`() throws {
    let session = try SessionUnderTest.loggedIn()
    let ends = try session.start(.shell)
    #expect(ends.count == 3)
    try ends[0].write("echo $0; exit 3\n")
    #expect(try SessionUnderTest.readToEnd(ends[1]) == "-sh\n")
    #expect(try session.next().message == .exited(channel: 0, status: 3))
  }

  @Test func `a command's argv[0] is the shell's name, without the dash of a login shell`() throws {
    let session = try SessionUnderTest.loggedIn()
    #expect(try session.run("echo $0").output == "sh\n")
  }

  @Test func `a command runs in the user's home with the configured umask`() throws {
    let session = try SessionUnderTest.loggedIn {
      $0.account.home = "/usr"
      $0.umask = 0o027
    }
    #expect(try session.run("pwd; umask").output == "/usr\n0027\n")
  }

  @Test func `without its home a command runs in the root directory and is told so`() throws {
    let session = try SessionUnderTest.loggedIn { $0.account.home = "/nonexistent/home" }
    let result = try session.run("pwd")
    #expect(result.output == "/\n")
    #expect(
      result.errors == "Could not chdir to home directory /nonexistent/home: No such file or directory\n")
    #expect(try session.note().contains("Could not chdir"))
  }

  @Test func `a program that cannot be started is refused, and another may be tried`() throws {
    let session = try SessionUnderTest.loggedIn { $0.account.shell = "/nonexistent/shell" }
    #expect(try session.ask(.shell) == .refused(channel: 0))
    #expect(try session.ask(.execute(Array("true".utf8))) == .refused(channel: 0))
    for kind in [EventProtocol.shell, .exec] {
      let record = try session.record()
      #expect(record.type == .commandExecuted && record.protocol == kind && record.result == .error)
      #expect(record.reason == "not_started" && record.details?.contains("/nonexistent/shell") == true)
    }
  }

  @Test func `a login that may not execute gets neither shell nor command`() throws {
    let session = try SessionUnderTest.loggedIn { $0.mayExecute = false }
    for (number, request) in [ChannelRequest.shell, .execute(Array("true".utf8))].enumerated() {
      let ends = try session.start(request, on: UInt32(number))
      #expect(
        try SessionUnderTest.readToEnd(ends[2]) == "bssh: commands are not allowed for this login (no_commands)\n")
      #expect(try session.next().message == .exited(channel: UInt32(number), status: 126))
    }
    #expect(try session.ask(.subsystem(Array("sftp".utf8)), on: 2) == .refused(channel: 2))
  }

  @Test func `the environment comes from the login, and only TZ from the daemon`() throws {
    let session = try SessionUnderTest.loggedIn(environment: ["TZ=Europe/Berlin", "SECRET=1"]) {
      $0.environment = [EnvironmentVariable(name: "SITE", value: "here")]
    }
    #expect(try session.ask(.environment(name: Array("LC_ALL".utf8), value: [0x43, 0xff])) == .done(channel: 0))
    #expect(
      try session.ask(.environment(name: Array("PATH".utf8), value: Array("/x".utf8))) == .refused(channel: 0))
    let ends = try session.start(.execute(Array("env -0 | LC_ALL=C sort -z".utf8)))
    var bytes: [UInt8] = []
    while true {
      try #require(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
      let (part, outcome) = try ends[1].read(count: 65536)
      bytes += part
      if outcome == .ended { break }
    }
    let variables = bytes.split(separator: 0).map { Array($0) }
    #expect(variables.contains(Array("LC_ALL=C".utf8) + [0xff]))
    let path =
      getuid() == 0
      ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : "/usr/local/bin:/usr/bin:/bin:/usr/games"
    // The shell adds PWD and others.
    let added = ["LC_ALL=", "PWD=", "OLDPWD=", "_=", "SHLVL="]
    let texts = variables.map { String(decoding: $0, as: UTF8.self) }.filter { text in
      !added.contains { text.hasPrefix($0) }
    }
    #expect(
      texts == [
        "HOME=/tmp", "LOGNAME=tester", "MAIL=/var/mail/tester", "PATH=\(path)", "SHELL=/bin/sh", "SITE=here",
        "SSH_CLIENT=192.0.2.1 50000 22", "SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22", "TZ=Europe/Berlin",
        "USER=tester",
      ])
  }

  @Test func `a program has its three descriptors and no others`() throws {
    let session = try SessionUnderTest.loggedIn()
    // Nor may it inherit a second channel's pipes; that channel's program runs as long as we hold them.
    let others = try session.start(.execute(Array("cat".utf8)), on: 1)
    defer { withExtendedLifetime(others) {} }
    let result = try session.run("for n in /proc/self/fd/*; do echo ${n##*/}; done; ls -l /proc/$$/fd | grep -c socket")
    // Descriptor 3 is the directory that the shell lists.
    #expect(["0\n1\n2\n0\n", "0\n1\n2\n3\n0\n"].contains(result.output), "\(result.output)")
  }

  @Test func `a signal reaches the process group of a command`() throws {
    let session = try SessionUnderTest.loggedIn()
    _ = try session.start(.execute(Array("sleep 100; true".utf8)))
    #expect(try session.ask(.signal(Array("NOSUCH".utf8))) == .refused(channel: 0))
    #expect(try session.ask(.signal(Array("TERM".utf8))) == .done(channel: 0))
    #expect(try session.next().message == .killed(channel: 0, signal: "TERM", coreDumped: false))
    #expect(try session.ask(.signal(Array("TERM".utf8))) == .refused(channel: 0))
  }

  @Test func `a background job keeps standard output open, and the exit is sent at once`() throws {
    let session = try SessionUnderTest.loggedIn()
    let ends = try session.start(.execute(Array("sleep 100 & echo $!".utf8)))
    #expect(try session.next().message == .exited(channel: 0, status: 0))
    let text = try SessionUnderTest.read(ends[1], until: "\n")
    let pid = try #require(pid_t(text.dropLast()))
    #expect(try ends[1].read(count: 1).outcome == .wouldBlock)
    #expect(kill(pid, SIGKILL) == 0)
    #expect(try SessionUnderTest.readToEnd(ends[1]) == "")
  }

  @Test func `every request has one reply, in order, on many channels`() throws {
    let session = try SessionUnderTest.loggedIn()
    for channel: UInt32 in 0..<40 { try session.send(.request(channel: channel, .execute(Array("exit 0".utf8)))) }
    var (started, ended): ([UInt32], Set<UInt32>) = ([], [])
    while ended.count < 40 {
      switch try session.next().message {
      case .started(let channel, terminal: false): started.append(channel)
      case .exited(let channel, status: 0): ended.insert(channel)
      case let other: throw Missing(description: "a start or an end, not \(other)")
      }
    }
    #expect(started == Array(0..<40))
  }

  @Test func `the channel after the last allowed one is refused`() throws {
    let session = try SessionUnderTest.loggedIn()
    for channel: UInt32 in 0..<1024 {
      #expect(try session.ask(.subsystem([]), on: channel) == .refused(channel: channel))
    }
    #expect(try session.askForTerminal(on: 1024) == .refused(channel: 1024))
    try session.send(.closed(channel: 7, bytesIn: 0, bytesOut: 0))
    #expect(try session.askForTerminal(on: 1024) == .done(channel: 1024))
  }

  @Test func `a program has the descriptor limit that the session was started with`() throws {
    var limit = rlimit()
    #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    let session = try SessionUnderTest.loggedIn()
    #expect(try session.run("ulimit -Sn").output == "\(limit.rlim_cur)\n")
  }
}
