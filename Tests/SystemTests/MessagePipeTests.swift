import Foundation
import System
import Testing

/// A supervisor's connection to a child: descriptors go to the child, only bytes come back.
@Suite(.timeLimit(.minutes(5))) struct MessagePipeTests {
  private func ends() throws -> (supervisor: MessageSocket, child: MessageSocket) {
    let (ours, theirs) = try MessageSocket.supervised()
    return (ours, MessageSocket(from: theirs[0], to: theirs[1]))
  }

  private func received(_ socket: MessageSocket) throws -> [UInt8]? {
    guard case .message(let bytes, let descriptors) = try socket.receive() else { return nil }
    #expect(descriptors.isEmpty)
    return bytes
  }

  @Test func `messages arrive whole, in order and separate, in both directions`() throws {
    let (supervisor, child) = try ends()
    for count in [1, 2, 50_000, 3] {
      let message = [UInt8](repeating: UInt8(count & 255), count: count)
      try child.send(message)
      #expect(try received(supervisor) == message)
      try supervisor.send(message)
      #expect(try received(child) == message)
    }
    guard case .wouldBlock = try supervisor.receive() else { throw SystemError("one message too many", code: 0) }
  }

  @Test func `a message that does not fit into the pipe is sent in parts, and the next one waits for it`() throws {
    let (supervisor, child) = try ends()
    let longest = (0..<MessageSocket.limit).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    var sent = 0
    while !child.hasRest {
      #expect(try child.send(longest) == .bytes(longest.count))
      sent += 1
    }
    #expect(try child.send([1]) == .wouldBlock)
    while sent > 0 {
      if let message = try received(supervisor) {
        #expect(message == longest)
        sent -= 1
      }
      try child.flush()
    }
    #expect(!child.hasRest)
    #expect(try child.send([1]) == .bytes(1))
    #expect(try received(supervisor) == [1])
    #expect(throws: SystemError("send", code: EMSGSIZE)) { try child.send(longest + [7]) }
    #expect(throws: SystemError("send", code: EMSGSIZE)) { try child.send([]) }
  }

  @Test func `only the supervisor sends descriptors`() throws {
    let (ours, theirs) = try MessageSocket.supervised()
    let child = MessageSocket(from: theirs[0], to: theirs[1])
    let memory = try Descriptor.sealedMemory(name: "x", [5])
    try ours.send([1], descriptors: [memory])
    guard case .message(_, let descriptors) = try child.receive() else { throw SystemError("nothing", code: 0) }
    #expect(descriptors.count == 1)
    #expect(throws: SystemError("send", code: EINVAL)) { try child.send([1], descriptors: [memory]) }
    // Not by going around our code, either: nothing can be sent to the supervisor's end of that socket.
    #expect(try MessageSocket(theirs[0]).send([1], descriptors: [memory]) == .ended)
    #expect(try MessageSocket(theirs[0]).send([1]) == .ended)
  }

  @Test func `a closed end is reported after the messages sent before`() throws {
    let supervisor: MessageSocket
    do {
      let (ours, theirs) = try MessageSocket.supervised()
      supervisor = ours
      try MessageSocket(from: theirs[0], to: theirs[1]).send([1, 2])
    }
    #expect(try received(supervisor) == [1, 2])
    guard case .closed = try supervisor.receive() else { throw SystemError("not closed", code: 0) }
    let child: MessageSocket
    do {
      let (ours, theirs) = try MessageSocket.supervised()
      child = MessageSocket(from: theirs[0], to: theirs[1])
      try ours.send([3])
      ours.shutDownWriting()
    }
    #expect(try received(child) == [3])
    guard case .closed = try child.receive() else { throw SystemError("not closed", code: 0) }
    SignalSource.ignoreBrokenPipes()
    #expect(try child.send([1]) == .ended)
  }

  @Test(arguments: [[0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 2, 0x80, 1]] as [[UInt8]])
  func `an invalid length closes the connection`(header: [UInt8]) throws {
    let (ours, theirs) = try MessageSocket.supervised()
    try theirs[1].writeAll(header)
    guard case .closed = try ours.receive() else { throw SystemError("not closed", code: 0) }
  }

  @Test func `a message that arrives byte by byte is the same, and a partial one never blocks`() throws {
    let (ours, theirs) = try MessageSocket.supervised()
    let frame: [UInt8] = [0, 0, 0, 3] + MessageVersion.header + [7, 8, 9]
    for byte in frame.dropLast() {
      try theirs[1].writeAll([byte])
      guard case .wouldBlock = try ours.receive() else { throw SystemError("too early", code: 0) }
    }
    try theirs[1].writeAll([9])
    #expect(try received(ours) == [7, 8, 9])
  }
}
