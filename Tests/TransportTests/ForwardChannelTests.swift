import Testing

@testable import Transport

/// The state machine of a forwarded channel.
@Suite struct ForwardChannelTests {
  private static func open() -> Channel {
    Channel(
      number: 0, peer: 7, peerWindow: 1000, peerMaximumPacket: 32768, windowSize: 1000, isForward: true)
  }

  /// What happens on a channel, in the order of a test's argument.
  private enum Step: String, CaseIterable {
    /// CHANNEL_EOF.
    case clientEnds
    /// The pump has shut down the socket.
    case inputIsWritten
    case targetEnds
    case clientCloses
    case writeFails
  }

  private static func actions(_ steps: [Step]) -> [Channel.Action] {
    var channel = open()
    return steps.flatMap { step in
      switch step {
      case .clientEnds: channel.endOfFileReceived()
      case .inputIsWritten: channel.inputEnded()
      case .targetEnds: channel.outputEnded()
      case .clientCloses: channel.closeReceived()
      case .writeFails: channel.inputFailed()
      }
    }
  }

  @Test func `the client's end of file ends the socket's input and leaves its output open`() {
    #expect(Self.actions([.clientEnds, .inputIsWritten]) == [.endInput])
    var channel = Self.open()
    _ = channel.endOfFileReceived()
    _ = channel.inputEnded()
    #expect(channel.sendable == 1000)
  }

  @Test func `the target's end of file is sent and leaves its input open`() throws {
    #expect(Self.actions([.targetEnds]) == [.sendEndOfFile])
    var channel = Self.open()
    _ = channel.outputEnded()
    try channel.received(bytes: 1000)
    #expect(channel.takesInput && channel.consumed(bytes: 500) == [.adjustWindow(500)])
  }

  @Test func `the channel is closed when both directions have ended, in either order`() {
    let ends: [[Step]] = [
      [.clientEnds, .inputIsWritten, .targetEnds], [.targetEnds, .clientEnds, .inputIsWritten],
      [.clientEnds, .targetEnds, .inputIsWritten],
    ]
    for steps in ends {
      let actions = Self.actions(steps)
      #expect(actions.filter { $0 == .sendEndOfFile || $0 == .sendClose } == [.sendEndOfFile, .sendClose])
      #expect(actions.last == .sendClose)
      #expect(Self.actions(steps + [.clientCloses]).suffix(2) == [.hangUp, .forget])
    }
  }

  @Test func `a failed write ends the input, and nothing but the end of the output is sent for it`() {
    #expect(Self.actions([.writeFails]) == [.dropInput])
    #expect(Self.actions([.writeFails, .writeFails, .targetEnds]) == [.dropInput, .sendEndOfFile, .sendClose])
    #expect(Self.actions([.targetEnds, .writeFails]) == [.sendEndOfFile, .dropInput, .sendClose])
  }

  @Test func `after the client's close the pending input is still written, and then all is over`() {
    #expect(Self.actions([.clientCloses]) == [.endInput, .closeOutputs])
    #expect(
      Self.actions([.clientCloses, .inputIsWritten]) == [.endInput, .closeOutputs, .sendClose, .hangUp, .forget])
    #expect(
      Self.actions([.clientCloses, .writeFails])
        == [.endInput, .closeOutputs, .dropInput, .sendClose, .hangUp, .forget])
  }

  @Test func `whatever the order of events, the session is told of the end once, with the last of them`() {
    func orders(_ steps: [Step]) -> [[Step]] {
      steps.isEmpty
        ? [[]]
        : steps.indices.flatMap { index in
          var rest = steps
          let step = rest.remove(at: index)
          return orders(rest).map { [step] + $0 }
        }
    }
    for steps in orders([.clientEnds, .inputIsWritten, .targetEnds, .clientCloses]) {
      // The target cannot be read any more after the client's close, nor is input complete before the client's end.
      let close = steps.firstIndex(of: .clientCloses)!
      let end = steps.firstIndex(of: .clientEnds)!
      let written = steps.firstIndex(of: .inputIsWritten)!
      guard written > min(end, close), steps.firstIndex(of: .targetEnds)! < close else { continue }
      let actions = Self.actions(steps)
      #expect(actions.count(where: { $0 == .hangUp }) == 1 && actions.count(where: { $0 == .forget }) == 1, "\(steps)")
      #expect(actions.count(where: { $0 == .sendClose }) == 1, "\(steps)")
      #expect(actions.suffix(2) == [.hangUp, .forget], "\(steps)")
    }
  }

  @Test func `a forwarded channel takes no requests, no program and no eow`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == false)
    #expect(channel.refused(wantsReply: true) == [.reply(false)])
    #expect(channel.refused(wantsReply: false) == [])
    #expect(channel.answered(true) == nil)
    #expect(channel.started(isTerminal: false) == nil)
    #expect(channel.exited(.sendExitStatus(0)) == nil)
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 1000)
  }

  @Test func `data beyond the window, and data after the end, are violations`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    #expect(throws: Channel.Violation.windowOverrun) { try channel.received(bytes: 1) }
    _ = channel.endOfFileReceived()
    #expect(throws: Channel.Violation.dataAfterEnd) { try channel.received(bytes: 1) }
  }

  @Test func `as many channels are forwarded as there are descriptors that sessions cannot need`() {
    #expect(Connection.forwardLimit(openFiles: 4096, sessions: 50) == 3832)
    #expect(Connection.forwardLimit(openFiles: 4096, sessions: 10_000) == 0)
    // The upper bounds of `server.max_channels` and `forwarding.max_channels`, with the limit that the supervisor sets.
    #expect(Connection.forwardLimit(openFiles: 4 * 1024 + 4096 + 64, sessions: 1024) == 4096)
    #expect(Connection.forwardLimit(openFiles: 0, sessions: 50) == 0)
  }

  @Test func `terminals send first, and each of the others is first among them in its turn`() {
    let turns = (0..<6).map { Connection.order(terminals: ["t", "u"], others: ["a", "b", "c"], turn: UInt($0)) }
    #expect(turns.allSatisfy { $0.prefix(2) == ["t", "u"] && $0.sorted() == ["a", "b", "c", "t", "u"] })
    #expect(turns.map { $0[2] } == ["a", "b", "c", "a", "b", "c"])
    #expect(Connection.order(terminals: ["t"], others: [], turn: 7) == ["t"])
    #expect(Connection.order(terminals: [], others: ["a"], turn: .max) == ["a"])
  }
}
