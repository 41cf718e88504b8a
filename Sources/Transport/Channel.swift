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
    case tooManyRequests
    case closedTwice
    case requestAfterClose
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
    /// Tell the session that the client has closed the channel.
    case hangUp
    /// Both sides have closed: forget the channel.
    case forget
  }

  /// Requests that may wait for the session's answer; a client that sends more at once is disconnected.
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
  private let windowSize: UInt32
  /// Bytes that the program has taken since the client was last given more window.
  private var taken: UInt32 = 0
  /// Requests that are not answered yet, oldest first; answers keep the order of the requests.
  private var waiting: [Request] = []
  private var hasExited = false
  private var runs = false
  private var openOutputs = 0
  /// Bytes of data that the client has sent, and that it was sent.
  private(set) var bytesIn: UInt64 = 0
  private(set) var bytesOut: UInt64 = 0
  private var clientEnded = false
  private var clientClosed = false
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
  var sendable: Int { sentEnd || sentClose ? 0 : min(packetLimit, Int(peerWindow)) }

  /// True when the program's input is to be kept for it.
  var takesInput: Bool { !inputBroken && !clientClosed }

  /// The client has closed the channel.
  var isClosedByClient: Bool { clientClosed }

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

  /// A request that is now with the session.
  mutating func requested(wantsReply: Bool) throws(Violation) {
    try wait(Request(wantsReply: wantsReply, isRefused: false))
  }

  /// A request that nobody here knows.
  mutating func refused(wantsReply: Bool) throws(Violation) -> [Action] {
    try wait(Request(wantsReply: wantsReply, isRefused: true))
    return refusals()
  }

  private mutating func wait(_ request: Request) throws(Violation) {
    if clientClosed { throw .requestAfterClose }
    if waiting.count >= Channel.requestLimit { throw .tooManyRequests }
    waiting.append(request)
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

  /// eow@openssh.com: the client's program does not read any more.
  mutating func endOfWriteReceived() -> [Action] {
    guard openOutputs > 0, !sentEnd, !sentClose else { return [] }
    openOutputs = 0
    return [.closeOutputs] + finish()
  }

  /// CHANNEL_CLOSE. The session hears of it whatever it has told us: it may have a terminal without a program, be
  /// about to start one, or keep a place for the channel.
  ///
  /// OpenSSH's client closes as soon as both sides have ended what they send, though the program still runs. It does not
  /// give the program up by that: it waits for the exit status.
  mutating func closeReceived() throws(Violation) -> [Action] {
    if clientClosed { throw .closedTwice }
    clientClosed = true
    if clientEnded, sentEnd, runs, !hasExited { return [] }
    clientEnded = true
    if sentClose { return [.hangUp, .forget] }
    sentClose = true
    return [.hangUp, .sendClose, .forget]
  }

  // MARK: From the session

  /// The session's answer to the oldest waiting request. nil: there is none, which no session of ours does.
  mutating func answered(_ success: Bool) -> [Action]? {
    guard !waiting.isEmpty else { return nil }
    let request = waiting.removeFirst()
    return (request.wantsReply && !sentClose ? [.reply(success)] : []) + refusals()
  }

  /// A program runs, with this many descriptors to read from. nil as for ``answered(_:)``.
  mutating func started(outputs: Int) -> [Action]? {
    guard !runs, let actions = answered(true) else { return nil }
    runs = true
    openOutputs = outputs
    return actions
  }

  /// The program has ended. nil: it was not running.
  mutating func exited(_ exit: Action) -> [Action]? {
    guard runs, !hasExited else { return nil }
    hasExited = true
    inputBroken = true
    return (sentClose ? [] : [exit]) + finish()
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

  /// The program reads no more: what the client still sends is thrown away, and the client is told.
  mutating func inputFailed() -> [Action] {
    if inputBroken { return [] }
    inputBroken = true
    return sentClose || clientEnded ? [] : [.sendEndOfWrite]
  }

  private mutating func finish() -> [Action] {
    guard runs, openOutputs == 0, !sentClose else { return [] }
    var actions: [Action] = []
    if !sentEnd {
      sentEnd = true
      actions.append(.sendEndOfFile)
    }
    if hasExited {
      sentClose = true
      actions.append(.sendClose)
      if clientClosed { actions += [.hangUp, .forget] }
    }
    return actions
  }
}
