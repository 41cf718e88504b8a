import Foundation
import System
import Testing

@Suite(.serialized) struct ServiceManagerTests {
  /// A socket like systemd's; `@` begins an abstract name.
  private func bound(_ name: String) throws -> Descriptor {
    let raw = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    let descriptor = Descriptor(owning: raw)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, socklen_t(2 + bytes.count)) }
    }
    try #require(result == 0)
    return descriptor
  }

  private func text(_ socket: Descriptor) throws -> String {
    String(decoding: try socket.read(count: 4096).bytes, as: UTF8.self)
  }

  @Test(arguments: [true, false]) func `each state is one datagram in sd_notify's format`(isAbstract: Bool) throws {
    let name = isAbstract ? "@bssh-\(UUID().uuidString)" : NSTemporaryDirectory() + UUID().uuidString
    let socket = try bound(name)
    defer { if !isAbstract { unlink(name) } }
    setenv("NOTIFY_SOCKET", name, 1)
    defer { unsetenv("NOTIFY_SOCKET") }
    let manager = ServiceManager()
    #expect(manager.isPresent)
    manager.ready(status: "3 connections")
    #expect(try text(socket) == "READY=1\nSTATUS=3 connections\nMAINPID=\(getpid())")
    manager.status("x")
    #expect(try text(socket) == "STATUS=x")
    let before = Clock.microseconds
    manager.reloading()
    let after = Clock.microseconds
    let lines = try text(socket).split(separator: "\n")
    #expect(lines.first == "RELOADING=1" && lines.count == 2)
    let time = try #require(lines.last?.split(separator: "=").last.flatMap { Int64($0) })
    #expect(lines.last?.hasPrefix("MONOTONIC_USEC=") == true && (before...after).contains(time))
    manager.stopping()
    #expect(try text(socket) == "STOPPING=1")
    #expect(try socket.read(count: 10).outcome == .wouldBlock)
  }

  @Test func `no status adds a second assignment`() throws {
    let name = "@bssh-\(UUID().uuidString)"
    let socket = try bound(name)
    setenv("NOTIFY_SOCKET", name, 1)
    defer { unsetenv("NOTIFY_SOCKET") }
    let manager = ServiceManager()
    manager.status("disk\nMAINPID=1\r\u{2028}X=1\0")
    #expect(try text(socket) == "STATUS=disk\\x0aMAINPID=1\\x0d\\u{2028}X=1\\x00")
    manager.ready(status: "a\nMAINPID=1")
    #expect(try text(socket) == "READY=1\nSTATUS=a\\x0aMAINPID=1\nMAINPID=\(getpid())")
  }

  @Test(arguments: ["", "/nowhere/at/all", "/" + String(repeating: "a", count: 200)])
  func `without a service manager nothing happens`(name: String) {
    setenv("NOTIFY_SOCKET", name, 1)
    defer { unsetenv("NOTIFY_SOCKET") }
    let manager = ServiceManager()
    #expect(!manager.isPresent)
    manager.ready(status: "x")
    manager.stopping()
  }
}
