import Audit
import Foundation
import IPC
import System
import Testing

@testable import Transport

@Suite struct TerminalRecorderTests {
  private let path: String

  init() throws {
    var template = Array("/tmp/bssh-recorder.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    path = String(cString: made) + "/r.cast"
  }

  private func remove() { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }

  private func recorder(_ path: String? = nil) throws -> TerminalRecorder {
    let file = try Descriptor.open(path ?? self.path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o600)
    return TerminalRecorder(
      file, AsciicastWriter.Header(columns: 80, rows: 24, time: 1, title: "t", term: Array("xterm".utf8)))
  }

  private func write(_ recorder: TerminalRecorder, _ text: String) {
    Array(text.utf8).withUnsafeBytes { recorder.output($0) }
  }

  private var size: Int { (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? -1 }

  /// The hash that sha256sum(1) computes.
  private func sum() throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    process.arguments = [path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile().prefix(64), as: UTF8.self)
  }

  private func text(_ hash: [UInt8]) -> String { hash.map { String(format: "%02x", $0) }.joined() }

  @Test func `size and hash at the end are those of the file`() throws {
    defer { remove() }
    let recorder = try recorder()
    for number in 0..<5000 { write(recorder, "line \(number) of what a program writes ä\r\n") }
    recorder.resized(columns: 100, rows: 30)
    [UInt8](repeating: 0x61, count: 3).withUnsafeBytes { recorder.input($0) }
    let end = recorder.finish(7)
    #expect(end.channel == 7)
    #expect(end.failure == nil)
    #expect(Int(end.bytes) == size)
    #expect(try text(end.hash) == sum())
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 5003)
    #expect(lines[5001].hasSuffix(#""r", "100x30"]"#))
    #expect(lines[5002].hasSuffix(#""i", "aaa"]"#))
  }

  @Test func `lines are written when there are enough, or after a time`() throws {
    defer { remove() }
    let recorder = try recorder()
    #expect(size == 0)
    write(recorder, "a")
    let deadline = try #require(recorder.deadline)
    #expect((1...TerminalRecorder.flushInterval + 1).contains(deadline - Clock.milliseconds))
    recorder.flush(at: deadline - 1)
    #expect(size == 0)
    recorder.flush(at: deadline)
    #expect(size > 0)
    #expect(recorder.deadline == nil)
    let before = size
    for _ in 0..<TerminalRecorder.blockSize { write(recorder, "b") }
    #expect(size >= before + TerminalRecorder.blockSize)
  }

  @Test func `memory stays bounded, however much is recorded`() throws {
    defer { remove() }
    let recorder = try recorder()
    let nasty = [UInt8](repeating: 0x1b, count: 32768)
    for _ in 0..<200 { nasty.withUnsafeBytes { recorder.output($0) } }
    #expect(size > 200 * 6 * 32768)
  }

  /// The progress of a thread that feeds a recorder.
  private final class Progress: @unchecked Sendable {
    private let lock = NSLock()
    private var state: (pieces: Int, end: RecordingEnd?) = (0, nil)

    func step() { lock.withLock { state.pieces += 1 } }
    func finish(_ end: RecordingEnd) { lock.withLock { state.end = end } }
    var pieces: Int { lock.withLock { state.pieces } }
    var end: RecordingEnd? { lock.withLock { state.end } }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a slow disk blocks the terminal, at most a block is buffered, and nothing is lost`() throws {
    let (page, pieces) = (4096, 100)
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    // Stands for the disk: accepts one page, and nothing more until that is read.
    let (slow, file) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    // F_SETPIPE_SZ
    try #require(fcntl(file.rawValue, 1031, Int32(page)) == page)
    try #require(fcntl(slow.rawValue, F_SETFL, O_NONBLOCK) == 0)
    let progress = Progress()
    Thread.detachNewThread {
      let recorder = TerminalRecorder(
        file, AsciicastWriter.Header(columns: 80, rows: 24, time: 1, title: "", term: []))
      let text = [UInt8](repeating: 0x78, count: page)
      for _ in 0..<pieces {
        text.withUnsafeBytes { recorder.output($0) }
        progress.step()
      }
      progress.finish(recorder.finish(0))
    }
    var taken: [UInt8] = []
    while progress.end.map({ Int($0.bytes) > taken.count }) ?? true {
      // Either the pipe is full, and the terminal waits, or there is no more output.
      while file.wait(for: POLLOUT, milliseconds: 0), progress.end == nil { sched_yield() }
      #expect(progress.pieces * page <= taken.count + page + TerminalRecorder.blockSize + page)
      taken += try slow.read(count: page).bytes
    }
    #expect(progress.end?.failure == nil)
    #expect(taken.count { $0 == 0x78 } == pieces * page)
    #expect(taken.split(separator: 0x0a).count == 1 + pieces)
  }

  @Test func `a full disk ends the recording and is reported`() throws {
    defer { remove() }
    let recorder = try recorder("/dev/full")
    write(recorder, "a")
    #expect(recorder.failure == nil)
    recorder.flush(at: .max)
    #expect(recorder.failure == "No space left on device")
    write(recorder, "b")
    #expect(recorder.deadline == nil)
    let end = recorder.finish(0)
    #expect(end.failure == "No space left on device")
    #expect(end.bytes == 0)
    #expect(end.hash.count == 32)
  }

  @Test func `an empty recording has a header`() throws {
    defer { remove() }
    let end = try recorder().finish(0)
    #expect(Int(end.bytes) == size && size > 0)
    #expect(try text(end.hash) == sum())
  }

  @Test func `only a request for a terminal needs a recording`() {
    let terminal = ChannelRequest.terminal(
      term: [0x78], columns: 80, rows: 24, xPixels: 0, yPixels: 0, modes: [])
    #expect(RequestedTerminal(.request(channel: 7, terminal))?.channel == 7)
    #expect(RequestedTerminal(.request(channel: 7, terminal))?.rows == 24)
    for request in [ChannelRequest.shell, .execute([]), .windowChange(columns: 1, rows: 1, xPixels: 0, yPixels: 0)] {
      #expect(RequestedTerminal(.request(channel: 7, request)) == nil)
    }
    #expect(RequestedTerminal(.closed(channel: 7, bytesIn: 0, bytesOut: 0)) == nil)
  }
}
