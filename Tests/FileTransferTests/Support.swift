import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// A directory that is removed with its owner.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/bssh-files-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
  }

  func make(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
  }

  func exists(_ name: String) -> Bool {
    var status = stat()
    return lstat(path + "/" + name, &status) == 0
  }

  func status(_ name: String) throws -> stat {
    var status = stat()
    guard lstat(path + "/" + name, &status) == 0 else { throw SystemError.last("lstat \(name)") }
    return status
  }
}

/// Stores the events that it receives.
final class EventList: FileObserver {
  var events: [FileEvent] = []
  var observesReadsAndWrites = false
  func record(_ event: FileEvent) { events.append(event) }
}

/// Denies one operation below one path.
struct RefusingGate: TransferGate {
  var operation: FileOperation
  var prefix: String
  var largest: UInt64?

  var checksSizes: Bool { largest != nil }

  func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict {
    guard operation == self.operation else { return .allowed }
    guard paths.contains(where: { $0.starts(with: prefix.utf8) }) else { return .allowed }
    if let largest, let size, size <= largest { return .allowed }
    return .denied(rule: "test")
  }
}

/// A reply of the server.
struct Reply: Equatable {
  let type: UInt8
  let id: UInt32
  let body: [UInt8]

  /// The status of a STATUS; nil for other replies.
  var status: SFTPStatus? {
    var reader = WireReader(body)
    guard type == 101, let code = try? reader.uint32() else { return nil }
    return SFTPStatus(rawValue: code)
  }

  /// The first string of the body: a handle or data.
  var string: [UInt8] {
    var reader = WireReader(body)
    return (try? reader.string()).map(Array.init) ?? []
  }

  /// The entries of a NAME, with their lines and attributes.
  var names: [(name: String, line: String, attributes: SFTPAttributes)] {
    var reader = WireReader(body)
    guard type == 104, let count = try? reader.uint32() else { return [] }
    return (0..<count).compactMap { _ in
      guard let name = try? reader.string(), let line = try? reader.string(),
        let attributes = try? SFTPAttributes(from: &reader)
      else { return nil }
      return (String(decoding: name, as: UTF8.self), String(decoding: line, as: UTF8.self), attributes)
    }
  }

  var attributes: SFTPAttributes? {
    var reader = WireReader(body)
    return type == 105 ? try? SFTPAttributes(from: &reader) : nil
  }
}

/// A client with a server in the same process.
struct Client {
  var server: SFTPServer
  private var packets = SFTPPackets()
  private var replies = ReplyBuffer()
  private var id: UInt32 = 0

  init(_ files: RootedFileSystem, _ options: SFTPServer.Options = .init(), initialized: Bool = true) throws {
    server = SFTPServer(files, options)
    if initialized { _ = try exchange([0, 0, 0, 5, 1, 0, 0, 0, 3]) }
  }

  /// A client whose root is `directory`.
  init(
    in directory: TemporaryDirectory, readOnly: Bool = false, gate: any TransferGate = OpenGate(),
    observer: (any FileObserver)? = nil, _ options: SFTPServer.Options = .init()
  ) throws {
    try self.init(
      RootedFileSystem(root: directory.path, isReadOnly: readOnly, gate: gate, observer: observer), options)
  }

  /// Sends bytes and returns the replies.
  mutating func exchange(_ bytes: [UInt8]) throws -> [Reply] {
    var result: [Reply] = []
    var rest = bytes[...]
    repeat {
      let part = rest.prefix(packets.room)
      packets.append(part)
      rest = rest.dropFirst(part.count)
      repeat {
        try server.handle(&packets, &replies)
        var reader = WireReader(Array(replies.unsent))
        let count = reader.count
        while !reader.isAtEnd {
          var packet = WireReader(try reader.string())
          let (type, id) = (try packet.byte(), try packet.uint32())
          result.append(Reply(type: type, id: id, body: Array(packet.rest)))
        }
        replies.sent(count)
        if count == 0 { break }
      } while true
    } while !rest.isEmpty
    return result
  }

  static func packet(_ type: UInt8, _ id: UInt32, _ body: (inout WireWriter) -> Void) -> [UInt8] {
    var inner = WireWriter()
    inner.byte(type)
    inner.uint32(id)
    body(&inner)
    var writer = WireWriter()
    writer.string(inner.bytes)
    return writer.bytes
  }

  mutating func ask(_ type: UInt8, _ body: (inout WireWriter) -> Void) throws -> Reply {
    id += 1
    let replies = try exchange(Client.packet(type, id, body))
    let reply = try #require(replies.first)
    #expect(replies.count == 1 && reply.id == id)
    return reply
  }

  mutating func ask(_ type: UInt8, _ texts: String...) throws -> Reply {
    try ask(type) { for text in texts { $0.text(text) } }
  }

  mutating func extended(_ name: String, _ body: (inout WireWriter) -> Void) throws -> Reply {
    try ask(200) {
      $0.text(name)
      body(&$0)
    }
  }

  mutating func open(_ path: String, _ flags: UInt32, mode: UInt32? = nil) throws -> Reply {
    try ask(3) {
      $0.text(path)
      $0.uint32(flags)
      var attributes = SFTPAttributes()
      attributes.mode = mode
      attributes.encode(to: &$0)
    }
  }

  mutating func opened(_ path: String, _ flags: UInt32) throws -> [UInt8] {
    let reply = try open(path, flags)
    try #require(reply.type == 102, "\(path): \(String(describing: reply.status))")
    return reply.string
  }

  mutating func read(_ handle: [UInt8], _ offset: UInt64, _ count: UInt32) throws -> Reply {
    try ask(5) {
      $0.string(handle)
      $0.uint64(offset)
      $0.uint32(count)
    }
  }

  mutating func write(_ handle: [UInt8], _ offset: UInt64, _ text: String) throws -> SFTPStatus? {
    try ask(6) {
      $0.string(handle)
      $0.uint64(offset)
      $0.text(text)
    }.status
  }

  mutating func close(_ handle: [UInt8]) throws -> SFTPStatus? { try ask(4) { $0.string(handle) }.status }

  mutating func set(_ type: UInt8, _ name: [UInt8], _ change: (inout SFTPAttributes) -> Void) throws -> SFTPStatus? {
    var attributes = SFTPAttributes()
    change(&attributes)
    return try ask(type) {
      $0.string(name)
      attributes.encode(to: &$0)
    }.status
  }

  /// The text of a file of at most 100 kB.
  mutating func text(_ path: String) throws -> String {
    let handle = try opened(path, 1)
    let reply = try read(handle, 0, 100_000)
    _ = try close(handle)
    return reply.type == 103 ? String(decoding: reply.string, as: UTF8.self) : ""
  }
}

/// Bytes as hexadecimal digits.
func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

/// Exchanges the names of two files repeatedly, on a thread of its own.
final class Swapper: @unchecked Sendable {
  private let condition = NSCondition()
  private var isStopped = false
  private var isFinished = false

  init(_ a: String, _ b: String) {
    Thread.detachNewThread { [self] in
      // Swift has no renameat2(2).
      while !condition.withLock({ isStopped }) {
        _ = rename(a, a + "-") == 0 && rename(b, a) == 0 && rename(a + "-", b) == 0
      }
      condition.withLock {
        isFinished = true
        condition.signal()
      }
    }
  }

  /// Stops exchanging and waits for the thread.
  func stop() {
    condition.withLock {
      isStopped = true
      while !isFinished { condition.wait() }
    }
  }
}
