import Foundation
import IPC
import System
import Testing

@testable import Session

/// A folder whose path counts as safe; removed with this object.
final class SafeFolder {
  let path: String

  static var home: String { ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory() }

  /// Creates the folder.
  ///
  /// - Parameter parent: a folder of ours or root's, below folders of root's.
  init(in parent: String = SafeFolder.home + "/.cache") throws {
    path = "\(parent)/bssh-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func file(_ name: String, _ contents: String, mode: mode_t = 0o600) throws -> String {
    try Data(contents.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    #expect(chmod("\(path)/\(name)", mode) == 0)
    return "\(path)/\(name)"
  }

  @discardableResult
  func folder(_ name: String, mode: mode_t = 0o755) throws -> String {
    #expect(mkdir("\(path)/\(name)", 0o755) == 0)
    #expect(chmod("\(path)/\(name)", mode) == 0)
    return "\(path)/\(name)"
  }

  func link(_ name: String, to target: String) throws -> String {
    #expect(symlink(target, "\(path)/\(name)") == 0)
    return "\(path)/\(name)"
  }
}

@Suite struct KeyFileTests {
  private let reader = KeyFileReader(user: getuid())

  private func problem(_ path: String) -> String? { reader.read([path]).files.first?.problem }

  @Test func `files are read one after the other, each with its length`() throws {
    let folder = try SafeFolder()
    let first = try folder.file("first", "one\n")
    let second = try folder.file("second", "three\n", mode: 0o644)
    let (files, contents) = reader.read([first, folder.path + "/none", second])
    #expect(String(decoding: contents, as: UTF8.self) == "one\nthree\n")
    #expect(
      files == [
        KeyFile(path: first, length: 4, problem: nil),
        KeyFile(path: folder.path + "/none", length: 0, problem: "no such file"),
        KeyFile(path: second, length: 6, problem: nil),
      ])
  }

  @Test(arguments: [mode_t(0o620), 0o602, 0o666]) func `a file that others can write is refused`(mode: mode_t) throws {
    let folder = try SafeFolder()
    let path = try folder.file("keys", "k", mode: mode)
    #expect(problem(path) == "\(path) is writable by others (mode 0\(String(mode, radix: 8))); chmod go-w it")
  }

  @Test(arguments: [mode_t(0o777), 0o775, 0o1777]) func `a directory on the way that others can write is refused`(
    mode: mode_t
  ) throws {
    let folder = try SafeFolder()
    let open = try folder.folder("open", mode: mode)
    try folder.folder("open/.ssh")
    let path = try folder.file("open/.ssh/keys", "k")
    let digits = (mode < 0o1000 ? "0" : "") + String(mode, radix: 8)
    #expect(problem(path) == "\(open) is writable by others (mode \(digits)); chmod go-w it")
  }

  @Test func `a file below /tmp is refused`() throws {
    let folder = try SafeFolder(in: "/tmp")
    #expect(problem(try folder.file("keys", "k")) == "/tmp is writable by others (mode 1777); chmod go-w it")
  }

  @Test(.enabled(if: getuid() == 0, "only root can give files away")) func `another user's file is refused`() throws {
    let folder = try SafeFolder()
    let path = try folder.file("keys", "k")
    #expect(chown(path, 4711, 0) == 0)
    let expected = "\(path) belongs to uid 4711; it must belong to uid 0 or to root (chown it)"
    #expect(problem(path) == expected)
    #expect(KeyFileReader(user: 4711).read([path]).files.first?.problem == nil)
  }

  @Test func `a symbolic link is followed, and its target is checked`() throws {
    let folder = try SafeFolder()
    try folder.file("keys", "k")
    let good = try folder.link("good", to: "keys")
    #expect(problem(good) == nil)
    let open = try folder.folder("open", mode: 0o777)
    try folder.file("open/keys", "k")
    #expect(problem(try folder.link("bad", to: "open/keys"))?.hasPrefix("\(open) is writable") == true)
    // The link may be in a directory that others can write: its target's path counts.
    #expect(problem(try folder.link("open/link", to: "\(folder.path)/keys")) == nil)
    #expect(problem(try folder.link("nowhere", to: "none")) == "no such file")
    #expect(problem(try folder.link("circle", to: "circle"))?.contains("symbolic links") == true)
  }

  @Test func `a file that is not regular is refused and does not block`() throws {
    let folder = try SafeFolder()
    #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    #expect(problem("\(folder.path)/pipe") == "\(folder.path)/pipe is not a regular file")
    #expect(problem(folder.path) == "\(folder.path) is not a regular file")
    #expect(problem("/dev/zero") == "/dev/zero is not a regular file")
    #expect(problem("\(folder.path)/pipe/keys") == "no such file")
    #expect(problem("keys") == "keys is not an absolute path")
    #expect(problem("") == " is not an absolute path")
  }

  @Test func `a file of 16 MiB is read, and a larger one is refused`() throws {
    let folder = try SafeFolder()
    let path = try folder.file("keys", String(repeating: "x", count: 16 << 20))
    #expect(reader.read([path]).contents.count == 16 << 20)
    try folder.file("keys", String(repeating: "x", count: 16 << 20 + 1))
    #expect(problem(path) == "\(path) is larger than 16 MiB")
    #expect(reader.read([path]).contents.isEmpty)
  }

  @Test func `a file that is swapped while it is checked never passes for a good one`() throws {
    let folder = try SafeFolder()
    try folder.folder("good")
    try folder.file("good/keys", "good")
    try folder.folder("evil", mode: 0o777)
    try folder.file("evil/keys", "evil")
    let swapper = Process()
    swapper.executableURL = URL(fileURLWithPath: "/bin/sh")
    swapper.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    swapper.arguments = [
      "-c", "echo; while :; do mv good x && mv evil good && mv good evil && mv x good; done",
    ]
    let output = Pipe()
    swapper.standardOutput = output
    try swapper.run()
    defer {
      swapper.terminate()
      swapper.waitUntilExit()
    }
    _ = output.fileHandleForReading.availableData
    var outcomes: Set<String> = []
    for _ in 0..<3000 {
      let (files, contents) = reader.read(["\(folder.path)/good/keys"])
      outcomes.insert(files[0].problem == nil ? String(decoding: contents, as: UTF8.self) : "refused")
    }
    #expect(outcomes.isSubset(of: ["good", "refused"]))
  }
}

@Suite struct LookUpTests {
  @Test func `keys come in sealed memory, and then the process becomes the session`() throws {
    let folder = try SafeFolder()
    let path = try folder.file("keys", "ssh-ed25519 AAAA\n")
    let session = try SessionUnderTest()
    let (files, memory) = try session.lookUp([path, "/nonexistent"])
    #expect(files.map(\.length) == [17, 0])
    #expect(memory.isSealedMemory)
    #expect(try memory.read(count: 17, at: 0) == Array("ssh-ed25519 AAAA\n".utf8))
    try session.logIn()
    #expect(try session.run("echo promoted").output == "promoted\n")
    session.closeTransport()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `without a login the process ends with its control socket`() throws {
    let session = try SessionUnderTest()
    #expect(try session.lookUp([]).files == [])
    session.closeControl()
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a repeated request, too many files, a bad message and a login without a socket are fatal`() throws {
    let again = try SessionUnderTest()
    _ = try again.lookUp([])
    #expect(throws: Missing.self) { try again.lookUp([]) }
    #expect(try again.waitForEnd() == .code(70))
    let many = try SessionUnderTest()
    #expect(throws: Missing.self) { try many.lookUp(Array(repeating: "/x", count: 13)) }
    #expect(try many.waitForEnd() == .code(70))
    let nonsense = try SessionUnderTest()
    try nonsense.control?.send([9, 9], wait: true)
    #expect(try nonsense.waitForEnd() == .code(70))
    let bare = try SessionUnderTest()
    try bare.control?.send(SupervisorToSession.login(.sample).wireBytes, wait: true)
    #expect(try bare.waitForEnd() == .code(70))
  }

  @Test func `the answer about the most files with the longest names fits into a message`() throws {
    let session = try SessionUnderTest()
    let path = "/" + String(repeating: String(repeating: "x", count: 254) + "/", count: 15)
    #expect(try session.lookUp(Array(repeating: path, count: 12)).files.allSatisfy { $0.problem != nil })
  }

  @Test(.enabled(if: getuid() == 0, "only root can start a process as somebody else"))
  func `a process of another user reads that user's keys, cannot read root's, and cannot be inspected`() throws {
    let folder = try SafeFolder(in: "/var/cache")
    let home = try folder.folder("home", mode: 0o700)
    let own = try folder.file("home/keys", "own")
    let roots = try folder.file("roots", "root's")
    #expect(chown(home, 65534, 65534) == 0 && chown(own, 65534, 65534) == 0)
    // Other users may not be able to enter the build directory.
    let program = try folder.file("bssh-session", "")
    try FileManager.default.removeItem(atPath: program)
    try FileManager.default.copyItem(atPath: SessionUnderTest.path, toPath: program)
    #expect(chmod(program, 0o755) == 0)
    let nobody = Identity(uid: 65534, gid: 65534, groups: [65534])
    let session = try SessionUnderTest(program: program, identity: nobody)
    let files = try session.lookUp([own, roots]).files
    #expect(files[0].problem == nil && files[0].length == 3)
    #expect(files[1].problem == "open \(roots): Permission denied")
    // Root owns the /proc entries of a process that may not be inspected.
    #expect(
      try FileManager.default.attributesOfItem(atPath: "/proc/\(session.process.pid)/environ")[.ownerAccountID]
        as? Int == 0)
    try session.logIn {
      $0.account.uid = 65534
      $0.account.home = home
    }
    // Its programs may be inspected again.
    #expect(try session.run("id -u; pwd; stat -c %u /proc/self/environ").output == "65534\n\(home)\n65534\n")
    try session.askForTerminal(on: 1)
    let ends = try session.start(.execute(Array("stat -c %u $SSH_TTY; stty size".utf8)), on: 1)
    #expect(try SessionUnderTest.readToEnd(ends[0]) == "65534\r\n24 80\r\n")
  }
}
