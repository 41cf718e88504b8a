import Audit
import Filter
import Foundation
import Glibc
import IPC
import System
import Testing
import Wire

/// The built bssh-transfer, started as by a session.
final class Given {
  /// Milliseconds after which a test gives up.
  static let limit: Int32 = 60_000

  let process: ChildProcess
  let report: MessageSocket
  private var input: Descriptor?
  private var output: Descriptor?
  private var number: UInt32 = 0
  /// Received from the process, not yet returned.
  private var records: [AuditRecord] = []
  /// How many messages the session received.
  private(set) var messages = 0

  init(
    _ words: [String] = ["sftp", "--settings"], memory: Descriptor, in directory: String, limits: [ResourceLimit] = []
  ) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = (tests as NSString).deletingLastPathComponent + "/bssh-transfer"
    let (input, output) = (try Descriptor.pipe(), try Descriptor.pipe())
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let (ours, theirs) = try MessageSocket.pair()
    var request = ChildProcess.Request(
      path: path, arguments: ["bssh-transfer"] + words,
      descriptors: [input.reader, output.writer, null, memory, theirs.descriptor])
    request.directory = directory
    request.umask = 0o022
    request.limits = limits
    process = try ChildProcess(request)
    report = ours
    self.input = input.writer
    self.output = output.reader
  }

  convenience init(
    in directory: String, limits: [ResourceLimit] = [], _ change: (inout TransferSettings) -> Void = { _ in }
  ) throws {
    var settings = TransferSettings(
      root: directory, readOnly: false, umask: nil, maxFileSize: nil, maxHandles: 16, user: "anna",
      filter: TransferFilter())
    change(&settings)
    try self.init(
      memory: try Descriptor.sealedMessage(name: "settings", settings.wireBytes), in: directory, limits: limits)
    try send([1, 0, 0, 0, 3])
    guard try receive().first == 2 else { throw SystemError("start the SFTP server", code: EPROTO) }
  }

  deinit {
    process.signal(SIGKILL)
    _ = process.descriptor.wait(for: POLLIN, milliseconds: Given.limit)
    _ = process.reap()
  }

  private func send(_ packet: [UInt8]) throws {
    var writer = WireWriter()
    writer.string(packet)
    try input?.writeAll(writer.bytes)
  }

  private func receive(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    guard let output else { throw SystemError("read", code: EPIPE) }
    while bytes.count < count {
      guard output.wait(for: POLLIN, milliseconds: Given.limit) else { throw SystemError("read", code: ETIMEDOUT) }
      let (more, outcome) = try output.read(count: count - bytes.count)
      if outcome == .ended { throw SystemError("read", code: EPIPE) }
      bytes += more
    }
    return bytes
  }

  private func receive() throws -> [UInt8] {
    var length = WireReader(try receive(4)[...])
    return try receive(Int(try length.uint32()))
  }

  /// Sends a request and returns the reply.
  func ask(_ type: UInt8, _ body: (inout WireWriter) -> Void) throws -> (type: UInt8, rest: [UInt8]) {
    try request(type, body)
    return try reply()
  }

  /// Sends a request without receiving the reply.
  func request(_ type: UInt8, _ body: (inout WireWriter) -> Void) throws {
    var writer = WireWriter()
    number += 1
    writer.byte(type)
    writer.uint32(number)
    body(&writer)
    try send(writer.bytes)
  }

  /// The next reply without its id: 101 is a status.
  func reply() throws -> (type: UInt8, rest: [UInt8]) {
    let reply = try receive()
    return (reply[0], Array(reply[5...]))
  }

  /// A field of /proc/PID/status in kB.
  func kilobytes(_ field: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
    return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
  }

  /// Opens a file, by default a new one for writing; its handle, or nil.
  func create(_ path: String, flags: UInt32 = 2 | 8 | 16, mode: UInt32 = 0o666) throws -> [UInt8]? {
    let reply = try ask(3) {
      $0.text(path)
      $0.uint32(flags)
      $0.uint32(4)
      $0.uint32(mode)
    }
    var reader = WireReader(reply.rest[...])
    return reply.type == 102 ? Array(try reader.string()) : nil
  }

  /// Sends a WRITE; its status (0 for success) and message.
  func write(_ handle: [UInt8], at offset: UInt64, _ bytes: [UInt8]) throws -> (status: UInt32, message: String) {
    let reply = try ask(6) {
      $0.string(handle)
      $0.uint64(offset)
      $0.string(bytes)
    }
    var reader = WireReader(reply.rest[...])
    return (try reader.uint32(), try reader.text())
  }

  /// Sends a MKDIR; its status.
  func makeDirectory(_ path: String) throws -> UInt32 {
    try sendMakeDirectory(path)
    var reader = WireReader(try reply().rest[...])
    return try reader.uint32()
  }

  /// Sends a MKDIR without receiving the reply.
  func sendMakeDirectory(_ path: String) throws {
    try request(14) {
      $0.text(path)
      $0.uint32(0)
    }
  }

  /// The next record that the session receives.
  func record() throws -> AuditRecord {
    while records.isEmpty {
      guard case .message(let bytes, _) = try report.receive(wait: Given.limit) else {
        throw SystemError("hear a fact", code: ETIMEDOUT)
      }
      messages += 1
      if case .records(let batch) = try TransferToSession(wireBytes: bytes[...]) { records += batch.records }
    }
    return records.removeFirst()
  }

  /// The records up to the first of this type.
  func records(until type: EventType) throws -> [AuditRecord] {
    var result: [AuditRecord] = []
    repeat { result.append(try record()) } while result.last?.type != type
    return result
  }

  /// Closes the reading end of its standard output.
  func closeOutput() { output = nil }

  /// Closes standard input and waits for the exit.
  func end() throws -> System.ExitStatus? {
    input = nil
    guard process.descriptor.wait(for: POLLIN, milliseconds: Given.limit) else { return nil }
    return process.reap()
  }
}

@Suite struct LoginContextTests {
  @Test func `settings that are not sealed are rejected`() throws {
    let directory = try TemporaryDirectory()
    let memory = try Descriptor.memory(name: "settings")
    for words in [["sftp", "--settings"], ["scp", "--settings", "scp -t ."]] {
      let given = try Given(words, memory: memory, in: directory.path)
      let status = try given.end()
      #expect(status != nil && status != .code(0))
    }
  }

  @Test func `truncated, empty and overlong settings are rejected`() throws {
    let directory = try TemporaryDirectory()
    let whole = TransferSettings(
      root: "", readOnly: false, umask: nil, maxFileSize: nil, maxHandles: 1, user: "", filter: TransferFilter()
    ).wireBytes
    for bytes in [[], Array(whole.dropLast()), whole + [0]] {
      let given = try Given(memory: try Descriptor.sealedMessage(name: "settings", bytes), in: directory.path)
      let status = try given.end()
      #expect(status != nil && status != .code(0))
    }
  }

  @Test func `the client sees only the root, and the session receives its operations`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    #expect(try given.makeDirectory("/d") == 0)
    #expect(directory.exists("d"))
    let record = try given.record()
    #expect(record.type == .directoryCreated && record.path == Array("/d".utf8))
    #expect(try given.end() == .code(0))
  }

  @Test func `read-only settings change nothing`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path) { $0.readOnly = true }
    #expect(try given.makeDirectory("/d") == 3)
    #expect(try given.create("/a") == nil)
  }

  @Test func `the umask of the settings applies, else that of the session`() throws {
    let directory = try TemporaryDirectory()
    #expect(try Given(in: directory.path) { $0.umask = 0o077 }.create("/a") != nil)
    #expect(try Given(in: directory.path).create("/b") != nil)
    #expect(try directory.status("a").st_mode & 0o777 == 0o600)
    #expect(try directory.status("b").st_mode & 0o777 == 0o644)
  }

  @Test func `every way to exceed the largest size fails with the reason`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path) { $0.maxFileSize = 10 }
    let handle = try #require(try given.create("/a"))
    #expect(try given.write(handle, at: 0, [UInt8](repeating: 1, count: 10)).status == 0)
    for offset: UInt64 in [1, 10, 1 << 40] {
      let refused = try given.write(handle, at: offset, [UInt8](repeating: 1, count: 10))
      #expect(refused.status == 4 && refused.message == "File too large", "at \(offset)")
    }
    // SETSTAT with a size.
    let reply = try given.ask(9) {
      $0.text("/a")
      $0.uint32(1)
      $0.uint64(11)
    }
    #expect(reply.rest[3] == 4)
    #expect(try directory.status("a").st_size == 10)
  }

  @Test func `the number of handles is limited`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path) { $0.maxHandles = 2 }
    #expect(try given.create("/a") != nil)
    #expect(try given.create("/b") != nil)
    #expect(try given.create("/c") == nil)
  }

  @Test func `rules match the login and its groups, and a denial is reported with the rule's name`() throws {
    let directory = try TemporaryDirectory()
    let group = try #require(getgrgid(getegid())).pointee.gr_name
    let name = String(cString: try #require(group))
    for (users, groups, isDenied) in [
      (["anna"], [], true), (["bob"], [], false), ([], [name], true), ([], ["no such group"], false),
    ] as [([String], [String], Bool)] {
      var rule = FilterRule(name: "the rule", action: .deny)
      rule.operations = [.createDirectory]
      rule.users = users
      rule.groups = groups
      let given = try Given(in: directory.path) {
        $0.filter.isEnabled = true
        $0.filter.rules = [rule]
      }
      #expect(try given.makeDirectory("/\(users)\(groups)") == (isDenied ? 3 : 0))
      let record = try given.record()
      #expect((record.type == .transferDenied && record.rule == "the rule") == isDenied)
    }
  }

  @Test func `rules match the groups that the configuration gives a login`() throws {
    let directory = try TemporaryDirectory()
    var rule = FilterRule(name: "staff only", action: .deny)
    rule.groups = ["no-such-group-here"]
    let rules = [rule]
    for (groups, status) in [(["other", "no-such-group-here"], UInt32(3)), (["other"], 0)] {
      let given = try Given(in: directory.path) {
        $0.filter.isEnabled = true
        $0.filter.rules = rules
        $0.groups = groups
      }
      #expect(try given.makeDirectory("/d") == status)
    }
  }

  @Test func `a session that reads late receives every record`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    let name = String(repeating: "x", count: 250)
    var path = ""
    for _ in 0..<3 {
      path += "/" + name
      #expect(try given.makeDirectory(path) == 0)
      _ = try given.record()
    }
    try directory.link("l", to: path)
    // More records than the socket holds: the transfer blocks in between.
    let count = 3000
    for number in 0..<count { try given.sendMakeDirectory("/l/\(number)") }
    for number in 0..<count { try #require(try given.record().path == Array("\(path)/\(number)".utf8)) }
    for _ in 0..<count { #expect(try given.reply().type == 101) }
  }

  @Test func `records are sent in batches, and at once when the client pauses`() throws {
    let directory = try TemporaryDirectory()
    let given = try Given(in: directory.path)
    let count = 1000
    for number in 0..<count { try given.sendMakeDirectory("/\(number)") }
    for _ in 0..<count { _ = try given.record() }
    #expect(given.messages <= count / 4)
    for _ in 0..<count { _ = try given.reply() }
    // The client sends nothing more, and the record arrives nevertheless.
    #expect(try given.makeDirectory("/last") == 0)
    #expect(try given.record().path == Array("/last".utf8))
  }

  @Test func `reads and writes are reported if the settings say so`() throws {
    let directory = try TemporaryDirectory()
    for isVerbose in [false, true] {
      let given = try Given(in: directory.path) { $0.tellsReadsAndWrites = isVerbose }
      let handle = try #require(try given.create("/a"))
      #expect(try given.write(handle, at: 7, [1, 2, 3]).status == 0)
      #expect(try given.end() == .code(0))
      let records = try given.records(until: .fileUploaded)
      #expect(records.map(\.type) == [.fileOpenWrite] + (isVerbose ? [.fileWrite] : []) + [.fileClose, .fileUploaded])
      if isVerbose { #expect(records[1].bytes == 3 && records[1].details == "at 7") }
    }
  }
}
