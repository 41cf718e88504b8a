import Foundation
import System
import Testing

@Suite struct MessageSocketDescriptorTests {
  private func message(_ socket: MessageSocket) throws -> ([UInt8], [Descriptor])? {
    guard case .message(let bytes, let descriptors) = try socket.receive() else { return nil }
    return (bytes, descriptors)
  }

  private func isClosed(_ socket: MessageSocket) throws -> Bool {
    if case .closed = try socket.receive() { true } else { false }
  }

  @Test func `messages arrive whole, in order and separate`() throws {
    let (a, b) = try MessageSocket.pair()
    for count in [1, 2, 70_000, 1] { try a.send([UInt8](repeating: UInt8(count & 255), count: count)) }
    for count in [1, 2, 70_000, 1] {
      #expect(try message(b)?.0 == [UInt8](repeating: UInt8(count & 255), count: count))
    }
    guard case .wouldBlock = try b.receive() else { throw SystemError("one message too many", code: 0) }
  }

  @Test func `the longest message arrives, and a longer or empty one is not sent`() throws {
    let (a, b) = try MessageSocket.pair()
    let longest = [UInt8](repeating: 7, count: MessageSocket.limit)
    try a.send(longest)
    #expect(try message(b)?.0 == longest)
    #expect(throws: SystemError("send", code: EMSGSIZE)) { try a.send(longest + [7]) }
    #expect(throws: SystemError("send", code: EMSGSIZE)) { try a.send([]) }
  }

  @Test func `a message that is empty or over the limit counts as closed`() throws {
    let header = MessageVersion.header
    for message in [[], header, header + [UInt8](repeating: 1, count: MessageSocket.limit + 1)] {
      let (a, b) = try MessageSocket.pair()
      #expect(send(a.descriptor.rawValue, message, message.count, 0) == message.count)
      #expect(try isClosed(b))
    }
  }

  @Test func `descriptors arrive once, close-on-exec, and do not leak`() throws {
    let name = UUID().uuidString
    do {
      let (a, b) = try MessageSocket.pair()
      do {
        let memory = try Descriptor.sealedMemory(name: name, [5])
        try a.send([1], descriptors: [memory, memory])
        try a.send([2])
      }
      let (_, descriptors) = try #require(try message(b))
      #expect(descriptors.count == 2 && openDescriptors(name) == 2)
      for descriptor in descriptors {
        #expect(isCloseOnExec(descriptor))
        #expect(try descriptor.read(count: 9, at: 0) == [5])
      }
      #expect(try message(b)?.1.isEmpty == true)
    }
    #expect(openDescriptors(name) == 0)
  }

  @Test func `more than 64 descriptors count as closed, and all of them are closed`() throws {
    let name = UUID().uuidString
    let memory = try Descriptor.memory(name: name)
    let (a, b) = try MessageSocket.pair()
    try a.send([1], descriptors: Array(repeating: memory, count: 64))
    #expect(try message(b)?.1.count == 64)
    try a.send([1], descriptors: Array(repeating: memory, count: 65))
    #expect(try isClosed(b))
    #expect(openDescriptors(name) == 1)
    withExtendedLifetime(memory) {}
  }

  @Test func `descriptors of a truncated message are closed`() throws {
    let name = UUID().uuidString
    let memory = try Descriptor.memory(name: name)
    let (a, b) = try MessageSocket.pair()
    var numbers = [memory.rawValue]
    var bytes = MessageVersion.header + [UInt8](repeating: 1, count: MessageSocket.limit + 1)
    let sent = bytes.withUnsafeMutableBytes { bytes in
      var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
      // A cmsghdr and one number, laid out as in cmsg(3).
      var control = [UInt8](repeating: 0, count: 24)
      control.withUnsafeMutableBytes {
        $0.storeBytes(of: 20, as: Int.self)
        $0.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
        $0.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)
        $0.storeBytes(of: numbers.removeFirst(), toByteOffset: 16, as: Int32.self)
      }
      return control.withUnsafeMutableBytes { control in
        withUnsafeMutablePointer(to: &part) {
          var header = msghdr()
          header.msg_iov = $0
          header.msg_iovlen = 1
          header.msg_control = control.baseAddress
          header.msg_controllen = control.count
          return sendmsg(a.descriptor.rawValue, &header, 0)
        }
      }
    }
    #expect(sent == bytes.count)
    #expect(try isClosed(b))
    #expect(openDescriptors(name) == 1)
  }

  @Test func `a closed peer is reported to sender and receiver`() throws {
    let kept: MessageSocket
    do { kept = try MessageSocket.pair().0 }
    #expect(try kept.send([1]) == .ended)
    #expect(try isClosed(kept))
  }

  @Test func `a peer that does not read blocks nobody`() throws {
    let (a, b) = try MessageSocket.pair()
    var count = 0
    while try a.send([UInt8](repeating: 1, count: MessageSocket.limit)) != .wouldBlock { count += 1 }
    #expect(count >= 1)
    for _ in 0..<count { #expect(try message(b)?.0.count == MessageSocket.limit) }
    #expect(try a.send([1]) == .bytes(1))
  }
}
