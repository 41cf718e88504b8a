import Foundation
import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

/// Packets that no conforming client sends.
struct HostileClientTests {
  let directory = try! TemporaryDirectory()

  private func violation(_ bytes: [UInt8], initialized: Bool = true) throws -> SFTPViolation? {
    var client = try Client(RootedFileSystem(root: directory.path), initialized: initialized)
    do {
      _ = try client.exchange(bytes)
      return nil
    } catch {
      return error as? SFTPViolation
    }
  }

  @Test(arguments: [0, 0xffff_ffff, 0x8000_0000, 300_000] as [UInt32])
  func `an invalid length ends the session`(length: UInt32) throws {
    var writer = WireWriter()
    writer.uint32(length)
    #expect(try violation(writer.bytes) == .badLength(length))
  }

  @Test func `the first packet must be a complete INIT`() throws {
    #expect(try violation([0, 0, 0, 5, 17, 0, 0, 0, 1], initialized: false) == .notInitialized(type: 17))
    #expect(try violation([0, 0, 0, 2, 1, 0], initialized: false) == .malformed(type: 1))
  }

  @Test func `a second INIT is answered, and open files stay open`() throws {
    var client = try Client(in: directory)
    let handle = try client.opened("a", 1 | 2 | 8)
    let again = try client.exchange([0, 0, 0, 5, 1, 0, 0, 0, 3])
    #expect(again.map(\.type) == [2])
    #expect(try client.write(handle, 0, "x") == .ok)
  }

  @Test(arguments: Array(3...20) as [UInt8]) func `a truncated request ends the session`(type: UInt8)
    throws
  {
    let packet = Client.packet(type, 7) { writer in
      writer.text("a")
      switch type {
      case 3:
        writer.uint32(0)
        writer.uint32(0)
      case 5:
        writer.uint64(0)
        writer.uint32(0)
      case 6:
        writer.uint64(0)
        writer.text("x")
      case 9, 10, 14:
        writer.uint32(1)
        writer.uint64(0)
      case 18, 20: writer.text("b")
      default: break
      }
    }
    #expect(try violation(packet) == nil)
    for count in 1..<packet.count - 4 {
      var writer = WireWriter()
      writer.string(packet[4..<4 + count])
      #expect(try violation(writer.bytes) == .malformed(type: type), "\(count) bytes")
    }
    var writer = WireWriter()
    writer.string(packet[4...] + [0])
    #expect(try violation(writer.bytes) == nil, "what is left over is ignored")
  }

  @Test func `lengths and counts inside packets are checked`() throws {
    for type in Array(3...20) as [UInt8] {
      let packet = Client.packet(type, 7) { $0.uint32(.max) }
      #expect(try violation(packet) != nil)
    }
    let extensions = Client.packet(9, 7) {
      $0.text("a")
      $0.uint32(0x8000_0000)
      $0.uint32(.max)
    }
    #expect(try violation(extensions) == .malformed(type: 9))
  }

  @Test func `handles of other sessions and invented handles are unknown`() throws {
    var (mine, other) = (try Client(in: directory), try Client(in: directory))
    let handle = try mine.opened("a", 1 | 2 | 8)
    for handle in [
      handle, [], [0], Array(repeating: 0, count: 8), Array(repeating: 0xff, count: 256),
      Array(repeating: 1, count: 257),
      Array(repeating: 1, count: 200_000),
    ] {
      #expect(try other.read(handle, 0, 10).status == .failure)
      #expect(try other.write(handle, 0, "x") == .failure)
      #expect(try other.ask(12) { $0.string(handle) }.status == .failure)
      #expect(try other.ask(8) { $0.string(handle) }.status == .failure)
      #expect(try other.set(10, handle) { $0.size = 0 } == .failure)
      #expect(try other.close(handle) == .failure)
    }
    #expect(try mine.ask(12) { $0.string(handle) }.status == .failure)
    #expect(try mine.close(handle) == .ok)
  }

  @Test func `long paths are rejected, not truncated`() throws {
    var client = try Client(in: directory)
    for path in [String(repeating: "x", count: 300), String(repeating: "d/", count: 100_000)] {
      #expect(try client.set(14, Array(path.utf8)) { _ in } == .badMessage)
      #expect(try client.ask(16, path).type == 101)
    }
  }

  @Test func `circular links fail`() throws {
    try directory.link("a", to: "b")
    try directory.link("b", to: "a")
    var client = try Client(in: directory)
    #expect(try client.ask(17, "a").status == .noSuchFile)
    #expect(try client.open("a", 2 | 8).status == .noSuchFile)
  }

  @Test func `a packet may arrive byte by byte`() throws {
    var client = try Client(in: directory)
    var replies: [Reply] = []
    for byte in Client.packet(16, 9, { $0.text(".") }) { replies += try client.exchange([byte]) }
    #expect(replies.first?.names.first?.name == "/")
  }

  @Test(.enabled(if: geteuid() == 0)) func `a full file system is reported at WRITE and at CLOSE`() throws {
    try directory.make("small")
    let place = directory.path + "/small"
    try #require(mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(place, Int32(2)) }
    let list = EventList()
    var client = try Client(RootedFileSystem(root: place, observer: list))
    let handle = try client.opened("a", 2 | 8)
    #expect(try client.write(handle, 0, String(repeating: "x", count: 40_000)) == .ok)
    #expect(try client.write(handle, 40_000, String(repeating: "x", count: 40_000)) == .failure)
    #expect(try client.write(handle, 0, "y") == .ok)
    #expect(try client.close(handle) == .failure)
    #expect(
      list.events.contains {
        if case .uploaded(_, 40_001, _, .failed(.system(let error))) = $0 { error.code == ENOSPC } else { false }
      })
  }

  @Test func `a session serves a client that sends everything before it reads`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let (near, far) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    var server = SFTPSession(SFTPServer(try RootedFileSystem(root: directory.path)))
    var requests: [UInt8] = [0, 0, 0, 5, 1, 0, 0, 0, 3]
    for i in 0..<2000 as Range<UInt32> {
      requests += Client.packet(16, i) { $0.text(String(repeating: "./", count: 8) + "new") }
    }
    let all = requests
    let received = Received()
    Thread {
      try? near.writeAll(all)
      shutdown(near.rawValue, Int32(SHUT_WR))
      received.set((try? near.readAll(limit: 10 << 20)) ?? [])
    }.start()
    #expect(server.run(input: far, output: far) == .finished)
    shutdown(far.rawValue, Int32(SHUT_RDWR))
    var reader = WireReader(received.wait())
    var count = 0
    while !reader.isAtEnd {
      _ = try reader.string()
      count += 1
    }
    #expect(count == 2001)
  }
}

/// Bytes that another thread will provide.
private final class Received: @unchecked Sendable {
  private let condition = NSCondition()
  private var bytes: [UInt8]?

  func set(_ bytes: [UInt8]) {
    condition.withLock {
      self.bytes = bytes
      condition.signal()
    }
  }

  func wait() -> [UInt8] {
    condition.withLock {
      while bytes == nil { condition.wait() }
      return bytes ?? []
    }
  }
}
