import Testing

@testable import Transport

@Suite struct ChannelTests {
  /// A channel with windows of 1,000 bytes in both directions.
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

  @Test func `the window is adjusted when half of it has been consumed`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    #expect(channel.consumed(bytes: 499) == [])
    #expect(channel.consumed(bytes: 1) == [.adjustWindow(500)])
    #expect(channel.window == 500)
    #expect(channel.consumed(bytes: 500) == [.adjustWindow(500)])
    #expect(channel.window == 1000)
  }

  @Test func `a widened window lets the client send as much more`() throws {
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

  @Test func `the window stays closed while the program reads nothing`() throws {
    var channel = Self.running()
    try channel.received(bytes: 1000)
    #expect(channel.window == 0)
    #expect(throws: Channel.Violation.windowOverrun) { try channel.received(bytes: 1) }
  }

  @Test func `the peer's window and packet size limit what is sent`() throws {
    var channel = Self.open(window: 100, packet: 64)
    #expect(channel.sendable == 64)
    channel.sent(bytes: 64)
    #expect(channel.sendable == 36)
    channel.sent(bytes: 36)
    #expect(channel.sendable == 0)
    try channel.adjusted(by: 10)
    #expect(channel.sendable == 10)
  }

  @Test func `no packet carries more than 32,768 bytes of data`() {
    #expect(Self.open(window: .max, packet: .max).sendable == 32768)
  }

  @Test func `a window above 32 bits is a violation`() throws {
    var channel = Self.open(window: 1)
    try channel.adjusted(by: .max - 1)
    #expect(throws: Channel.Violation.windowTooLarge) { try channel.adjusted(by: 1) }
  }

  // MARK: Requests

  @Test func `replies keep the order of the requests`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.refused(wantsReply: false) == [])
    #expect(channel.requested(wantsReply: false) == true)
    #expect(channel.answered(true) == [.reply(true), .reply(false)])
    #expect(channel.answered(false) == [])
    #expect(channel.refused(wantsReply: true) == [.reply(false)])
  }

  @Test func `an answer without a request is an error of the session`() {
    var channel = Self.open()
    #expect(channel.answered(true) == nil)
    #expect(channel.started(isTerminal: false) == nil)
    #expect(channel.exited(.sendExitStatus(0)) == nil)
  }

  @Test func `a channel reports when it has too many requests, and still handles those already read`() {
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

  @Test func `a second program on a channel is refused`() {
    var channel = Self.running()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.started(isTerminal: true) == nil)
  }

  // MARK: Ends

  @Test func `exit status, EOF and CLOSE come in this order`() {
    var channel = Self.running()
    #expect(channel.exited(.sendExitStatus(3)) == [.sendExitStatus(3), .dropInput])
    #expect(channel.outputEnded() == [])
    #expect(channel.outputEnded() == [.sendEndOfFile, .sendClose])
    #expect(channel.closeReceived() == [.hangUp, .forget])
  }

  @Test func `when a program closes its output first, CLOSE waits for its end`() {
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

  @Test func `when a client closes while the program runs, our CLOSE waits for its end`() {
    var channel = Self.running()
    #expect(channel.closeReceived() == [.hangUp, .endInput, .closeOutputs])
    #expect(channel.sendable == 0 && channel.isClosedByClient)
    #expect(throws: Channel.Violation.dataAfterEnd) { try channel.received(bytes: 1) }
    let signal = Channel.Action.sendExitSignal("PIPE", coreDumped: false)
    #expect(channel.exited(signal) == [signal, .dropInput, .sendClose, .forget])
  }

  @Test func `when a client closes after the program's EOF, our CLOSE waits for its end`() {
    var channel = Self.running()
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.closeReceived() == [.hangUp, .endInput])
    #expect(channel.exited(.sendExitStatus(7)) == [.sendExitStatus(7), .dropInput, .sendClose, .forget])
  }

  @Test func `a client that closes after the exit gets no more output of remaining jobs`() {
    var channel = Self.running()
    _ = channel.exited(.sendExitStatus(0))
    #expect(channel.closeReceived() == [.hangUp, .endInput, .closeOutputs, .sendClose, .forget])
  }

  @Test func `a CLOSE before any program is answered with CLOSE, and the session is told`() {
    var channel = Self.open()
    #expect(channel.closeReceived() == [.hangUp, .endInput, .sendClose, .forget])
  }

  @Test func `when a client closes while its program starts, our CLOSE waits for its end`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.endOfFileReceived() == [.endInput])
    #expect(channel.closeReceived() == [.hangUp])
    #expect(channel.started(isTerminal: false) == [.reply(true), .closeOutputs])
    #expect(channel.exited(.sendExitStatus(4)) == [.sendExitStatus(4), .dropInput, .sendClose, .forget])
  }

  @Test func `when a client closes and its program cannot be started, our CLOSE follows the refusal`() {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.closeReceived() == [.hangUp, .endInput])
    #expect(channel.answered(false) == [.reply(false), .reply(false), .sendClose, .forget])
  }

  @Test func `further messages on a channel that the client has closed change nothing`() {
    var channel = Self.running()
    _ = channel.closeReceived()
    #expect(channel.closeReceived() == [])
    #expect(channel.endOfFileReceived() == [])
    #expect(channel.requested(wantsReply: true) == false)
    #expect(channel.refused(wantsReply: true) == [.reply(false)])
  }

  @Test func `data after the client's EOF or CLOSE is a violation`() throws {
    var ended = Self.open()
    #expect(ended.endOfFileReceived() == [.endInput])
    #expect(ended.endOfFileReceived() == [])
    #expect(throws: Channel.Violation.dataAfterEnd) { try ended.received(bytes: 1) }
    var closed = Self.open()
    _ = closed.closeReceived()
    #expect(throws: Channel.Violation.dataAfterEnd) { try closed.received(bytes: 0) }
  }

  @Test func `the window is not adjusted after the client's EOF`() throws {
    var channel = Self.open()
    try channel.received(bytes: 1000)
    _ = channel.endOfFileReceived()
    #expect(channel.consumed(bytes: 1000) == [])
  }

  @Test func `a failed write of input is reported to the client once`() {
    var channel = Self.running()
    #expect(channel.takesInput)
    #expect(channel.inputFailed() == [.dropInput, .sendEndOfWrite])
    #expect(channel.inputFailed() == [])
    #expect(!channel.takesInput)
  }

  @Test func `after its EOF a client is not told that nobody reads`() {
    var channel = Self.running()
    _ = channel.endOfFileReceived()
    #expect(channel.inputFailed() == [.dropInput])
  }

  @Test func `after the exit input is discarded, and the client is not told that nobody reads`() throws {
    for first in [true, false] {
      var channel = Self.running()
      if first { _ = channel.inputFailed() }
      _ = channel.exited(.sendExitStatus(0))
      #expect(!channel.takesInput && !channel.mayWiden)
      #expect(channel.inputFailed() == [])
      // What the client still sends is discarded, and does not block it.
      try channel.received(bytes: 1000)
      #expect(channel.consumed(bytes: 1000) == [.adjustWindow(1000)])
    }
  }

  @Test func `a window is widened only while a program runs and reads its input`() {
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

  @Test func `after our CLOSE no window is adjusted and no reply sent`() throws {
    var channel = Self.running()
    try channel.received(bytes: 1000)
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.exited(.sendExitStatus(0))?.last == .sendClose)
    #expect(channel.consumed(bytes: 1000) == [])
    #expect(channel.refused(wantsReply: true) == [])
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 0)
  }

  @Test func `discarded data returns its window`() throws {
    var channel = Self.running()
    _ = channel.inputFailed()
    try channel.received(bytes: 1000)
    #expect(channel.consumed(bytes: 1000) == [.adjustWindow(1000)])
  }

  @Test func `when a client reads no more, outputs are closed and the exit status is still sent`() {
    var channel = Self.running()
    #expect(channel.endOfWriteReceived() == [.closeOutputs, .sendEndOfFile])
    #expect(channel.endOfWriteReceived() == [])
    #expect(channel.sendable == 0)
    #expect(channel.exited(.sendExitSignal("PIPE", coreDumped: false)).map(\.last) == .sendClose)
  }

  @Test(arguments: [false, true])
  func `a client that reads no more before the program runs has outputs closed, except a terminal`(isTerminal: Bool) {
    var channel = Self.open()
    #expect(channel.requested(wantsReply: true) == true)
    #expect(channel.endOfWriteReceived() == [])
    #expect(
      channel.started(isTerminal: isTerminal)
        == (isTerminal ? [.reply(true)] : [.reply(true), .closeOutputs, .sendEndOfFile]))
    #expect(channel.endOfWriteReceived() == [])
    #expect((channel.sendable > 0) == isTerminal)
  }

  @Test func `no replies are sent after our CLOSE`() {
    var channel = Self.running()
    #expect(channel.requested(wantsReply: true) == true)
    _ = channel.exited(.sendExitStatus(0))
    _ = channel.outputEnded() + channel.outputEnded()
    #expect(channel.answered(true) == [])
  }

  // MARK: All orders of events

  @Test(arguments: [false, true])
  func `after a client's EOF and CLOSE our CLOSE waits for the exit status, in every order`(
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
      // CLOSE closes open outputs, so that only the exit is still awaited.
      #expect(outputs == 0, "\(order)")
      #expect(
        channel.exited(.sendExitStatus(7)) == [.sendExitStatus(7), .dropInput, .sendClose, .forget], "\(order)")
    }
  }

  /// Events of a channel, each of which happens once.
  private enum Step: CaseIterable {
    case start, endOfFileIn, firstOutputEnds, lastOutputEnds, endOfWriteIn, inputFails, exit, closeIn
  }

  /// Carries out a step if it is possible now; nil if it is not.
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
  func `in every order of events the exit status is sent once, before our CLOSE`(isTerminal: Bool) {
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
      // Outputs that are still open end at last.
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

  @Test func `in no order of events anything is sent after CLOSE, or a second CLOSE`() throws {
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

/// Pseudo-random numbers that are the same in every run.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
