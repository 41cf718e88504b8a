import Foundation
import System
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExecutableTests {
  private static let isRoot = geteuid() == 0

  /// A copy of the shell in a directory of its own, which is removed with this object.
  private final class Copy {
    let folder = NSTemporaryDirectory() + "bssh-executable-\(UInt32.random(in: 0...UInt32.max))"
    var path: String { folder + "/program" }

    init(mode: mode_t = 0o755) throws {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try place("/bin/sh")
      chmod(path, mode)
    }

    /// Replaces the file at the path with another program, as an upgrade does.
    func place(_ program: String) throws {
      let program = URL(fileURLWithPath: program).resolvingSymlinksInPath().path
      try FileManager.default.copyItem(atPath: program, toPath: path + "~")
      #expect(rename(path + "~", path) == 0)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
  }

  /// Lets `executable` run a shell script; returns the script's output and how it ended.
  private func run(
    _ executable: Executable, _ script: String, _ change: (inout ChildProcess.Request) -> Void = { _ in }
  ) throws -> (output: String, end: System.ExitStatus) {
    let child: ChildProcess
    let reader: Descriptor
    do {
      let pipe = try Descriptor.pipe()
      reader = pipe.reader
      let null = try Descriptor.open("/dev/null", O_RDWR)
      var request = ChildProcess.Request(
        executable, arguments: ["sh", "-c", script], descriptors: [null, pipe.writer, null])
      request.environment = ["PATH=/usr/bin:/bin"]
      change(&request)
      child = try ChildProcess(request)
    }
    let output = try reader.readAll(limit: 1 << 20) ?? []
    child.descriptor.wait(for: POLLIN)
    return (String(decoding: output, as: UTF8.self), try #require(child.reap()))
  }

  @Test func `the file that was opened is started, whatever has its name since`() throws {
    let copy = try Copy()
    let executable = try Executable.open(copy.path)
    #expect(executable.path == copy.path && executable.name == "program")
    try copy.place("/bin/false")
    #expect(try run(executable, "echo first").output == "first\n")
    unlink(copy.path)
    #expect(try run(executable, "echo second").output == "second\n")
    try FileManager.default.removeItem(atPath: copy.folder)
    #expect(try run(executable, "echo third").output == "third\n")
  }

  @Test func `the process inherits none of our descriptors, nor the executable's`() throws {
    let executable = try Executable.open("/bin/sh")
    // One with a small number, which the process gets, and one with a number above all that it gets.
    for number in [3, 400] as [Int32] {
      let high = Descriptor(owning: fcntl(executable.descriptor.rawValue, F_DUPFD_CLOEXEC, number))
      let moved = Executable(path: "/bin/sh", descriptor: high)
      #expect(try run(moved, "ls /proc/$$/fd; exit 0").output == "0\n1\n2\n")
      #expect(
        try run(moved, "ls /proc/$$/fd; exit 0") { $0.descriptors += [high, high] }.output == "0\n1\n2\n3\n4\n")
      guard Self.isRoot else { continue }
      let output = try run(moved, "id -u; ls /proc/$$/fd; exit 0") {
        $0.identity = Identity(uid: 54401, gid: 54402, groups: [])
      }.output
      #expect(output == "54401\n0\n1\n2\n")
    }
  }

  @Test(.enabled(if: isRoot)) func `a user who cannot reach the path can start the open executable`() throws {
    let copy = try Copy()
    chmod(copy.folder, 0o700)
    let executable = try Executable.open(copy.path)
    let output = try run(executable, "id -u") { $0.identity = Identity(uid: 54401, gid: 54402, groups: []) }.output
    #expect(output == "54401\n")
  }

  @Test(.enabled(if: isRoot)) func `a user who may not execute the file cannot start it`() throws {
    let copy = try Copy(mode: 0o700)
    let executable = try Executable.open(copy.path)
    let result = try run(executable, "id -u") { $0.identity = Identity(uid: 54401, gid: 54402, groups: []) }
    #expect(result.output.isEmpty && result.end == .code(127))
  }

  @Test func `a missing or non-executable file is not opened`() throws {
    #expect(throws: SystemError("open /nowhere/at/all", code: ENOENT)) { try Executable.open("/nowhere/at/all") }
    #expect(throws: SystemError("open /etc/passwd", code: EACCES)) { try Executable.open("/etc/passwd") }
  }

  @Test func `a script is not started, because no interpreter could open it again`() throws {
    let copy = try Copy()
    try Data("#!/bin/sh\necho in\n".utf8).write(to: URL(fileURLWithPath: copy.path))
    let executable = try Executable.open(copy.path)
    #expect(throws: SystemError("start \(copy.path)", code: ENOENT)) { try run(executable, "") }
  }

  @Test func `this process's executable is its own file`() throws {
    let own = try Executable.ofThisProcess()
    #expect(own.path == (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")))
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(own.descriptor.rawValue)")
    #expect(link == own.path)
  }
}
