import System
import Testing
import Wire

@testable import Supervisor

/// The messages that wait for a process that does not read.
@Suite struct ChildTests {
  /// A process, and its end of the socket.
  private func child(_ role: Child.Role) throws -> (child: Child, socket: MessageSocket) {
    let (ours, theirs) = try MessageSocket.pair()
    return (Child(number: 7, role: role, maker: 1, socket: ours), theirs)
  }

  private func message(_ number: Int) -> SecretBytes {
    var writer = WireWriter()
    writer.uint64(UInt64(number))
    return SecretBytes(writer.bytes)
  }

  /// The numbers of the messages that the process reads until there are none, and whether the socket is closed then.
  private func read(_ socket: MessageSocket) throws -> (numbers: [UInt64], isClosed: Bool) {
    var numbers: [UInt64] = []
    while true {
      switch try socket.receive() {
      case .message(let bytes, _):
        var reader = WireReader(bytes[...])
        numbers.append(try reader.uint64())
      case .wouldBlock: return (numbers, false)
      case .closed: return (numbers, true)
      }
    }
  }

  /// Sends until the socket is full and this number of messages wait; returns the number of all messages.
  private func fill(_ child: Child, waiting: Int) throws -> Int {
    var (sent, waits) = (0, 0)
    while waits < waiting {
      switch child.send(message(sent)) {
      case .sent: break
      case .waits: waits += 1
      case .failed(let why):
        Issue.record("\(why) after \(sent)")
        return sent
      }
      sent += 1
    }
    return sent
  }

  @Test func `the socket is closed after all waiting messages`() throws {
    let (child, socket) = try child(.recorder)
    let sent = try fill(child, waiting: 100)
    child.finish()
    #expect(child.isFinished && child.hasBacklog)
    var numbers: [UInt64] = []
    var isClosed = false
    while !isClosed {
      let (more, end) = try read(socket)
      guard end || !more.isEmpty else {
        Issue.record("no end after \(numbers.count) messages")
        return
      }
      // A process that has read its last message must find the socket closed.
      #expect(!end || !child.hasBacklog)
      numbers += more
      isClosed = end
      if child.hasBacklog { _ = child.flush() }
    }
    #expect(numbers == (0..<UInt64(sent)).map { $0 })
  }

  @Test func `without waiting messages the socket is closed immediately`() throws {
    let (child, socket) = try child(.recorder)
    child.finish()
    #expect(try read(socket) == ([], true))
  }

  @Test(arguments: [(Child.Role.recorder, 8192), (.session, 64)])
  func `the number of waiting messages is limited`(role: Child.Role, limit: Int) throws {
    let (child, socket) = try child(role)
    let sent = try fill(child, waiting: limit)
    guard case .failed = child.send(message(sent)) else {
      Issue.record("one more was taken")
      return
    }
    // The accepted messages are not lost.
    var numbers = try read(socket).numbers
    while child.hasBacklog {
      _ = child.flush()
      numbers += try read(socket).numbers
    }
    #expect(numbers == (0..<UInt64(sent)).map { $0 })
  }

  @Test func `messages to a paused login are sent, and a writable socket is watched only when needed`() throws {
    let (ours, theirs) = try MessageSocket.supervised()
    let child = Child(number: 7, role: .session, maker: 1, socket: ours)
    let socket = MessageSocket(from: theirs[0], to: theirs[1])
    let loop = try EventLoop()
    let sent = try fill(child, waiting: 1)
    child.isPaused = true
    try child.watch([.read, .write], in: loop)
    #expect(try loop.wait(milliseconds: 0).isEmpty)
    var numbers = try read(socket).numbers
    #expect(try loop.wait(milliseconds: 0).map(\.token) == [ProcessRuntime.token(7, .room)])
    guard case .sent = child.flush() else {
      Issue.record("there is no room after \(numbers.count) messages")
      return
    }
    try child.watch(.read, in: loop)
    #expect(try loop.wait(milliseconds: 0).isEmpty)
    numbers += try read(socket).numbers
    #expect(numbers == (0..<UInt64(sent)).map { $0 })
  }
}
