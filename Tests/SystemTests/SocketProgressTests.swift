import Foundation
import System
import Testing

@Suite struct SocketProgressTests {
  @Test func `bytes are outstanding on a Unix socket until the receiver reads them`() throws {
    let path = NSTemporaryDirectory() + "bssh-datagram-\(UUID().uuidString)"
    let receiver = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
    defer { unlink(path) }
    try bindUnix(receiver, path)
    let sender = try Descriptor.datagram(to: path)
    #expect(try sender.outstandingBytes() == 0)
    #expect(try sender.sendDatagram([1, 2, 3]) == .bytes(3))
    #expect(try sender.outstandingBytes() > 0)
    #expect(try receiver.read(count: 10).bytes == [1, 2, 3])
    #expect(try sender.outstandingBytes() == 0)
    let file = try Descriptor.sealedMemory(name: "large", [7])
    #expect(try sender.sendDatagram([], descriptors: [file]) == .bytes(0))
  }

  @Test func `a full receiver would block, and a closed one has ended`() throws {
    let path = NSTemporaryDirectory() + "bssh-datagram-\(UUID().uuidString)"
    var receiver: Descriptor? = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
    defer { unlink(path) }
    try bindUnix(#require(receiver), path)
    let sender = try Descriptor.datagram(to: path)
    var outcome = IOOutcome.bytes(0)
    for _ in 0..<100_000 where outcome != .wouldBlock { outcome = try sender.sendDatagram([1]) }
    #expect(outcome == .wouldBlock)
    receiver = nil
    #expect(try sender.sendDatagram([1]) == .ended)
  }

  @Test func `a TCP connection reports acknowledged bytes and the peer's window`() throws {
    let listener = try Listener(SocketAddress(address: "127.0.0.1", port: 0))
    let client = try connected(to: #require(listener.address))
    let start = try BorrowedSocket(client.rawValue).tcpProgress()
    #expect(start.outstanding == 0 && start.window > 0 && start.silence == 0)
    try client.writeAll([UInt8](repeating: 1, count: 1000))
    let server = try accept(listener)
    var received = 0
    while received < 1000 {
      try #require(server.wait(for: POLLIN, milliseconds: Self.limit))
      received += try server.read(count: 1000).bytes.count
    }
    // The answer acknowledges everything that was read.
    try server.writeAll([2])
    try #require(client.wait(for: POLLIN, milliseconds: Self.limit))
    #expect(try client.outstandingBytes() == 0)
    let after = try BorrowedSocket(client.rawValue).tcpProgress()
    #expect(after.written - start.written == 1000 && after.acknowledged == after.written)
  }

  @Test func `a connection reset by the peer is closed, whatever is outstanding`() throws {
    let listener = try Listener(SocketAddress(address: "127.0.0.1", port: 0))
    let client = try connected(to: #require(listener.address))
    #expect(try !BorrowedSocket(client.rawValue).tcpProgress().isClosed)
    do {
      let accepted = try accept(listener)
      var now = linger(l_onoff: 1, l_linger: 0)
      setsockopt(accepted.rawValue, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
    try #require(client.wait(for: POLLIN, milliseconds: Self.limit))
    #expect(try BorrowedSocket(client.rawValue).tcpProgress().isClosed)
  }

  /// Limit of any wait, in milliseconds.
  private static let limit: Int32 = 60_000

  private func accept(_ listener: Listener) throws -> Descriptor {
    try #require(listener.descriptor.wait(for: POLLIN, milliseconds: Self.limit))
    guard case .connection(let accepted) = listener.accept() else { throw SystemError("accept", code: EAGAIN) }
    return accepted
  }

  private func bindUnix(_ socket: Descriptor, _ path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)
  }

  private func connected(to address: SocketAddress) throws -> Descriptor {
    let client = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_port = address.port.bigEndian
    inet_pton(AF_INET, address.address, &raw.sin_addr)
    let result = withUnsafePointer(to: &raw) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(client.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    return client
  }
}
