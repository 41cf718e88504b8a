import Audit
import Foundation
import IPC
import System
import Testing

@testable import Journal

/// Runs the built bssh-journal, with the test as its supervisor.
private final class JournalProcess {
  let socket: MessageSocket
  let process: ChildProcess
  private var batches: UInt64 = 0

  /// - Parameter launcher: a command that starts the program, whose path is appended.
  init(launcher: [String] = []) throws {
    let (ours, theirs) = try MessageSocket.supervised()
    socket = ours
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let program = try ProcessEnvironment.executableFolder() + "/bssh-journal"
    let command = launcher + [program]
    var request = ChildProcess.Request(
      path: command[0], arguments: command, descriptors: [null, null, null] + theirs)
    request.environment = ["PATH=/usr/bin:/bin"]
    process = try ChildProcess(request)
  }

  deinit { process.signal(SIGKILL) }

  /// Sends a message, with the directory of the journal if the message names one that exists.
  func send(_ message: SupervisorToJournal) throws {
    var descriptors: [Descriptor] = []
    if case .open(let settings) = message {
      let folder = (settings.path as NSString).deletingLastPathComponent
      descriptors = (try? Descriptor.openDirectory(folder)).map { [$0] } ?? []
    }
    try socket.send(message.wireBytes, descriptors: descriptors, wait: true)
  }

  /// The next message other than findings and `opened`.
  func answer() throws -> JournalToSupervisor {
    while true {
      guard case .message(let bytes, _) = try socket.receive(wait: 30_000) else {
        throw SystemError("receive", code: EPIPE)
      }
      let message = try JournalToSupervisor(wireBytes: bytes[...])
      switch message {
      case .found, .opened: continue
      case .written, .failed, .notOpened: return message
      }
    }
  }

  /// Sends events and returns the answer.
  func append(_ events: [AuditEvent], isRepeated: Bool = false) throws -> JournalToSupervisor {
    batches += 1
    try send(.append(JournalBatch(number: batches, isRepeated: isRepeated, events: events.map(\.wireBytes))))
    return try answer()
  }

  /// Waits for the process to end; nil if it does not.
  func end() -> System.ExitStatus? {
    process.descriptor.wait(for: POLLIN, milliseconds: 60_000)
    return process.reap()
  }
}

@Suite struct JournalProcessTests {
  @Test func `batches are answered in order and close ends the process after everything is written`() throws {
    let place = try Place()
    let journal = try JournalProcess()
    try journal.send(.open(place.settings()))
    #expect(try journal.append([event(0), event(1)]) == .written(batch: 1))
    #expect(try journal.append([event(2)]) == .written(batch: 2))
    try journal.send(.close)
    #expect(journal.end() == .code(0))
    #expect(try place.written() == [0, 1, 2])
    #expect(try place.problem() == nil)
  }

  @Test func `many file events do not remove other events and each series has its own chain`() throws {
    let place = try Place()
    let files = Place(filesOf: place)
    let journal = try JournalProcess()
    let start = Clock.microsecondsSince1970
    try journal.send(.open(place.settings(maxSize: 16384, maxBackups: 2, compress: true)))
    for number in 0..<20 { _ = try journal.append([event(number)]) }
    for first in stride(from: 0, to: 3000, by: 100) {
      let batch = UInt64(21 + first / 100)
      #expect(try journal.append((first..<first + 100).map { event($0, .fileRenamed) }) == .written(batch: batch))
    }
    _ = try journal.append([event(20), event(3000, .fileDeleted)])
    try journal.send(.close)
    #expect(journal.end() == .code(0))
    #expect(try place.written() == Array(0...20))
    #expect(try place.problem() == nil && place.head?.first == 1 && place.head?.removed == 0)
    let written = try files.written()
    #expect(written.first! > 0 && written == Array(written.first!...3000))
    #expect(try files.problem() == nil && files.head?.first == UInt64(written.first! + 1))
    let head = try #require(files.head)
    #expect(head.removed >= start)
  }

  @Test func `a repeated batch is written once in each series`() throws {
    let place = try Place()
    let journal = try JournalProcess()
    try journal.send(.open(place.settings()))
    let events = [event(0), event(0, .fileRenamed), event(1), event(1, .fileRenamed)].enumerated().map { index, event in
      var event = event
      event.id = EventID(high: 7, low: UInt64(index))
      return event
    }
    _ = try journal.append(events)
    _ = try journal.append(events + [event(2)], isRepeated: true)
    try journal.send(.close)
    #expect(journal.end() == .code(0))
    #expect(try place.written() == [0, 1, 2] && Place(filesOf: place).written() == [0, 1])
  }

  @Test func `a denial beyond the limit of its login is in the series of file events`() throws {
    let place = try Place()
    let journal = try JournalProcess()
    try journal.send(.open(place.settings()))
    var beyond = event(2, .transferDenied)
    beyond.series = .files
    _ = try journal.append([event(1, .transferDenied), beyond])
    try journal.send(.close)
    #expect(journal.end() == .code(0))
    #expect(try place.written() == [1] && Place(filesOf: place).written() == [2])
  }

  @Test(arguments: [[], [0], [9, 9]] as [[UInt8]])
  func `a message that does not parse ends the process`(bytes: [UInt8]) throws {
    let journal = try JournalProcess()
    if !bytes.isEmpty {
      try journal.socket.send(bytes)
    } else {
      journal.socket.shutDownWriting()
    }
    #expect(journal.end() == .code(0))
  }

  @Test func `events before a path are refused and removing the directory ends the process`() throws {
    let place = try Place()
    let journal = try JournalProcess()
    guard case .failed(batch: 1, _) = try journal.append([event(0)]) else {
      Issue.record("written to nowhere")
      return
    }
    var settings = place.settings()
    settings.path = "\(place.directory)/later/audit.log"
    try FileManager.default.createDirectory(atPath: "\(place.directory)/later", withIntermediateDirectories: true)
    try journal.send(.open(settings))
    #expect(try journal.append([event(0)]) == .written(batch: 2))
    try FileManager.default.removeItem(atPath: "\(place.directory)/later")
    try journal.send(.reopen)
    // This process cannot reach a new directory of the same name; another process can.
    #expect(journal.end() == .code(ExitCode.noInput.rawValue))
  }

  @Test func `a file that cannot be opened is reported, and whether the disk is the cause`() throws {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
    let journal = try JournalProcess()
    try journal.send(.open(place.settings()))
    guard case .notOpened(let reason, isPassing: false) = try journal.answer() else {
      Issue.record("a directory is no journal")
      return
    }
    #expect(reason.contains("\(place.path): open") && reason.contains("Is a directory"))
    guard case .failed(batch: 1, _) = try journal.append([event(0)]) else {
      Issue.record("written to a directory")
      return
    }
    try FileManager.default.removeItem(atPath: place.path)
    #expect(try journal.append([event(0)]) == .written(batch: 2))
  }

  @Test func `it accesses no other files and starts no programs`() throws {
    let place = try Place()
    let journal = try JournalProcess()
    try journal.send(.open(place.settings()))
    #expect(try journal.append([event(0)]) == .written(batch: 1))
    let status = try String(contentsOfFile: "/proc/\(journal.process.pid)/status", encoding: .utf8)
    #expect(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"))
    // A symbolic link in its directory does not lead it elsewhere.
    try FileManager.default.removeItem(atPath: place.path)
    try FileManager.default.createSymbolicLink(atPath: place.path, withDestinationPath: "/tmp/\(UUID().uuidString)")
    guard case .failed(batch: 2, _) = try journal.append([event(1)]) else {
      Issue.record("it followed the link")
      return
    }
  }

  /// The system calls that strace(1) recorded, after the program has ended.
  private func calls(_ settings: JournalSettings, _ body: (JournalProcess, String) throws -> Void) throws -> [String] {
    let trace = settings.path + ".trace"
    let journal = try JournalProcess(launcher: ["/usr/bin/strace", "-o", trace, "-e", "trace=write,fdatasync"])
    try journal.send(.open(settings))
    try body(journal, trace)
    try journal.send(.close)
    #expect(journal.end() == .code(0))
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let calls: [String] = lines.compactMap { line in
      // Descriptor 4 leads to the supervisor.
      if line.hasPrefix("write(4,") { return "answer" }
      if line.hasPrefix("write("), line.contains(#"{\"id"#) { return "write" }
      return line.hasPrefix("fdatasync(") ? "fdatasync" : nil
    }
    // The first answer is `opened`.
    return Array(calls.dropFirst(calls.first == "answer" ? 1 : 0))
  }

  private static let hasTrace = FileManager.default.isExecutableFile(atPath: "/usr/bin/strace")

  @Test(.enabled(if: hasTrace)) func `with fsync always an event is synchronized before it is acknowledged`() throws {
    let place = try Place()
    let calls = try calls(place.settings(sync: .always)) { journal, _ throws in
      #expect(try journal.append([event(0), event(1)]) == .written(batch: 1))
      #expect(try journal.append([event(2)]) == .written(batch: 2))
    }
    #expect(calls == ["write", "fdatasync", "answer", "write", "fdatasync", "answer"])
  }

  @Test(.enabled(if: hasTrace)) func `with fsync interval an event is synchronized at the latest after the interval`()
    throws
  {
    let place = try Place()
    var settings = place.settings(sync: .interval)
    let calls = try calls(settings) { journal, trace throws in
      #expect(try journal.append([event(0)]) == .written(batch: 1))
      // Nothing else happens until the interval of one second has passed.
      let deadline = Date(timeIntervalSinceNow: 30)
      while try !String(contentsOfFile: trace, encoding: .utf8).contains("fdatasync("), Date() < deadline {
        usleep(10_000)
      }
      #expect(try journal.append([event(1)]) == .written(batch: 2))
      #expect(try journal.append([event(2)]) == .written(batch: 3))
    }
    #expect(calls == ["write", "answer", "fdatasync", "write", "answer", "write", "answer", "fdatasync"])
    settings.flushInterval = 3600
    settings.path += "2"
    let later = try self.calls(settings) { journal, _ throws in
      for number in 0..<3 { #expect(try journal.append([event(number)]) == .written(batch: UInt64(number + 1))) }
    }
    // The last one is at the end of the process.
    #expect(later == ["write", "answer", "write", "answer", "write", "answer", "fdatasync"])
  }

  @Test(.enabled(if: hasTrace)) func `with fsync never the process does not synchronize`() throws {
    let place = try Place()
    let calls = try calls(place.settings(sync: .never)) { journal, _ throws in
      for number in 0..<3 { #expect(try journal.append([event(number)]) == .written(batch: UInt64(number + 1))) }
    }
    #expect(calls == ["write", "answer", "write", "answer", "write", "answer"])
  }
}
