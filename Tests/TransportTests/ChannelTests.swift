import Testing

@testable import Transport

@Suite struct ChannelTests {
  /// A channel that may send and receive 1,000 bytes.
  static func open(window: UInt32 = 1000, packet: UInt32 = 32768) -> Channel {
    Channel(number: 0, peer: 7, peerWindow: window, peerMaximumPacket: packet, windowSize: 1000)
  }

  static func running(isTerminal: Bool = false) -> Channel {
    var channel = open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.started(isTerminal: isTerminal) == [.reply(true)])
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

  @Test func `a window that is widened lets the client send as much more`() throws {
    var channel = Self.running()
    #expect(channel.mayWiden)
    #expect(channel.widened(by: 500) == [.adjustWindow(500)])
    try channel.received(bytes: 1500)
    #expect(throws: Channel.Violation.windowOverrun) { try channel.received(bytes: 1) }
    #expect(channel.consumed(bytes: 749) == [])
    #expect(channel.consumed(bytes: 1) == [.adjustWindow(750)])
    _ = channel.endOfFileReceived()
    #expect(!channel.mayWiden)
  }

  @Test func `what the program does not take is never given back`() throws {
    var channel = Self.running()
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

  @Test func `answers keep the order of the requests`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.refused(wantsReply: false) == [])
    #expect(channel.requested(wantsReply: false) == true)
    #expect(channel.answered(true) == [.reply(true), .reply(false)])
    #expect(channel.answered(false) == [])
    #expect(channel.refused(wantsReply: true) == [.reply(false)])
  }

  @Test func `an answer to nothing is no session's of ours`() {
    var channel = Self.open()
    #expect(channel.answered(true) == nil)
    #expect(channel.started(isTerminal: false) == nil)
    #expect(channel.exited(.sendExitStatus(0)) == nil)
  }

  @Test func `a channel says when as many requests wait as may, and takes those that have come already`() {
    var channel = Self.open()
    for _ in 0..<Channel.requestLimit {
      #expect(!channel.hasManyRequests)
      #expect(channel.requested(wantsReply: true) == true)
    }
    #expect(channel.hasManyRequests)
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.refused(wantsReply: true) == [])
    _ = channel.answered(true)
    _ = channel.answered(true)
    #expect(channel.answered(true) == [.reply(true)])
    #expect(!channel.hasManyRequests)
  }

  @Test func `a second program on a channel is refused by the machine`() {
    var channel = Self.running()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.started(isTerminal: true) == nil)
  }

  // MARK: Ends

  @Test func `exit status, end of file and close come in this order`() {
    var channel = Self.running()
    #expect(channel.exited(.sendExitStatus(3)) == [.sendExitStatus(3), .dropInput])
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile, .sendClose])
    #expect(channel.closeReceived() == [.hangUp, .forget])
  }

  @Test func `a program that closes its output first is waited for`() {
    var channel = Self.running()
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile])
    #expect(channel.sendable == 0)
    #expect(channel.exited(.sendExitStatus(0)) == [.sendExitStatus(0), .dropInput, .sendClose])
  }

  @Test func `a job that keeps the output open keeps the channel open after the exit`() {
    var channel = Self.running()
    #expect(channel.exited(.sendExitStatus(0)) == [.sendExitStatus(0), .dropInput])
    #expect(channel.sendable > 0)
    #expect(channel.outputEnded() == [])
  }

  @Test func `a client that closes while the program runs waits for its end`() {
    var channel = Self.running()
    #expect(channel.closeReceived() == [.hangUp, .endInput, .closeOutputs])
    #expect(channel.sendable == 0 && channel.isClosedByClient)
    #expect(throws: Channel.Violation.dataAfterEnd) { try channel.received(bytes: 1) }
    let signal = Channel.Action.sendExitSignal("PIPE", coreDumped: false)
    #expect(channel.exited(signal) == [signal, .dropInput, .sendClose, .forget])
  }

  @Test func `a client that closes when only the program has ended what it sends waits for its end`() {
    var channel = Self.running()
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.closeReceived() == [.hangUp, .endInput])
    #expect(channel.exited(.sendExitStatus(7)) == [.sendExitStatus(7), .dropInput, .sendClose, .forget])
  }

  @Test func `a client that closes after the exit gets no more of what is left behind`() {
    var channel = Self.running()
    _ = channel.exited(.sendExitStatus(0))
    #expect(channel.closeReceived() == [.hangUp, .endInput, .closeOutputs, .sendClose, .forget])
  }

  @Test func `a client that closes before anything ran is answered with close, and the session hears of it`() {
    var channel = Self.open()
    #expect(channel.closeReceived() == [.hangUp, .endInput, .sendClose, .forget])
  }

  @Test func `a client that closes while its program is being started waits for its end`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.endOfFileReceived() == [.endInput])
    #expect(channel.closeReceived() == [.hangUp])
    #expect(channel.started(isTerminal: false) == [.reply(true), .closeOutputs])
    #expect(channel.exited(.sendExitStatus(4)) == [.sendExitStatus(4), .dropInput, .sendClose, .forget])
  }

  @Test func `a client that closes while its program cannot be started is answered then`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.closeReceived() == [.hangUp, .endInput])
    #expect(channel.answered(false) == [.reply(false), .reply(false), .sendClose, .forget])
  }

  @Test func `what a client sends of a channel after it has closed it changes nothing`() {
    var channel = Self.running()
    _ = channel.closeReceived()
    #expect(channel.closeReceived() == [])
    #expect(channel.endOfFileReceived() == [])
    #expect(channel.requested(wantsReply: true) == false)
    #expect(channel.refused(wantsReply: true) == [.reply(false)])
  }

  @Test func `data after the client's end of file or close is a violation`() throws {
    var ended = Self.open()
    #expect(ended.endOfFileReceived() == [.endInput])
    #expect(ended.endOfFileReceived() == [])
    #expect(throws: Channel.Violation.dataAfterEnd) { try ended.received(bytes: 1) }
    var closed = Self.open()
    _ = closed.closeReceived()
    #expect(throws: Channel.Violation.dataAfterEnd) { try closed.received(bytes: 0) }
  }

  @Test func `no window is given after the client's end of file`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    _ = channel.endOfFileReceived()
    #expect(channel.consumed(bytes: 1000) == [])
  }

  @Test func `a write of the client's data that fails is told to the client once`() {
    var channel = Self.running()
    #expect(channel.takesInput)
    #expect(channel.inputFailed() == [.dropInput, .sendEndOfWrite])
    #expect(channel.inputFailed() == [])
    #expect(!channel.takesInput)
  }

  @Test func `a client that sends no more is not told that nobody reads`() {
    var channel = Self.running()
    _ = channel.endOfFileReceived()
    #expect(channel.inputFailed() == [.dropInput])
  }

  @Test func `after the exit input is not kept, and the client is not told that nobody reads`() throws {
    for first in [true, false] {
      var channel = Self.running()
      if first { _ = channel.inputFailed() }
      _ = channel.exited(.sendExitStatus(0))
      #expect(!channel.takesInput && !channel.mayWiden)
      #expect(channel.inputFailed() == [])
      // What the client sends all the same is thrown away, and does not stop it.
      try channel.received(bytes: 1000)
      #expect(channel.consumed(bytes: 1000) == [.adjustWindow(1000)])
    }
  }

  @Test func `a window is widened only while a program runs that takes what the client sends`() {
    #expect(!Self.open().mayWiden)
    var ended = Self.running()
    _ = ended.endOfFileReceived()
    #expect(!ended.mayWiden)
    var broken = Self.running()
    _ = broken.inputFailed()
    #expect(!broken.mayWiden)
    var closed = Self.running()
    _ = closed.closeReceived()
    #expect(!closed.mayWiden)
  }

  @Test func `after our close no window is given and nothing is answered`() throws {
    var channel = Self.running()
    try channel.received(bytes: 1000)
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.exited(.sendExitStatus(0))?.last == .sendClose)
    #expect(channel.consumed(bytes: 1000) == [])
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 0)
  }

  @Test func `what is thrown away gives window back`() throws {
    var channel = Self.running()
    _ = channel.inputFailed()
    try channel.received(bytes: 1000)
    #expect(channel.consumed(bytes: 1000) == [.adjustWindow(1000)])
  }

  @Test func `a client that reads no more has the outputs closed, and the exit status still told`() {
    var channel = Self.running()
    #expect(channel.endOfWriteReceived() == [.closeOutputs, .sendEndOfFile])
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 0)
    #expect(channel.exited(.sendExitSignal("PIPE", coreDumped: false)).map(\.last) == .sendClose)
  }

  @Test(arguments: [false, true])
  func `a client that reads no more before the program runs is no different, but for terminals`(isTerminal: Bool) {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.endOfWriteReceived() == [])
    #expect(
      channel.started(isTerminal: isTerminal)
        == (isTerminal ? [.reply(true)] : [.reply(true), .closeOutputs, .sendEndOfFile]))
    #expect(channel.endOfWriteReceived() == [])
    #expect((channel.sendable > 0) == isTerminal)
  }

  @Test func `answers after our close are not sent`() {
    var channel = Self.running()
    #expect(channel.requested(wantsReply: true) == true)
    _ = channel.exited(.sendExitStatus(0))
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.answered(true) == [])
  }

  // MARK: Every order

  @Test(arguments: [false, true])
  func `a client that ends its input and closes waits for the exit status, in every order before it`(
    isTerminal: Bool
  ) {
    for order in Self.orders([.endOfFileIn, .firstOutputEnds, .lastOutputEnds, .closeIn, .endOfWriteIn]) {
      var channel = Self.running(isTerminal: isTerminal)
      var outputs = isTerminal ? 1 : 2
      for step in order {
        let actions = Self.perform(step, &channel, &outputs, isTerminal: isTerminal) ?? []
        #expect(!actions.contains(.sendClose) && !actions.contains(.forget), "\(step) in \(order)")
        if step == .closeIn { #expect(actions.first == .hangUp, "\(order)") }
      }
      // Closing closes what is still open, so that nothing but the exit is waited for.
      #expect(outputs == 0, "\(order)")
      #expect(
        channel.exited(.sendExitStatus(7)) == [.sendExitStatus(7), .dropInput, .sendClose, .forget], "\(order)")
    }
  }

  /// What can befall a channel, once each.
  private enum Step: CaseIterable {
    case start, endOfFileIn, firstOutputEnds, lastOutputEnds, endOfWriteIn, inputFails, exit, closeIn
  }

  /// Carries a step out, when it can come now; nil when it cannot.
  private static func perform(
    _ step: Step, _ channel: inout Channel, _ outputs: inout Int, isTerminal: Bool
  ) -> [Channel.Action]? {
    var actions: [Channel.Action]?
    switch step {
    case .start:
      actions = channel.started(isTerminal: isTerminal)
      outputs = isTerminal ? 1 : 2
    case .endOfFileIn: actions = channel.endOfFileReceived()
    case .firstOutputEnds, .lastOutputEnds:
      guard outputs > 0, !isTerminal || step == .lastOutputEnds else { return [] }
      outputs -= 1
      actions = channel.outputEnded()
    case .endOfWriteIn: actions = channel.endOfWriteReceived()
    case .inputFails: actions = channel.inputFailed()
    case .exit: actions = channel.exited(.sendExitStatus(7))
    case .closeIn: actions = channel.closeReceived()
    }
    if actions?.contains(.closeOutputs) ?? false { outputs = 0 }
    return actions
  }

  private static func orders(_ steps: [Step]) -> [[Step]] {
    guard steps.count > 1 else { return [steps] }
    return steps.indices.flatMap { index in
      var rest = steps
      let first = rest.remove(at: index)
      return orders(rest).map { [first] + $0 }
    }
  }

  @Test(arguments: [false, true])
  func `in every order of what befalls a channel the status is sent once, and before our close`(isTerminal: Bool) {
    var count = 0
    for order in Self.orders(Step.allCases) {
      // A program ends after it has started.
      guard order.firstIndex(of: .start)! < order.firstIndex(of: .exit)! else { continue }
      count += 1
      var channel = Self.open()
      _ = channel.requested(wantsReply: true)
      var (sent, outputs) = ([Channel.Action](), 0)
      for step in order {
        guard let actions = Self.perform(step, &channel, &outputs, isTerminal: isTerminal) else {
          Issue.record("\(step) in \(order)")
          return
        }
        if step == .exit {
          #expect(sent.allSatisfy { $0 != .sendClose }, "closed before the exit: \(order)")
          #expect(!channel.takesInput, "input is kept after the exit: \(order)")
        }
        sent += actions
      }
      // What is still open ends at last.
      while outputs > 0 {
        outputs -= 1
        sent += channel.outputEnded()
      }
      func places(_ action: Channel.Action) -> [Int] { sent.indices.filter { sent[$0] == action } }
      let (status, close) = (places(.sendExitStatus(7)), places(.sendClose))
      guard status.count == 1, close.count == 1, status[0] < close[0], places(.forget).count == 1,
        places(.hangUp).count == 1, places(.sendEndOfFile).allSatisfy({ $0 < close[0] }),
        places(.sendEndOfWrite).allSatisfy({ $0 < status[0] }), places(.reply(true)).count == 1
      else {
        Issue.record("\(order) has \(sent)")
        return
      }
    }
    #expect(count == 20160)
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
          case .close: actions = channel.closeReceived()
          case .request: _ = channel.requested(wantsReply: true)
          case .answer: actions = channel.answered(false) ?? []
          case .start:
            let started = channel.started(isTerminal: false)
            if started != nil { outputs = 2 }
            actions = started ?? []
          case .exit: actions = channel.exited(.sendExitStatus(0)) ?? []
          case .outputEnd:
            if outputs > 0 {
              outputs -= 1
              actions = channel.outputEnded()
            }
          case .inputFail: actions = channel.inputFailed()
          case .endOfWrite: actions = channel.endOfWriteReceived()
          case .consume: actions = channel.consumed(bytes: 500)
          }
        } catch { break }
        if actions.contains(.closeOutputs) { outputs = 0 }
        for action in actions {
          switch action {
          case .sendClose:
            #expect(!closed)
            closed = true
          case .reply, .adjustWindow, .sendEndOfFile, .sendExitStatus, .sendExitSignal, .sendEndOfWrite:
            #expect(!closed, "\(action) after close")
          case .endInput, .dropInput, .closeOutputs, .hangUp, .forget: break
          }
        }
        if actions.contains(.forget) { break }
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
