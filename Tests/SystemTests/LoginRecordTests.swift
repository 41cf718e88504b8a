import Foundation
import System
import Testing

private func isInstalled(_ program: String) -> Bool { access("/usr/bin/\(program)", X_OK) == 0 }

/// The files written here, read with the system's own programs. The files are private, never the machine's.
@Suite struct LoginRecordTests {
  private let folder: String
  private let files: LoginRecordFiles

  init() throws {
    var template = Array("/tmp/bssh-login-records.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    folder = String(cString: made)
    files = LoginRecordFiles(
      now: "\(folder)/utmp", history: "\(folder)/wtmp", last: "\(folder)/lastlog", refused: "\(folder)/btmp")
  }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private func makeFiles() throws {
    for path in [files.now, files.history, files.last, files.refused] {
      try Data().write(to: URL(fileURLWithPath: path))
    }
  }

  /// 2026-03-04 05:06:07.25 UTC
  private let time: Int64 = 1_772_600_767_250_000

  private func login(_ user: String, _ terminal: String, from address: String = "192.0.2.7") -> LoginRecord {
    LoginRecord(user: user, terminal: terminal, process: getpid(), address: address, time: time)
  }

  /// The output of a program, in UTC, with single spaces.
  private func output(_ words: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.environment = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC", "LC_ALL": "C"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: "\n")
  }

  @Test func `who shows a login until it ends`() throws {
    defer { remove() }
    try makeFiles()
    #expect(files.began(login("alice", "pts/3"), uid: 1000) == [])
    #expect(files.began(login("bob", "pts/13", from: "2001:db8::1"), uid: 1001) == [])
    #expect(
      try output("who", files.now) == """
        alice pts/3 Mar 4 05:06 (192.0.2.7)
        bob pts/13 Mar 4 05:06 (2001:db8::1)
        """)
    #expect(files.ended(login("alice", "pts/3")) == [])
    #expect(try output("who", files.now) == "bob pts/13 Mar 4 05:06 (2001:db8::1)")
    // Another user has the terminal then; its slot is reused.
    #expect(files.began(login("carol", "pts/3"), uid: 1002) == [])
    #expect(try output("who", files.now).hasPrefix("carol pts/3"))
    let entry = MemoryLayout<utmpx>.stride
    #expect(try FileManager.default.attributesOfItem(atPath: files.now)[.size] as? Int == 2 * entry)
  }

  @Test(.enabled(if: isInstalled("last"), "this system has no last(1)"))
  func `last shows when a login began and ended`() throws {
    defer { remove() }
    try makeFiles()
    var alice = login("alice", "pts/3", from: "2001:db8::1")
    #expect(files.began(alice, uid: 1000) == [])
    alice.time += 3_720_000_000
    #expect(files.ended(alice) == [])
    #expect(
      try output("last", "-i", "-f", files.history)
        .hasPrefix("alice pts/3 2001:db8::1 Wed Mar 4 05:06 - 06:08 (01:02)\n"))
  }

  @Test(.enabled(if: isInstalled("lastb"), "this system has no lastb(1)"))
  func `lastb shows a refused login`() throws {
    defer { remove() }
    try makeFiles()
    #expect(files.refused(login("mallory", "ssh:notty", from: "203.0.113.9")) == [])
    #expect(
      try output("lastb", "-f", files.refused)
        .hasPrefix("mallory ssh:notty 203.0.113.9 Wed Mar 4 05:06 - 05:06 (00:00)\n"))
    #expect(try output("who", files.now) == "")
  }

  @Test(.enabled(if: geteuid() == 0 && isInstalled("lastlog"), "needs root and lastlog(8), which reads one path only"))
  func `lastlog shows the last login of an account`() throws {
    defer { remove() }
    try makeFiles()
    #expect(files.began(login("root", "pts/1", from: "198.51.100.1"), uid: 0) == [])
    #expect(files.began(login("root", "pts/2"), uid: 0) == [])
    #expect(files.began(login("games", "pts/3"), uid: 5) == [])
    let script = "mount --bind \(folder) /var/log && lastlog | tail -n +2 | grep -v Never"
    #expect(
      try output("unshare", "-m", "sh", "-c", script) == """
        root pts/2 192.0.2.7 Wed Mar 4 05:06:07 +0000 2026
        games pts/3 192.0.2.7 Wed Mar 4 05:06:07 +0000 2026
        """)
  }

  @Test func `a missing file is not created, and something that is not a regular file is an error`() throws {
    defer { remove() }
    let alice = login("alice", "pts/3")
    #expect(files.began(alice, uid: 1000) + files.ended(alice) + files.refused(alice) == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    mkfifo(files.history, 0o600)
    try FileManager.default.createDirectory(atPath: files.refused, withIntermediateDirectories: false)
    try Data().write(to: URL(fileURLWithPath: files.now))
    #expect(files.began(alice, uid: 1000).map(\.code) == [ENXIO])
    #expect(files.refused(alice).map(\.code) == [EISDIR])
    #expect(try output("who", files.now).hasPrefix("alice"))
  }

  @Test func `held files are written until others replace them, and the replacement is noticed`() throws {
    defer { remove() }
    try makeFiles()
    try FileManager.default.removeItem(atPath: files.last)
    var files = files
    #expect(!files.areReplaced)
    files.hold()
    #expect(!files.areReplaced)
    #expect(files.began(login("alice", "pts/3"), uid: 0) == [])
    #expect(!files.areReplaced)
    rename(files.history, files.history + ".1")
    #expect(files.areReplaced)
    #expect(files.ended(login("alice", "pts/3")) == [])
    let entry = MemoryLayout<utmpx>.stride
    #expect(try FileManager.default.attributesOfItem(atPath: files.history + ".1")[.size] as? Int == 2 * entry)
    #expect(!FileManager.default.fileExists(atPath: files.history))
    rename(files.history + ".1", files.history)
    #expect(!files.areReplaced)
    try Data().write(to: URL(fileURLWithPath: files.last))
    #expect(files.areReplaced)
  }

  @Test func `the owner of a pseudo-terminal is found, and other files are no terminals`() throws {
    let terminal = try Terminal()
    #expect(TerminalOwner(of: String(terminal.name.dropFirst("/dev/".count))) == .user(geteuid()))
    #expect(TerminalOwner(of: "pts/4294967295") == .nobody)
    #expect(TerminalOwner(of: "pts") == .notTerminal)
    #expect(TerminalOwner(of: "fd") == .notTerminal)
  }

  @Test func `names that are too long are truncated, and a damaged file does no harm`() throws {
    defer { remove() }
    try makeFiles()
    try Data(repeating: 0xff, count: 1000).write(to: URL(fileURLWithPath: files.now))
    let long = LoginRecord(
      user: String(repeating: "u", count: 100), terminal: String(repeating: "t", count: 100), process: 1,
      address: String(repeating: "a", count: 1000), time: .max)
    #expect(files.began(long, uid: 70_000) == [])
    #expect(files.ended(long) == [])
    let history = try Data(contentsOf: URL(fileURLWithPath: files.history))
    #expect(history.range(of: Data((String(repeating: "u", count: 32) + "aaa").utf8)) != nil)
  }

  @Test func `a lock of another process blocks nothing`() throws {
    defer { remove() }
    try makeFiles()
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    holder.arguments = [
      "-c",
      """
      import fcntl, sys
      files = [open(path, "r+b") for path in sys.argv[1:]]
      for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
      print("held", flush=True)
      sys.stdin.read()
      """, files.now, files.history, files.refused,
    ]
    let (input, output) = (Pipe(), Pipe())
    holder.standardInput = input
    holder.standardOutput = output
    try holder.run()
    #expect(output.fileHandleForReading.readData(ofLength: 5) == Data("held\n".utf8))
    #expect(files.began(login("alice", "pts/3"), uid: 0) == [])
    #expect(files.refused(login("alice", "ssh:notty")) == [])
    try input.fileHandleForWriting.close()
    holder.waitUntilExit()
    #expect(try self.output("who", files.now).hasPrefix("alice"))
  }
}
