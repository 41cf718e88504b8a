import IPC

/// One session channel: windows, ends of file, requests and their answers. RFC 4254, sections 5 and 6.
///
/// Decides only: what it returns is sent and done by ``ChannelPump``. A client that breaks the protocol throws.
struct Channel {
  /// What a client did that the protocol forbids.
  enum Violation: Error, Equatable {
    case windowOverrun
    case dataAfterEnd
    case windowTooLarge
  }

  /// What is to be sent or done, in this order.
  enum Action: Equatable {
    /// CHANNEL_SUCCESS or CHANNEL_FAILURE.
    case reply(Bool)
    /// CHANNEL_WINDOW_ADJUST by this many bytes.
    case adjustWindow(UInt32)
    case sendEndOfFile
    case sendClose
    case sendExitStatus(UInt32)
    case sendExitSignal(String, coreDumped: Bool)
    /// eow@openssh.com: nobody reads what the client sends.
    case sendEndOfWrite
    /// Close what the program writes to: nobody reads it.
    case closeOutputs
    /// Close the program's standard input once what waits for it is written.
    case endInput
    /// Close the program's standard input now: what waits for it has no reader.
    case dropInput
    /// Tell the session that the client has closed the channel.
    case hangUp
    /// Both sides have closed: forget the channel.
    case forget
  }

  /// Requests that may wait for the session's answer; nothing more is read from a client that has sent as many.
  static let requestLimit = 256

  private struct Request {
    let wantsReply: Bool
    /// Refused here, as soon as those before it are answered.
    let isRefused: Bool
  }

  /// Our number.
  let number: UInt32
  /// The client's number.
  let peer: UInt32
  /// Bytes of data that one packet to the client may carry.
  let packetLimit: Int
  /// Bytes that the client may still be sent.
  private(set) var peerWindow: UInt32
  /// Bytes that the client may still send.
  private(set) var window: UInt32
  /// Bytes that the client may send ahead of what the program takes.
  private(set) var windowSize: UInt32
  /// Bytes that the program has taken since the client was last given more window.
  private var taken: UInt32 = 0
  /// Requests that are not answered yet, oldest first; answers keep the order of the requests.
  private var waiting: [Request] = []
  private var hasExited = false
  private var runs = false
  /// What runs has a terminal.
  private var isTerminal = false
  private var openOutputs = 0
  /// Bytes of data that the client has sent, and that it was sent.
  private(set) var bytesIn: UInt64 = 0
  private(set) var bytesOut: UInt64 = 0
  private var clientEnded = false
  private var clientClosed = false
  /// The client has said that it reads no more.
  private var clientIgnoresOutput = false
  private var sentEnd = false
  private var sentClose = false
  private var inputBroken = false

  init(number: UInt32, peer: UInt32, peerWindow: UInt32, peerMaximumPacket: UInt32, windowSize: UInt32) {
    self.number = number
    self.peer = peer
    self.peerWindow = peerWindow
    // A packet of 32,768 bytes of data is what everyone must take (RFC 4253, section 6.1).
    packetLimit = Int(min(peerMaximumPacket, 32768))
    window = windowSize
    self.windowSize = windowSize
  }

  /// Bytes that may be sent in the next packet; 0: none now.
  var sendable: Int { sentEnd || sentClose || clientClosed ? 0 : min(packetLimit, Int(peerWindow)) }

  /// True when the program's input is to be kept for it.
  var takesInput: Bool { !inputBroken }

  /// The client has closed the channel.
  var isClosedByClient: Bool { clientClosed }

  /// As many requests wait as may.
  var hasManyRequests: Bool { waiting.count >= Channel.requestLimit }

  // MARK: From the client

  /// CHANNEL_DATA or CHANNEL_EXTENDED_DATA with this many bytes.
  mutating func received(bytes: Int) throws(Violation) {
    if clientEnded || clientClosed { throw .dataAfterEnd }
    guard bytes <= Int(window) else { throw .windowOverrun }
    window -= UInt32(bytes)
    bytesIn &+= UInt64(bytes)
  }

  /// CHANNEL_WINDOW_ADJUST.
  mutating func adjusted(by bytes: UInt32) throws(Violation) {
    let (sum, overflow) = peerWindow.addingReportingOverflow(bytes)
    if overflow { throw .windowTooLarge }
    peerWindow = sum
  }

  /// A request for the session. False: the client has closed the channel before, and gets no more from it.
  mutating func requested(wantsReply: Bool) -> Bool {
    if clientClosed { return false }
    waiting.append(Request(wantsReply: wantsReply, isRefused: false))
    return true
  }

  /// A request that nobody here knows, or that cannot be passed on.
  mutating func refused(wantsReply: Bool) -> [Action] {
    waiting.append(Request(wantsReply: wantsReply, isRefused: true))
    return refusals()
  }

  /// Answers to refused requests that nothing is before any more.
  private mutating func refusals() -> [Action] {
    var actions: [Action] = []
    while let first = waiting.first, first.isRefused {
      waiting.removeFirst()
      if first.wantsReply && !sentClose { actions.append(.reply(false)) }
    }
    return actions
  }

  /// CHANNEL_EOF.
  mutating func endOfFileReceived() -> [Action] {
    if clientEnded || clientClosed { return [] }
    clientEnded = true
    return [.endInput]
  }

  /// eow@openssh.com: the client's program does not read any more. A terminal goes on: it has no side that could be
  /// closed alone.
  mutating func endOfWriteReceived() -> [Action] {
    guard !isTerminal, !sentEnd, !sentClose else { return [] }
    clientIgnoresOutput = true
    return closeOutputs() + finish()
  }

  /// CHANNEL_CLOSE. What the client has sent is still for the program, and nothing of it for the client but how it
  /// ends: our CLOSE waits for that, also when the program is still to be started.
  ///
  /// OpenSSH's client closes as soon as both sides have ended what they send, and waits for the exit status all the
  /// same. The session hears of it whatever it has told us: it may have a terminal without a program, be about to start
  /// one, or keep a place for the channel. A second CLOSE says nothing new.
  mutating func closeReceived() -> [Action] {
    if clientClosed { return [] }
    clientClosed = true
    if sentClose { return [.hangUp, .forget] }
    let input: [Action] = clientEnded ? [] : [.endInput]
    clientEnded = true
    return [.hangUp] + input + closeOutputs() + finish()
  }

  // MARK: From the session

  /// The session's answer to the oldest waiting request. nil: there is none, which no session of ours does.
  mutating func answered(_ success: Bool) -> [Action]? { reply(success).map { $0 + finish() } }

  private mutating func reply(_ success: Bool) -> [Action]? {
    guard !waiting.isEmpty else { return nil }
    let request = waiting.removeFirst()
    return (request.wantsReply && !sentClose ? [.reply(success)] : []) + refusals()
  }

  /// A program runs, with a terminal or with two descriptors to read from. nil as for ``answered(_:)``.
  mutating func started(isTerminal: Bool) -> [Action]? {
    guard !runs, let answer = reply(true) else { return nil }
    runs = true
    self.isTerminal = isTerminal
    openOutputs = isTerminal ? 1 : 2
    guard clientClosed || (clientIgnoresOutput && !isTerminal) else { return answer }
    return answer + closeOutputs() + finish()
  }

  /// The program has ended. nil: it was not running.
  ///
  /// Nobody is told that its input is not read any more: what it has left behind may still write, and the client hears
  /// of the end.
  mutating func exited(_ exit: Action) -> [Action]? {
    guard runs, !hasExited else { return nil }
    hasExited = true
    inputBroken = true
    return (sentClose ? [] : [exit]) + [.dropInput] + finish()
  }

  // MARK: From the program's descriptors

  /// This many bytes have been sent to the client.
  mutating func sent(bytes: Int) {
    peerWindow -= UInt32(bytes)
    bytesOut &+= UInt64(bytes)
  }

  /// One of the outputs has ended.
  mutating func outputEnded() -> [Action] {
    openOutputs -= 1
    return finish()
  }

  /// The program has taken this many bytes of its input, or they were thrown away.
  ///
  /// The client gets more window when half of it is used up, so that it never has to stop for it.
  mutating func consumed(bytes: Int) -> [Action] {
    taken += UInt32(bytes)
    guard taken >= windowSize / 2, !clientEnded, !sentClose else { return [] }
    defer { taken = 0 }
    window += taken
    return [.adjustWindow(taken)]
  }

  /// True when more window would be of use: a program runs and takes what the client sends.
  var mayWiden: Bool { runs && takesInput && !clientEnded && !sentClose }

  /// The client may send so many bytes more ahead.
  mutating func widened(by bytes: UInt32) -> [Action] {
    windowSize += bytes
    window += bytes
    return [.adjustWindow(bytes)]
  }

  /// A write of what the client has sent failed: the program reads no more. What the client still sends is thrown away,
  /// and the client is told.
  mutating func inputFailed() -> [Action] {
    if inputBroken { return [] }
    inputBroken = true
    return sentClose || clientEnded ? [.dropInput] : [.dropInput, .sendEndOfWrite]
  }

  private mutating func closeOutputs() -> [Action] {
    guard openOutputs > 0 else { return [] }
    openOutputs = 0
    return [.closeOutputs]
  }

  /// Ends what we send once there is nothing left to send, and closes once the program has ended as well; when the
  /// client has closed, also without a program, once no request can start one any more.
  private mutating func finish() -> [Action] {
    guard !sentClose, openOutputs == 0, runs || (clientClosed && waiting.isEmpty) else { return [] }
    var actions: [Action] = []
    if runs, !sentEnd, !clientClosed {
      sentEnd = true
      actions.append(.sendEndOfFile)
    }
    if runs && !hasExited { return actions }
    sentClose = true
    return actions + (clientClosed ? [.sendClose, .forget] : [.sendClose])
  }
}
