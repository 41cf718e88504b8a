import Foundation
import System
import Testing

@Suite(.timeLimit(.minutes(1))) struct MessageVersionTests {
  /// Headers that are not ours, and what they say.
  private static let others: [(header: [UInt8], words: String)] = [
    (Array("bssh".utf8) + [0, 0, 1, 7], "version 263"), (Array("bssx".utf8) + [0, 0, 0, 1], "no version"),
    ([1, 0, 0, 0, 0, 0, 0, 0], "no version"), ([9], "no version"), (Array("bssh".utf8) + [0, 0, 0], "no version"),
  ]

  private static func error(_ words: String) -> SystemError {
    SystemError(
      "the other process has messages of \(words), this one of version \(MessageVersion.current): their executables are "
        + "not of one build; install all of one build, and restart bssh-server",
      code: EPROTO)
  }

  @Test func `the version stands in four bytes behind the name`() {
    #expect(MessageVersion.header == Array("bssh".utf8) + [0, 0, 0, UInt8(MessageVersion.current)])
  }

  @Test(arguments: others) func `a message of another version throws what to do`(header: [UInt8], words: String) throws
  {
    let (a, b) = try MessageSocket.pair()
    let message = header.count < 8 ? header : header + [1, 2, 3]
    #expect(send(a.descriptor.rawValue, message, message.count, 0) == message.count)
    #expect(throws: Self.error(words)) { try b.receive() }
    let (ours, theirs) = try MessageSocket.supervised()
    try theirs[1].writeAll([0, 0, 0, 3] + message)
    // Of a name that begins as ours there may be more to come.
    if header.count == 7 {
      guard case .wouldBlock = try ours.receive() else { throw SystemError("too early", code: 0) }
      try theirs[1].writeAll([2])
      #expect(throws: Self.error("version 2")) { try ours.receive() }
    } else {
      #expect(throws: Self.error(words)) { try ours.receive() }
    }
    // Nothing that follows is understood.
    #expect(throws: SystemError.self) { try ours.receive() }
  }

  @Test func `descriptors that come with such a message are closed`() throws {
    let name = UUID().uuidString
    let (a, b) = try MessageSocket.pair()
    do {
      // A datagram stands behind no header.
      let memory = try Descriptor.memory(name: name)
      _ = try a.descriptor.sendDatagram([7, 7, 7, 7, 7, 7, 7, 7, 7], descriptors: [memory])
    }
    #expect(throws: Self.error("no version")) { try b.receive() }
    let links = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let names = links.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
    #expect(!names.contains { $0.contains(name) })
  }

  @Test func `a message in sealed memory is read again, and only of our version and sealed`() throws {
    #expect(try Descriptor.sealedMessage(name: "x", [1, 2, 3]).sealedMessage(limit: 3) == [1, 2, 3])
    #expect(try Descriptor.sealedMessage(name: "x", []).sealedMessage(limit: 3) == [])
    #expect(throws: SystemError("read a message: more than 3 bytes", code: EFBIG)) {
      try Descriptor.sealedMessage(name: "x", [1, 2, 3, 4]).sealedMessage(limit: 3)
    }
    let open = try Descriptor.memory(name: "x")
    try open.writeAll(MessageVersion.header + [1])
    #expect(throws: SystemError("read a message: no sealed memory", code: EINVAL)) { try open.sealedMessage(limit: 3) }
    for (header, words) in Self.others {
      let memory = try Descriptor.sealedMemory(name: "x", header.count < 8 ? header : header + [1])
      #expect(throws: Self.error(words)) { try memory.sealedMessage(limit: 3) }
    }
  }

  @Test func `a datagram has the version, too`() throws {
    #expect(try Array(MessageVersion.message(in: MessageVersion.headed([1, 2]))) == [1, 2])
    for (header, words) in Self.others {
      #expect(throws: Self.error(words)) { try MessageVersion.message(in: header) }
    }
  }
}
