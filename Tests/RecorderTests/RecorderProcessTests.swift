import Foundation
import Glibc
import IPC
import System
import Testing
import Wire

/// Runs the built `bssh-recorder`; the restrictions it places on itself would affect the test process.
@Suite struct RecorderProcessTests {
  private final class Recorder {
    let process: ChildProcess
    let socket: MessageSocket

    init(in folders: String...) throws {
      let (ours, theirs) = try MessageSocket.supervised()
      let null = try Descriptor.open("/dev/null", O_RDWR)
      let folder = try ProcessEnvironment.executableFolder()
      var request = ChildProcess.Request(
        path: "\(folder)/bssh-recorder", arguments: ["bssh-recorder"], descriptors: [null, null, null] + theirs)
      request.environment = []
      process = try ChildProcess(request)
      socket = ours
      let directories = folders.map { OpenedDirectory(path: $0, device: 0, inode: 0) }
      try socket.send(
        SupervisorToRecorder.prepare(RecorderSettings(directories: directories, keepsLogins: false)).wireBytes,
        descriptors: folders.map { try Descriptor.openDirectory($0) })
    }

    deinit { process.signal(SIGKILL) }

    /// The recorder's answer, and the descriptors that the transport receives.
    func answer(_ message: SupervisorToRecorder) throws -> (RecorderToSupervisor, [Descriptor])? {
      let (transport, end) = try MessageSocket.pair()
      try socket.send(message.wireBytes, descriptors: [end.descriptor])
      guard case .message(let bytes, let descriptors) = try socket.receive(wait: 30_000) else { return nil }
      #expect(descriptors.isEmpty)
      let given: [Descriptor] = if case .message(_, let files) = try transport.receive() { files } else { [] }
      return (try RecorderToSupervisor(wireBytes: bytes[...]), given)
    }
  }

  private let folder: String

  init() throws {
    var template = Array("/tmp/bssh-recorder-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    folder = String(cString: made)
  }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  @Test func `a recording is a new file readable only by its owner and is only appended to`() throws {
    defer { remove() }
    let recorder = try Recorder(in: folder)
    let (message, descriptors) = try #require(
      try recorder.answer(.open(number: 7, directory: folder, name: "a.cast")))
    #expect(message == .opened(number: 7))
    let file = try #require(descriptors.first)
    #expect(descriptors.count == 1)
    let status = try file.status()
    #expect(status.permissions == 0o600)
    #expect(fcntl(file.rawValue, F_GETFL) & (O_APPEND | O_ACCMODE) == O_APPEND | O_WRONLY)
    try file.writeAll(Array("one".utf8))
    lseek(file.rawValue, 0, SEEK_SET)
    try file.writeAll(Array("two".utf8))
    #expect(try String(contentsOfFile: "\(folder)/a.cast", encoding: .utf8) == "onetwo")

    let second = try #require(try recorder.answer(.open(number: 8, directory: folder, name: "a.cast")))
    #expect(second.0 == .failed(number: 8, reason: "\(folder): open: File exists"))
    #expect(second.1.isEmpty)
  }

  @Test func `files are created only in the directories of recordings and links are not followed`() throws {
    defer { remove() }
    let (inside, outside) = ("\(folder)/in", "\(folder)/out")
    for path in [inside, outside] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    symlink("\(outside)/x", "\(inside)/link")
    let recorder = try Recorder(in: inside)
    for (directory, name) in [
      (outside, "a"), (inside, "../out/a"), (inside, "link"), (inside, ".."), (inside, ""), (inside, "/tmp/a"),
    ] {
      let answer = try #require(try recorder.answer(.open(number: 1, directory: directory, name: name)))
      guard case .failed(number: 1, _) = answer.0 else {
        Issue.record("\(directory) \(name): \(answer.0)")
        continue
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
    #expect(try #require(try recorder.answer(.open(number: 2, directory: inside, name: "b"))).0 == .opened(number: 2))
  }

  @Test func `a directory that was not handed over cannot be used`() throws {
    defer { remove() }
    let recorder = try Recorder()
    let answer = try #require(try recorder.answer(.open(number: 1, directory: folder, name: "a")))
    #expect(answer.0 == .failed(number: 1, reason: "\(folder): open it: No such file or directory"))
  }

  @Test func `it ends with the supervisor after processing what was sent`() throws {
    defer { remove() }
    let recorder = try Recorder(in: folder)
    let (transport, end) = try MessageSocket.pair()
    defer { withExtendedLifetime(transport) {} }
    try recorder.socket.send(
      SupervisorToRecorder.open(number: 1, directory: folder, name: "last").wireBytes, descriptors: [end.descriptor])
    recorder.socket.shutDownWriting()
    #expect(recorder.process.descriptor.wait(for: POLLIN, milliseconds: 60_000))
    #expect(recorder.process.reap() == .code(0))
    #expect(FileManager.default.fileExists(atPath: "\(folder)/last"))
  }

  @Test func `a message that does not parse ends it`() throws {
    defer { remove() }
    let recorder = try Recorder(in: folder)
    try recorder.socket.send([9])
    #expect(recorder.process.descriptor.wait(for: POLLIN, milliseconds: 60_000))
  }
}
