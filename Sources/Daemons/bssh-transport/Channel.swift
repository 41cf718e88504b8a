import IPC

/// The state machine of one channel: windows, ends of file, requests and their replies. RFC 4254, sections 5 and 6.
///
/// A session channel runs a program; a forwarded channel has a socket from the beginning, which is its only output, and
/// no program: it ends when both directions have ended.
///
/// Decides only: ``ChannelPump`` carries out the actions that it returns. It throws when the client violates the
/// protocol.
struct Channel {
  /// A client's violation of the protocol.
  enum Violation: Error, Equatable {
    case windowOverrun
    case dataAfterEnd
    case windowTooLarge
  }

  /// What to send or do, in this order.
  enum Action: Equatable {
    /// CHANNEL_SUCCESS or CHANNEL_FAILURE.
    case reply(Bool)
    /// CHANNEL_WINDOW_ADJUST by this many bytes.
    case adjustWindow(UInt32)
    case sendEndOfFile
    case sendClose
    case sendExitStatus(UInt32)
    case sendExitSignal(String, coreDumped: Bool)
    /// eow@openssh.com: nobody reads the client's data any more. OpenSSH's PROTOCOL, section 2.1
    case sendEndOfWrite
    /// Close the descriptors that the program writes to: nobody reads its output.
    case closeOutputs
    /// Close the program's standard input once the pending input is written; of a forwarded channel, the sending
    /// direction of the socket.
    case endInput
    /// Close the program's standard input now, and discard the pending input.
    case dropInput
    /// Tell the session that the client has closed the channel, or that a forwarded channel has ended.
    case hangUp
    /// Both sides have closed the channel: remove it.
    case forget
  }

  /// Limit of requests that are not answered yet; nothing more is read from a client that reaches it.
  static let requestLimit = 256

  private struct Request {
    let wantsReply: Bool
    /// Refused by this process; the reply is sent once earlier requests are answered.
    let isRefused: Bool
  }

  /// Our channel number.
  let number: UInt32
  /// The client's channel number.
  let peer: UInt32
  /// Limit of data in one packet to the client, in bytes.
  let packetLimit: Int
  /// Bytes that may still be sent to the client.
  private(set) var peerWindow: UInt32
  /// Bytes that the client may still send.
  private(set) var window: UInt32
  /// Bytes that the client may send ahead of the program.
  private(set) var windowSize: UInt32
  /// Bytes that the program has read since the last window adjustment.
  private var taken: UInt32 = 0
  /// Unanswered requests, oldest first; replies are sent in this order.
  private var waiting: [Request] = []
  private var hasExited = false
  private var runs = false
  /// The program runs on a terminal.
  private var isTerminal = false
  private var openOutputs = 0
  /// Bytes of data that the client has sent.
  private(set) var bytesIn: UInt64 = 0
  /// Bytes of data that were sent to the client.
  private(set) var bytesOut: UInt64 = 0
  private var clientEnded = false
  private var clientClosed = false
  /// The client has announced that it reads no more (eow@openssh.com).
  private var clientIgnoresOutput = false
  private var sentEnd = false
  private var sentClose = false
  private var inputBroken = false
  private let isForward: Bool

  /// An open channel.
  ///
  /// - Parameter isForward: it is forwarded, and its socket is connected.
  init(
    number: UInt32, peer: UInt32, peerWindow: UInt32, peerMaximumPacket: UInt32, windowSize: UInt32,
    isForward: Bool = false
  ) {
    self.number = number
    self.peer = peer
    self.peerWindow = peerWindow
    // Every implementation must accept a payload of 32,768 bytes. RFC 4253, section 6.1
    packetLimit = Int(min(peerMaximumPacket, 32768))
    window = windowSize
    self.windowSize = windowSize
    self.isForward = isForward
    guard isForward else { return }
    runs = true
    openOutputs = 1
  }

  /// Bytes of data that the next packet may have; 0: none can be sent now.
  var sendable: Int { sentEnd || sentClose || clientClosed ? 0 : min(packetLimit, Int(peerWindow)) }

  /// True while input is kept for the program.
  var takesInput: Bool { !inputBroken }

  /// True when the client has sent CHANNEL_CLOSE.
  var isClosedByClient: Bool { clientClosed }

  /// True when the limit of unanswered requests is reached.
  var hasManyRequests: Bool { waiting.count >= Channel.requestLimit }

  // MARK: From the client

  /// Handles CHANNEL_DATA or CHANNEL_EXTENDED_DATA with this many bytes.
  mutating func received(bytes: Int) throws(Violation) {
    if clientEnded || clientClosed { throw .dataAfterEnd }
    guard bytes <= Int(window) else { throw .windowOverrun }
    window -= UInt32(bytes)
    bytesIn &+= UInt64(bytes)
  }

  /// Handles CHANNEL_WINDOW_ADJUST.
  mutating func adjusted(by bytes: UInt32) throws(Violation) {
    let (sum, overflow) = peerWindow.addingReportingOverflow(bytes)
    if overflow { throw .windowTooLarge }
    peerWindow = sum
  }

  /// Handles a request for the session. False when the session does not get it: the client has already closed the
  /// channel, or the channel is forwarded.
  mutating func requested(wantsReply: Bool) -> Bool {
    if clientClosed || isForward { return false }
    waiting.append(Request(wantsReply: wantsReply, isRefused: false))
    return true
  }

  /// Handles a request that is unknown or cannot be passed on.
  mutating func refused(wantsReply: Bool) -> [Action] {
    waiting.append(Request(wantsReply: wantsReply, isRefused: true))
    return refusals()
  }

  /// Replies to refused requests that no other request precedes any more.
  private mutating func refusals() -> [Action] {
    var actions: [Action] = []
    while let first = waiting.first, first.isRefused {
      waiting.removeFirst()
      if first.wantsReply && !sentClose { actions.append(.reply(false)) }
    }
    return actions
  }

  /// Handles CHANNEL_EOF.
  mutating func endOfFileReceived() -> [Action] {
    if clientEnded || clientClosed { return [] }
    clientEnded = true
    return [.endInput]
  }

  /// Handles eow@openssh.com: the client reads no more output. A terminal ignores it, because it cannot be closed in
  /// one direction, and so does a forwarded channel, for which it is not defined.
  mutating func endOfWriteReceived() -> [Action] {
    guard !isTerminal, !isForward, !sentEnd, !sentClose else { return [] }
    clientIgnoresOutput = true
    return closeOutputs() + finish()
  }

  /// Handles CHANNEL_CLOSE. The program still gets what the client has sent, but the client gets only the program's
  /// exit status: our CLOSE waits for it, even if the program is yet to start.
  ///
  /// OpenSSH's client closes as soon as both sides have sent EOF, and still waits for the exit status. The session is
  /// told in any state, because it may have a terminal without a program, be about to start one, or reserve a place for
  /// the channel. A second CLOSE changes nothing. Of a forwarded channel it is told once nothing is left to write.
  mutating func closeReceived() -> [Action] {
    if clientClosed { return [] }
    clientClosed = true
    if sentClose { return [.hangUp, .forget] }
    let input: [Action] = clientEnded ? [] : [.endInput]
    clientEnded = true
    return (isForward ? [] : [.hangUp]) + input + closeOutputs() + finish()
  }

  // MARK: From the session

  /// Handles the session's answer to the oldest request. nil: no request is unanswered, so the session is broken.
  mutating func answered(_ success: Bool) -> [Action]? { reply(success).map { $0 + finish() } }

  private mutating func reply(_ success: Bool) -> [Action]? {
    guard !waiting.isEmpty else { return nil }
    let request = waiting.removeFirst()
    return (request.wantsReply && !sentClose ? [.reply(success)] : []) + refusals()
  }

  /// Handles the start of a program, with a terminal or with two output pipes. nil as for ``answered(_:)``.
  mutating func started(isTerminal: Bool) -> [Action]? {
    guard !runs, !isForward, let answer = reply(true) else { return nil }
    runs = true
    self.isTerminal = isTerminal
    openOutputs = isTerminal ? 1 : 2
    guard clientClosed || (clientIgnoresOutput && !isTerminal) else { return answer }
    return answer + closeOutputs() + finish()
  }

  /// Handles the end of the program. nil: none was running.
  ///
  /// The client is not told that its input is no longer read: processes that the program left behind may still write,
  /// and the exit status tells the client anyway.
  mutating func exited(_ exit: Action) -> [Action]? {
    guard runs, !hasExited, !isForward else { return nil }
    hasExited = true
    inputBroken = true
    return (sentClose ? [] : [exit]) + [.dropInput] + finish()
  }

  // MARK: From the program's descriptors

  /// Records that this many bytes of data were sent to the client.
  mutating func sent(bytes: Int) {
    peerWindow -= UInt32(bytes)
    bytesOut &+= UInt64(bytes)
  }

  /// Handles the end of one of the program's outputs.
  mutating func outputEnded() -> [Action] {
    openOutputs -= 1
    return finish()
  }

  /// Records that the program has read this many bytes of input, or that they were discarded.
  ///
  /// The window is adjusted once half of it is used up, so that the client need not stop for it.
  mutating func consumed(bytes: Int) -> [Action] {
    taken += UInt32(bytes)
    guard taken >= windowSize / 2, !clientEnded, !sentClose else { return [] }
    defer { taken = 0 }
    window += taken
    return [.adjustWindow(taken)]
  }

  /// True when a larger window would help: a program runs and reads what the client sends.
  var mayWiden: Bool { runs && takesInput && !clientEnded && !sentClose }

  /// Enlarges the window by so many bytes.
  mutating func widened(by bytes: UInt32) -> [Action] {
    windowSize += bytes
    window += bytes
    return [.adjustWindow(bytes)]
  }

  /// Handles a failed write of input: the program reads no more. Further input is discarded, and the client is told.
  mutating func inputFailed() -> [Action] {
    if inputBroken { return [] }
    inputBroken = true
    // The client is told when the other direction ends too, as by sshd.
    if isForward { return [.dropInput] + inputEnded() }
    return sentClose || clientEnded ? [.dropInput] : [.dropInput, .sendEndOfWrite]
  }

  /// Handles the end of a forwarded channel's input: the socket got all of it, or takes no more.
  mutating func inputEnded() -> [Action] {
    guard isForward, !hasExited else { return [] }
    hasExited = true
    return finish()
  }

  private mutating func closeOutputs() -> [Action] {
    guard openOutputs > 0 else { return [] }
    openOutputs = 0
    return [.closeOutputs]
  }

  /// Sends EOF once nothing is left to send, and CLOSE once the program has ended too. When the client has closed,
  /// sends CLOSE also without a program, once no request can start one any more.
  private mutating func finish() -> [Action] {
    guard !sentClose, openOutputs == 0, runs || (clientClosed && waiting.isEmpty) else { return [] }
    var actions: [Action] = []
    if runs, !sentEnd, !clientClosed {
      sentEnd = true
      actions.append(.sendEndOfFile)
    }
    if runs && !hasExited { return actions }
    sentClose = true
    guard clientClosed else { return actions + [.sendClose] }
    return actions + (isForward ? [.sendClose, .hangUp, .forget] : [.sendClose, .forget])
  }
}
