import Testing

@testable import Transport

@Suite struct ChannelTests {
  /// A channel that may send and receive 1,000 bytes.
  static func open(window: UInt32 = 1000, packet: UInt32 = 32768) -> Channel {
    Channel(number: 0, peer: 7, peerWindow: window, peerMaximumPacket: packet, windowSize: 1000)
  }

  static func running() throws -> Channel {
    var channel = open()
    try channel.requested(wantsReply: true)
    #expect(channel.started(outputs: 2) == [.reply(true)])
    return channel
  }

  // MARK: Windows

  @Test func `a client may send exactly its window and not a byte more`() throws {
    var channel = Self.open()
    try channel.received(bytes: 999)
    try channel.received(bytes: 1)
    #expect(throws: Channel.Violation.windowOverrun) { try channel.received(bytes: 1) }
  }

  @Test func `a window is given back when half of it has been taken`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    #expect(channel.consumed(bytes: 499) == [])
    #expect(channel.consumed(bytes: 1) == [.adjustWindow(500)])
    #expect(channel.window == 500)
    #expect(channel.consumed(bytes: 500) == [.adjustWindow(500)])
    #expect(channel.window == 1000)
  }

  @Test func `what the program does not take is never given back`() throws {
    var channel = try Self.running()
    try channel.received(bytes: 1000)
    #expect(channel.window == 0)
    #expect(throws: Channel.Violation.windowOverrun) { try channel.received(bytes: 1) }
  }

  @Test func `the peer's window and packet size bound what is sent`() throws {
    var channel = Self.open(window: 100, packet: 64)
    #expect(channel.sendable == 64)
    channel.sent(bytes: 64)
    #expect(channel.sendable == 36)
    channel.sent(bytes: 36)
    #expect(channel.sendable == 0)
    try channel.adjusted(by: 10)
    #expect(channel.sendable == 10)
  }

  @Test func `no packet carries more data than everyone must take`() {
    #expect(Self.open(window: .max, packet: .max).sendable == 32768)
  }

  @Test func `a window over 32 bits is a violation`() throws {
    var channel = Self.open(window: 1)
    try channel.adjusted(by: .max - 1)
    #expect(throws: Channel.Violation.windowTooLarge) { try channel.adjusted(by: 1) }
  }

  // MARK: Requests

  @Test func `answers keep the order of the requests`() throws {
    var channel = Self.open()
    try channel.requested(wantsReply: true)
    #expect(try channel.refused(wantsReply: true) == [])
    #expect(try channel.refused(wantsReply: false) == [])
    try channel.requested(wantsReply: false)
    #expect(channel.answered(true) == [.reply(true), .reply(false)])
    #expect(channel.answered(false) == [])
    #expect(try channel.refused(wantsReply: true) == [.reply(false)])
  }

  @Test func `an answer to nothing is no session's of ours`() throws {
    var channel = Self.open()
    #expect(channel.answered(true) == nil)
    #expect(channel.started(outputs: 1) == nil)
    #expect(channel.exited(.sendExitStatus(0)) == nil)
  }

  @Test func `as many requests may wait as the limit says`() throws {
    var channel = Self.open()
    for _ in 0..<Channel.requestLimit { try channel.requested(wantsReply: true) }
    #expect(throws: Channel.Violation.tooManyRequests) { try channel.requested(wantsReply: true) }
    #expect(throws: Channel.Violation.tooManyRequests) { try channel.refused(wantsReply: true) }
  }

  @Test func `a second program on a channel is refused by the machine`() throws {
    var channel = try Self.running()
    try channel.requested(wantsReply: true)
    #expect(channel.started(outputs: 1) == nil)
  }

  // MARK: Ends

  @Test func `exit status, end of file and close come in this order`() throws {
    var channel = try Self.running()
    #expect(channel.exited(.sendExitStatus(3)) == [.sendExitStatus(3)])
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile, .sendClose])
    #expect(try channel.closeReceived() == [.hangUp, .forget])
  }

  @Test func `a program that closes its output first is waited for`() throws {
    var channel = try Self.running()
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile])
    #expect(channel.sendable == 0)
    #expect(channel.exited(.sendExitStatus(0)) == [.sendExitStatus(0), .sendClose])
  }

  @Test func `a job that keeps the output open keeps the channel open after the exit`() throws {
    var channel = try Self.running()
    #expect(channel.exited(.sendExitStatus(0)) == [.sendExitStatus(0)])
    #expect(channel.sendable > 0)
    #expect(channel.outputEnded() == [])
  }

  @Test func `a client that closes while the program runs hangs it up`() throws {
    var channel = try Self.running()
    #expect(try channel.closeReceived() == [.hangUp, .sendClose, .forget])
    #expect(channel.exited(.sendExitSignal("HUP", coreDumped: false)) == [])
    #expect(channel.sendable == 0)
  }

  @Test func `a client that closes when both sides have ended waits for the exit status`() throws {
    var channel = try Self.running()
    #expect(channel.endOfFileReceived() == [.endInput])
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile])
    #expect(try channel.closeReceived() == [])
    #expect(channel.isClosedByClient && !channel.takesInput)
    #expect(throws: Channel.Violation.closedTwice) { try channel.closeReceived() }
    #expect(throws: Channel.Violation.requestAfterClose) { try channel.requested(wantsReply: true) }
    #expect(throws: Channel.Violation.dataAfterEnd) { try channel.received(bytes: 1) }
    #expect(channel.exited(.sendExitStatus(7)) == [.sendExitStatus(7), .sendClose, .hangUp, .forget])
  }

  @Test func `a client that closes when only the program has ended what it sends hangs it up`() throws {
    var channel = try Self.running()
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(try channel.closeReceived() == [.hangUp, .sendClose, .forget])
  }

  @Test func `a client that closes before anything ran is answered with close, and the session hears of it`() throws {
    var channel = Self.open()
    #expect(try channel.closeReceived() == [.hangUp, .sendClose, .forget])
  }

  @Test func `a client that closes while its program is being started hangs it up`() throws {
    var channel = Self.open()
    try channel.requested(wantsReply: true)
    #expect(try channel.closeReceived() == [.hangUp, .sendClose, .forget])
  }

  @Test func `closing twice is a violation`() throws {
    var channel = Self.open()
    _ = try channel.closeReceived()
    #expect(throws: Channel.Violation.closedTwice) { try channel.closeReceived() }
  }

  @Test func `data after the client's end of file or close is a violation`() throws {
    var ended = Self.open()
    #expect(ended.endOfFileReceived() == [.endInput])
    #expect(ended.endOfFileReceived() == [])
    #expect(throws: Channel.Violation.dataAfterEnd) { try ended.received(bytes: 1) }
    var closed = Self.open()
    _ = try closed.closeReceived()
    #expect(throws: Channel.Violation.dataAfterEnd) { try closed.received(bytes: 0) }
  }

  @Test func `no window is given after the client's end of file`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    _ = channel.endOfFileReceived()
    #expect(channel.consumed(bytes: 1000) == [])
  }

  @Test func `a program that reads no more is told to the client once`() throws {
    var channel = try Self.running()
    #expect(channel.takesInput)
    #expect(channel.inputFailed() == [.sendEndOfWrite])
    #expect(channel.inputFailed() == [])
    #expect(!channel.takesInput)
  }

  @Test func `a client that reads no more has the outputs closed, and the exit status still told`() throws {
    var channel = try Self.running()
    #expect(channel.endOfWriteReceived() == [.closeOutputs, .sendEndOfFile])
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 0)
    #expect(channel.exited(.sendExitSignal("PIPE", coreDumped: false)).map(\.last) == .sendClose)
  }

  @Test func `answers after our close are not sent`() throws {
    var channel = Self.open()
    try channel.requested(wantsReply: true)
    _ = try channel.closeReceived()
    #expect(channel.answered(true) == [])
  }

  @Test func `no order of events sends anything after close, or two closes`() throws {
    enum Event: CaseIterable {
      case data, end, close, request, answer, start, exit, outputEnd, inputFail, consume, endOfWrite
    }
    var generator = Generator(state: 20_261_120)
    for _ in 0..<20_000 {
      var channel = Self.open()
      var outputs = 0
      var closed = false
      for _ in 0..<12 {
        var actions: [Channel.Action] = []
        do {
          switch Event.allCases.randomElement(using: &generator)! {
          case .data: try channel.received(bytes: 10)
          case .end: actions = channel.endOfFileReceived()
          case .close: actions = try channel.closeReceived()
          case .request: try channel.requested(wantsReply: true)
          case .answer: actions = channel.answered(false) ?? []
          case .start:
            let started = channel.started(outputs: 2)
            if started != nil { outputs = 2 }
            actions = started ?? []
          case .exit: actions = channel.exited(.sendExitStatus(0)) ?? []
          case .outputEnd:
            if outputs > 0 {
              outputs -= 1
              actions = channel.outputEnded()
            }
          case .inputFail: actions = channel.inputFailed()
          case .endOfWrite:
            actions = channel.endOfWriteReceived()
            if !actions.isEmpty { outputs = 0 }
          case .consume: actions = channel.consumed(bytes: 500)
          }
        } catch { break }
        for action in actions {
          switch action {
          case .sendClose:
            #expect(!closed)
            closed = true
          case .reply, .adjustWindow, .sendEndOfFile, .sendExitStatus, .sendExitSignal, .sendEndOfWrite:
            #expect(!closed, "\(action) after close")
          case .endInput, .closeOutputs, .hangUp, .forget: break
          }
        }
      }
    }
  }
}

/// Numbers that are the same in every run.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
