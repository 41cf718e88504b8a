import Foundation
import System
import Testing

@Suite struct SystemErrorTests {
  @Test func `an error names the operation and the reason`() {
    #expect(SystemError("bind", code: EADDRINUSE).description == "bind: Address already in use")
    #expect(SystemError("x", code: ENOENT).isMissingFile && SystemError("x", code: ENOTDIR).isMissingFile)
    #expect(!SystemError("x", code: EACCES).isMissingFile)
  }
}

@Suite struct TerminalTests {
  @Test func `a terminal has a name, a size and no foreground process group`() throws {
    let terminal = try Terminal()
    #expect(terminal.name.hasPrefix("/dev/pts/"))
    terminal.resize(.init(columns: 132, rows: 70_000, xPixels: 5, yPixels: 6))
    var size = winsize()
    #expect(ioctl(terminal.master.rawValue, UInt(TIOCGWINSZ), &size) == 0)
    #expect(size.ws_col == 132 && size.ws_row == .max && size.ws_xpixel == 5 && size.ws_ypixel == 6)
    #expect(isCloseOnExec(terminal.master))
    #expect(try isCloseOnExec(#require(terminal.slave)))
    #expect(terminal.foregroundGroup == nil)
  }

  @Test func `the master ends when the programs' side is closed`() throws {
    let terminal = try Terminal()
    try terminal.master.setNonBlocking()
    #expect(try terminal.master.read(count: 1).outcome == .wouldBlock)
    terminal.closeSlave()
    #expect(try terminal.master.read(count: 1).outcome == .ended)
  }
}

@Suite struct SignalTests {
  @Test func `the RFC's signals have its names, and others have ours`() {
    for (name, number) in Signal.numbers { #expect(Signal.name(number) == name) }
    #expect(Signal.name(SIGBUS) == "BUS@bssh")
    #expect(Signal.name(SIGSTOP) == "STOP@bssh")
    #expect(Signal.name(40) == "40@bssh")
  }

  @Test(arguments: [pid_t(1), 0, -1, .min]) func `only a real process group is signalled`(group: pid_t) {
    #expect(!Signal.send(0, toGroup: group))
  }
}

@Suite struct FileStatusTests {
  @Test func `an entry that is a symbolic link is not followed`() throws {
    let folder = NSTemporaryDirectory() + "bssh-status-\(UUID().uuidString)"
    try #require(mkdir(folder, 0o700) == 0)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    symlink("/etc/passwd", "\(folder)/link")
    try Descriptor.open("\(folder)/file", O_WRONLY | O_CREAT, mode: 0o600).writeAll([1, 2, 3])
    let directory = try Descriptor.open(folder, O_RDONLY)
    #expect(try directory.status().kind == .directory)
    #expect(try directory.entry(Array("link".utf8)).status().kind == .symbolicLink)
    let file = try directory.entry(Array("file".utf8))
    let status = try file.status()
    #expect(status.kind == .regular && status.size == 3 && status.permissions == 0o600 && status.owner == geteuid())
    #expect(try file.realPath() == Array("\(directory.realPath().withText)/file".utf8))
    #expect(try Descriptor.open("/dev/null", O_RDONLY).status().kind == .other)
    #expect(FileStatus.exists(folder) && !FileStatus.exists("\(folder)/nothing"))
    #expect { _ = try directory.entry(Array("nothing".utf8)) } throws: { ($0 as? SystemError)?.isMissingFile == true }
  }

  @Test func `a FIFO without a writer blocks nobody`() throws {
    let path = NSTemporaryDirectory() + "bssh-fifo-\(UUID().uuidString)"
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    #expect(try Descriptor.openUntrusted(path).status().kind == .other)
  }
}

extension [UInt8] {
  fileprivate var withText: String { String(decoding: self, as: UTF8.self) }
}

@Suite struct ProcessEnvironmentTests {
  @Test func `variables are found by name and in the list of all`() {
    let name = "BSSH_TEST_\(getpid())"
    #expect(ProcessEnvironment.value(of: name) == nil)
    setenv(name, "a=b", 1)
    defer { unsetenv(name) }
    #expect(ProcessEnvironment.value(of: name) == "a=b")
    #expect(ProcessEnvironment.all.contains("\(name)=a=b"))
  }

  @Test func `executables are found beside this one, and unknown ones are not`() throws {
    let folder = try ProcessEnvironment.executableFolder()
    #expect(FileManager.default.fileExists(atPath: folder))
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    #expect(try Executables.find((own as NSString).lastPathComponent) == own)
    #expect(throws: SystemError("find bssh-nothing beside \(folder)", code: ENOENT)) {
      try Executables.find("bssh-nothing")
    }
  }
}
