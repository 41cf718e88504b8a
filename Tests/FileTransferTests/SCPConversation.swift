import Foundation
import IPC
import Model
import System
import Testing

@testable import FileTransfer

/// An empty directory, removed in `deinit`.
final class ScratchDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("scp-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/rm")
    process.arguments = ["-rf", path]
    try? process.run()
    process.waitUntilExit()
  }

  /// Creates a file and its parent directories.
  func write(_ name: String, _ text: String = "") throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: path + "/" + name).map { String(decoding: $0, as: UTF8.self) }
  }

  func names(_ directory: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + directory)) ?? []).sorted()
  }

  /// Permission bits in octal.
  func mode(_ name: String) -> String? {
    var raw = stat()
    return lstat(path + "/" + name, &raw) == 0 ? String(raw.st_mode & 0o7777, radix: 8) : nil
  }

  func modified(_ name: String) -> Int? {
    var raw = stat()
    return lstat(path + "/" + name, &raw) == 0 ? raw.st_mtim.tv_sec : nil
  }
}

/// A client of an ``SCPServer`` that runs on a thread of its own.
final class SCPConversation {
  private var toServer: Descriptor?
  private let fromServer: Descriptor
  private let running: Running

  private final class Running: @unchecked Sendable {
    var server: SCPServer?
    var code: Int32 = -1
    let done = DispatchSemaphore(value: 0)

    init(_ server: SCPServer) { self.server = server }
  }

  init(
    _ command: String, root: String?, gate: any TransferGate = OpenGate(), observer: EventList? = nil,
    readOnly: Bool = false, maxFileSize: UInt64? = nil
  ) throws {
    SignalSource.ignoreBrokenPipes()
    let (input, toServer) = try Descriptor.pipe()
    let (fromServer, output) = try Descriptor.pipe()
    self.toServer = toServer
    self.fromServer = fromServer
    let command = try #require(SCPCommand.parse(Array(command.utf8)))
    let files = try RootedFileSystem(root: root, isReadOnly: readOnly, gate: gate, observer: observer)
    let running = Running(
      SCPServer(command, files: files, input: input, output: output, user: "alice", maxFileSize: maxFileSize))
    self.running = running
    Thread.detachNewThread {
      running.code = running.server?.run() ?? -1
      // Releasing the server closes its descriptors, so that the client sees the end.
      running.server = nil
      running.done.signal()
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws { try #require(toServer).writeAll(bytes) }

  /// Waits for exactly these bytes.
  func expect(_ text: String, _ place: SourceLocation = #_sourceLocation) throws {
    let wanted = Array(text.utf8)
    let got = try read(wanted.count)
    try #require(got == wanted, "\(String(decoding: got, as: UTF8.self).debugDescription)", sourceLocation: place)
  }

  /// Waits for a line that reports a problem.
  func expectProblem(_ text: String, _ place: SourceLocation = #_sourceLocation) throws {
    try expect("\u{1}scp: \(text)\n", place)
  }

  func sendNoMore() { toServer = nil }

  /// Ends the input and waits for the server, which must send nothing more; returns its exit code.
  func finish(_ place: SourceLocation = #_sourceLocation) throws -> Int32 {
    toServer = nil
    let rest = try read(1 << 20)
    #expect(rest == [], "\(String(decoding: rest, as: UTF8.self).debugDescription)", sourceLocation: place)
    try #require(running.done.wait(timeout: .now() + 10) == .success, sourceLocation: place)
    return running.code
  }

  /// Reads up to the end of a line.
  func skipLine() throws {
    while let byte = try read(1).first, byte != UInt8(ascii: "\n") {}
  }

  /// Reads `count` bytes; fewer at the end of input, or when nothing arrives in time.
  func read(_ count: Int) throws -> [UInt8] {
    var got: [UInt8] = []
    while got.count < count, fromServer.wait(for: POLLIN, milliseconds: 60_000) {
      let (bytes, outcome) = try fromServer.read(count: min(count - got.count, 1 << 16))
      got += bytes
      if outcome == .ended { break }
    }
    return got
  }
}
