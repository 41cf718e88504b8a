import Foundation
import IPC
import System
import Testing
import Wire

/// bssh-exporter, run by a test in the supervisor's place.
final class RunningExporter {
  let settings: ExporterSettings
  private var process: ChildProcess?
  private var socket: MessageSocket?
  private(set) var messages: [ExporterToSupervisor] = []

  init(_ journal: TestJournal, _ receiver: ExporterSettings.Receiver, batchSize: UInt32 = 100) throws {
    settings = ExporterSettings(name: "test", journal: journal.path, batchSize: batchSize, receiver: receiver)
    try start()
  }

  deinit { kill() }

  /// Starts it, for the first time or again.
  func start() throws {
    let (ours, theirs) = try MessageSocket.supervised()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: "\(try Daemon.built)/bssh-exporter", arguments: ["bssh-exporter"],
      descriptors: [null, null, try Descriptor.standardError()] + theirs + [
        try Descriptor.sealedMessage(name: "settings", settings.wireBytes),
        try Descriptor.openDirectory((settings.journal as NSString).deletingLastPathComponent),
      ])
    request.environment = ["SWIFT_BACKTRACE=enable=no"]
    process = try ChildProcess(request)
    socket = ours
  }

  var pid: pid_t { process?.pid ?? 0 }

  /// Ends it with SIGKILL.
  func kill() {
    guard let process else { return }
    process.signal(SIGKILL)
    process.descriptor.wait(for: POLLIN, milliseconds: 10_000)
    _ = process.reap()
    read()
    self.process = nil
    socket = nil
  }

  /// Kills it this many times, at any moment while it sends what is appended, and restarts it.
  func dieOften(_ count: Int, _ journal: TestJournal) throws {
    for round in 0..<count {
      try journal.append(30)
      if round % 4 == 3 { try journal.rotate(compress: round % 8 == 7) }
      usleep(UInt32.random(in: 0...60_000))
      kill()
      try start()
    }
  }

  /// Ends it as a supervisor does that ends itself; it must exit with 0.
  func end(sourceLocation: SourceLocation = #_sourceLocation) {
    guard let process else { return }
    read()
    socket = nil
    #expect(process.descriptor.wait(for: POLLIN, milliseconds: 30_000), sourceLocation: sourceLocation)
    #expect(process.reap() == .code(0), sourceLocation: sourceLocation)
    self.process = nil
  }

  private func read() {
    while let socket, case .message(let bytes, _)? = try? socket.receive() {
      if let message = try? ExporterToSupervisor(wireBytes: bytes[...]) { messages.append(message) }
    }
  }

  /// Waits for a message.
  @discardableResult
  func message<Value>(
    after count: Int = 0, within seconds: Double = 60, _ what: String, _ matches: (ExporterToSupervisor) -> Value?
  ) throws -> Value {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
      read()
      for message in messages.dropFirst(count) {
        if let value = matches(message) { return value }
      }
      guard Date() < deadline else { throw Failure("no \(what) from the exporter; it said: \(messages)") }
      _ = socket?.descriptor.wait(for: POLLIN, milliseconds: 100)
    }
  }

  /// Waits for a line of the log with these words.
  @discardableResult
  func note(after count: Int = 0, within seconds: Double = 60, with words: String) throws -> String {
    try message(after: count, within: seconds, "'\(words)'") {
      if case .log(_, let text) = $0, text.contains(words) { text } else { nil }
    }
  }

  /// How often it has logged this so far.
  func count(of text: String) -> Int {
    read()
    return messages.count { $0 == .log(isProblem: false, text: text) }
  }

  /// All events that it has reported as undeliverable.
  var lost: [ExporterToSupervisor] {
    read()
    return messages.filter { if case .lost = $0 { true } else { false } }
  }

  /// Its peak memory in bytes so far.
  var peakMemory: Int {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
  }
}

/// The events that a receiver has written down.
struct ReceivedEvents {
  /// Extracts the id of an event from a line.
  typealias Identify = (Data) -> String?

  let path: String

  /// The ids in the order of arrival, including repeats. Only complete lines count.
  func ids(_ id: Identify = ReceivedEvents.ofLine) -> [String] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    var ids: [String] = []
    var rest = data.startIndex..<data.endIndex
    while let end = data.range(of: Data([10]), in: rest)?.lowerBound {
      if let id = id(data[rest.lowerBound..<end]) { ids.append(id) }
      rest = end + 1..<rest.upperBound
    }
    return ids
  }

  /// The id of an event in a line of the journal's format; a receiver that was killed may have left a partial line
  /// before it.
  static func ofLine(_ line: Data) -> String? {
    guard let start = line.range(of: Data("{\"id\":\"".utf8), options: .backwards),
      let object = try? JSONSerialization.jsonObject(with: line[start.lowerBound...]) as? [String: Any]
    else { return nil }
    return object["id"] as? String
  }

  /// The id of an event in a record of a collector.
  static func ofRecord(_ line: Data) -> String? {
    guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
      let attributes = object["attributes"] as? [String: Any]
    else { return nil }
    return attributes["event.id"] as? String
  }

  /// Waits until every event of the journal has arrived; without repeats they must have come in order.
  func expectAll(
    of journal: TestJournal, within seconds: Double = 120, _ id: Identify = ReceivedEvents.ofLine,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let count = expect(journal.ids, within: seconds, id, sourceLocation: sourceLocation)
    #expect(count == journal.ids.count, "more than there are", sourceLocation: sourceLocation)
  }

  /// Waits until these, the first of a series of a journal, have arrived; without repeats they must have come in order.
  ///
  /// - Returns: how many different events have arrived.
  @discardableResult
  func expect(
    _ wanted: [String], within seconds: Double = 120, _ id: Identify = ReceivedEvents.ofLine,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Int {
    var distinct: [String] = []
    eventually(within: seconds, "all \(wanted.count) events", sourceLocation: sourceLocation) {
      guard wanted.last.map(ends) ?? true else { return false }
      var seen: Set<String> = []
      distinct = ids(id).filter { seen.insert($0).inserted }
      return seen.isSuperset(of: wanted)
    }
    let known = Set(wanted)
    #expect(distinct.filter(known.contains) == wanted, "not in order", sourceLocation: sourceLocation)
    return distinct.count
  }

  /// True if this id is among the last ones; cheap to ask repeatedly.
  private func ends(with id: String) -> Bool {
    guard let file = try? Descriptor.open(path, O_RDONLY), let size = try? file.status().size,
      let tail = try? file.read(count: 256 << 10, at: max(size - (256 << 10), 0))
    else { return false }
    return Data(tail).range(of: Data(id.utf8)) != nil
  }

  /// Waits until this many have arrived.
  func expect(
    atLeast count: Int, _ id: Identify = ReceivedEvents.ofLine, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    eventually(within: 60, "\(count) events", sourceLocation: sourceLocation) { Set(ids(id)).count >= count }
  }
}
