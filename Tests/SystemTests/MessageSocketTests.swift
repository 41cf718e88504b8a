import System
import Testing

@Suite struct MessageSocketTests {
  @Test func `a process's last message arrives although it has not read ours`() throws {
    let ours: MessageSocket
    do {
      let pair = try MessageSocket.pair()
      ours = pair.0
      try ours.send([1])
      try pair.1.send([7])
    }
    guard case .message(let bytes, _) = try ours.receive() else {
      Issue.record("no message")
      return
    }
    #expect(bytes == [7])
    guard case .closed = try ours.receive() else {
      Issue.record("not closed")
      return
    }
  }
}
