import CLinux
import Foundation
import System
import Testing

@Suite(.timeLimit(.minutes(5))) struct ChildProcessTests {
  static let isRoot = geteuid() == 0

  /// Runs a shell command to its end; returns its output and how it ended.
  private func run(
    _ command: String, _ change: (inout ChildProcess.Request) -> Void = { _ in }
  ) throws -> (output: String, end: System.ExitStatus) {
    let child: ChildProcess
    let reader: Descriptor
    do {
      let pipe = try Descriptor.pipe()
      reader = pipe.reader
      let null = try Descriptor.open("/dev/null", O_RDWR)
      var request = ChildProcess.Request(
        path: "/bin/sh", arguments: ["sh", "-c", command], descriptors: [null, pipe.writer, null])
      request.environment = ["PATH=/usr/bin:/bin"]
      change(&request)
      child = try ChildProcess(request)
    }
    let output = try reader.readAll(limit: 1 << 20) ?? []
    child.descriptor.wait(for: POLLIN)
    return (String(decoding: output, as: UTF8.self), try #require(child.reap()))
  }

  @Test func `a process gets the descriptors of its request and no others`() throws {
    // The shell waits for ls meanwhile, and has no descriptor of its own.
    #expect(try run("ls /proc/$$/fd; exit 0").output == "0\n1\n2\n")
    let more = try Descriptor.memory(name: "x")
    #expect(try run("ls /proc/$$/fd; exit 0") { $0.descriptors += [more, more] }.output == "0\n1\n2\n3\n4\n")
  }

  @Test func `the environment is the one of the request, with nothing of ours`() throws {
    let output = try run("") {
      $0.environment = ["A=1"]
      $0.environmentBytes = [[66, 61, 0xff]]
      $0.arguments[2] = "/bin/cat /proc/$$/environ | /usr/bin/od -An -c | /usr/bin/tr -d ' \\n'"
    }.output
    #expect(output == "A=1\\0B=377\\0")
  }

  @Test func `arguments need not be UTF-8`() throws {
    let output = try run("printf %s \"$1\" | od -An -tx1") { $0.argumentBytes = [[97], [0xff, 0xfe]] }.output
    #expect(output == " ff fe\n")
  }

  @Test(arguments: [0, 1, 7, 127, 255] as [Int32]) func `an exit code is reported`(code: Int32) throws {
    #expect(try run("exit \(code)").end == .code(code))
  }

  @Test func `a killing signal is reported`() throws {
    #expect(try run("kill -KILL $$").end == .signal(SIGKILL, coreDumped: false))
    #expect(System.ExitStatus.signal(9, coreDumped: false).description == "killed by signal 9")
    #expect(System.ExitStatus.signal(11, coreDumped: true).description == "killed by signal 11 (core dumped)")
    #expect(System.ExitStatus.code(1).description == "exited with 1")
  }

  @Test(arguments: [("/nowhere/at/all", ENOENT), ("/etc/passwd", EACCES), ("/etc", EACCES)])
  func `a program that cannot be started throws the reason`(path: String, code: Int32) throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    #expect(throws: SystemError("start \(path)", code: code)) {
      _ = try ChildProcess(ChildProcess.Request(path: path, arguments: ["x"], descriptors: [null]))
    }
  }

  @Test func `more than 64 descriptors are refused`() throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    for (count, isRefused) in [(64, false), (65, true)] {
      let request = ChildProcess.Request(
        path: "/bin/true", arguments: ["true"], descriptors: Array(repeating: null, count: count))
      if isRefused {
        #expect(throws: SystemError.self) { _ = try ChildProcess(request) }
      } else {
        let child = try ChildProcess(request)
        child.descriptor.wait(for: POLLIN)
        #expect(child.reap() == .code(0))
      }
    }
  }

  @Test(.enabled(if: isRoot)) func `a process takes on its identity completely`() throws {
    let output = try run("grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb))' /proc/self/status") {
      $0.identity = Identity(uid: 54401, gid: 54402, groups: [54403, 54404])
    }.output
    let none = "0000000000000000"
    #expect(
      output.split(separator: "\n").map { $0.split { $0 == "\t" || $0 == " " }.joined(separator: " ") } == [
        "Uid: 54401 54401 54401 54401", "Gid: 54402 54402 54402 54402", "Groups: 54403 54404",
        "CapInh: \(none)", "CapPrm: \(none)", "CapEff: \(none)", "CapAmb: \(none)",
      ])
  }

  @Test(
    .enabled(if: isRoot),
    arguments: [
      Identity(uid: .max, gid: 54402, groups: []), Identity(uid: 54401, gid: .max, groups: []),
      Identity(uid: 54401, gid: 54402, groups: [54403, .max]),
      Identity(uid: 54401, gid: 54402, groups: Array(repeating: 54403, count: 65537)),
    ])
  func `an identity that no process can have starts no process`(identity: Identity) {
    #expect(throws: SystemError("start /bin/sh", code: EINVAL)) { _ = try run("id -u") { $0.identity = identity } }
  }

  @Test(.enabled(if: isRoot)) func `groups are accepted in any order, up to the kernel's limit`() throws {
    for groups in [[54409, 54403, 54403, 54401], (1...65536).reversed().map { gid_t($0) }] as [[gid_t]] {
      let output = try run("grep ^Groups /proc/self/status | cut -f2 | wc -w") {
        $0.identity = Identity(uid: 54401, gid: 54402, groups: groups)
      }.output
      #expect(output == "\(groups.count)\n")
    }
  }

  /// A process whose change of identity fails half-way must not go on with its old rights.
  @Test(.enabled(if: isRoot)) func `a process that could change its user ids again is not started`() throws {
    // Bit 2 of the securebits, SECBIT_NO_SETUID_FIXUP: capabilities survive the change of identity, and allow to undo
    // it.
    let setSecureBits: Int32 = 28
    #expect(clinux_prctl(setSecureBits, 1 << 2) == 0)
    defer { #expect(clinux_prctl(setSecureBits, 0) == 0) }
    let result = try run("id -u") { $0.identity = Identity(uid: 54401, gid: 54402, groups: []) }
    #expect(result.output.isEmpty && result.end == .code(127))
  }

  /// Processes of the same user can stop a new process as soon as it has their identity, but must not stop us with it.
  @Test(.enabled(if: isRoot)) func `stopping every process of a user does not hold up the start of one`() throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    func start(_ command: String) throws -> ChildProcess {
      var request = ChildProcess.Request(
        path: "/bin/sh", arguments: ["sh", "-c", command], descriptors: [null, null, null])
      request.identity = Identity(uid: 54405, gid: 54405, groups: [])
      return try ChildProcess(request)
    }
    func end(_ process: ChildProcess) {
      process.signal(SIGKILL)
      process.descriptor.wait(for: POLLIN)
      _ = process.reap()
    }
    let attacker = try start("while :; do kill -STOP -1; done")
    defer { end(attacker) }
    for _ in 0..<300 { end(try start("exit 0")) }
  }

  @Test func `only a child of ours can be adopted`() throws {
    #expect(throws: SystemError.self) { _ = try ChildProcess(adopting: 1) }
    #expect(throws: SystemError.self) { _ = try ChildProcess(adopting: -1) }
  }

  @Test func `umask, limits and directory apply`() throws {
    let output = try run("umask; ulimit -n; ulimit -c; pwd") {
      $0.umask = 0o027
      $0.limits = [.openFiles(77), .coreFile(0)]
      $0.directory = "/usr"
    }.output
    #expect(output == "0027\n77\n0\n/usr\n")
  }

  @Test(.enabled(if: isRoot)) func `a process that may not enter its directory starts in the root directory`() throws {
    let closed = NSTemporaryDirectory() + UUID().uuidString
    mkdir(closed, 0o700)
    defer { rmdir(closed) }
    let identity = Identity(uid: 54401, gid: 54402, groups: [])
    for directory in [closed, "/nowhere/at/all"] {
      let output = try run("pwd") {
        $0.identity = identity
        $0.directory = directory
      }.output
      #expect(output == "/\n")
    }
  }

  @Test func `a process can lead a session with a terminal of its own`() throws {
    let terminal = try Terminal()
    terminal.resize(.init(columns: 91, rows: 17, xPixels: 0, yPixels: 0))
    let slave = try #require(terminal.slave)
    let output = try run("ps -o sid= -p $$ | tr -d ' '; echo $$; stty size </dev/tty; tty") {
      $0.descriptors[0] = slave
      $0.newSession = true
      $0.controllingTerminal = true
    }.output.split(separator: "\n")
    #expect(output.count == 4 && output[0] == output[1])
    #expect(output.suffix(2) == ["17 91", "\(terminal.name)"])
  }

  @Test func `signals are unblocked and have their default action, whatever we do with ours`() throws {
    SignalSource.ignoreBrokenPipes()
    let output = try run("grep -E '^Sig(Blk|Ign)' /proc/$$/status | cut -f2").output
    let masks = output.split(separator: "\n").map { UInt64($0, radix: 16) }
    // The C library reserves signals 32 and 33, and lets nobody set them.
    let own: UInt64 = 3 << 31
    #expect(masks.count == 2 && masks.allSatisfy { $0.map { $0 & ~own } == 0 }, "\(output)")
  }
}
