import Audit
import Glibc
import IPC
import System
import Wire

/// One client's connection: its messages and channels, and its links to the supervisor and the session.
///
/// libssh delivers messages during ``SSH/step(readable:writable:)``. Nothing more is read while an authentication
/// request waits for its verdict, while the session does not accept our messages, or while the client does not accept
/// ours.
final class Connection: SSH.Owner, ChannelPump.Delegate {
  /// Why a connection has ended; the codes of `TransportToSupervisor.closed`.
  struct End {
    var reason: TransportEnd
    var detail: String
  }

  /// Bytes buffered for the client from which on no more output is produced until they are sent.
  static let outputLimit: UInt64 = 256 << 10
  /// Limit of queued bytes to the session, far above what one read of the client's messages can cause.
  static let sessionQueueLimit = 4 << 20
  /// Limit of bytes held back by a key exchange that the client does not complete.
  static let heldLimit = 1 << 20
  /// The first packets from the client, which are acknowledged at once. During a login client and server take turns,
  /// and each turn would wait for a delayed acknowledgement (40 ms).
  static let handshakePackets = 32

  enum Token {
    static let socket = UInt64.max
    static let control = UInt64.max - 1
    static let session = UInt64.max - 2
  }

  let loop: EventLoop
  /// Limit of forwarded channels: the descriptors that session channels cannot need.
  let forwardLimit: Int
  let settings: TransportSettings
  let control: MessageSocket
  var session: MessageSocket?
  var socket: Descriptor?
  var end: End?

  // Authentication
  var isAuthenticated = false
  var hasService = false
  var verdictPending = false
  var promptIsOpen = false
  var waitingAuthentication: [(number: UInt8, payload: SecretBytes)] = []
  var clientIsOpenSSH = false

  // Channels
  var sessions: [UInt32: ChannelPump] = [:]
  /// Forwarded channels that are connected.
  var forwards: [UInt32: ChannelPump] = [:]
  /// Forwarded channels that the session has not connected or refused yet.
  var opening: [UInt32: OpeningForward] = [:]
  /// Channels that have something to send, or had until recently.
  var withOutput: [UInt32: ChannelPump] = [:]
  /// Channels whose input is to be flushed in this iteration of the loop.
  var withInput: [ChannelPump] = []
  var nextChannel: UInt32 = 0
  var windows: WindowBudget
  /// Iterations in which channels could send.
  var pumpTurn: UInt = 0
  var noMoreSessions = false

  // Flow
  var inbox: [(SupervisorToTransport, [Descriptor])] = []
  /// Messages to the session; nil: there is none.
  var toSession: MessageQueue?
  /// The terminals that held messages of `toSession` request: their recordings' files are needed first.
  var wantedTerminals = FIFO<RequestedTerminal>()
  /// Terminals of this login are recorded.
  var isRecorded = false
  /// Recordings include what is typed.
  var recordsInput = false
  /// The supervisor was asked for a recording's file.
  var isAwaitingRecording = false
  /// The part of ``SSH/sentBytes`` that the socket has certainly accepted.
  var flushed: UInt64 = 0
  var held = 0
  var isRekeying = false
  var bytesOut: UInt64 = 0
  var socketInterest: EventLoop.Interest = .read
  var sessionInterest: EventLoop.Interest = .read
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 13 + 32768, alignment: 8)

  // Keepalive
  var lastPackets: UInt64 = 0
  var unanswered: UInt32 = 0
  var nextKeepalive: Int64?
  /// Replies to global requests.
  var globalReplies = GlobalReplies()
  /// The request that the authority is to prove host keys for; nil: none.
  var proofRequest: UInt64?

  // Idleness
  /// Something that counts as activity happened in this iteration of the loop.
  var isActive = false
  /// When that last happened, in milliseconds of the monotonic clock; the login counts.
  var lastActivity: Int64 = 0

  /// - Parameter openFiles: how many descriptors this process may have.
  init(_ settings: TransportSettings, control: MessageSocket, openFiles: UInt64) throws(SystemError) {
    self.settings = settings
    self.control = control
    forwardLimit = Connection.forwardLimit(openFiles: openFiles, sessions: settings.maxChannels)
    windows = WindowBudget(fullSize: settings.windowSize)
    loop = try EventLoop()
  }

  deinit { memory.deallocate() }

  /// Serves `socket`, which ``SSH/accept(_:owner:)`` has taken over, until the connection ends.
  ///
  /// - Throws: `SystemError` when the event loop fails.
  func run(_ socket: Descriptor) throws(SystemError) {
    self.socket = socket
    try loop.add(socket, socketInterest, token: Token.socket)
    try loop.add(control.descriptor, .read, token: Token.control)
    // Bytes that arrived with the connection were read when it was accepted; if they were not SSH, no event follows.
    if !SSH.step(readable: false, writable: false) { lost() }
    while end == nil {
      // Bytes that were read ahead cause no event.
      let hasReadAhead = mayRead && SSH.isReadPending
      for event in try loop.wait(milliseconds: hasReadAhead ? 0 : timeout) { handle(event) }
      if hasReadAhead && mayRead && !SSH.step(readable: false, writable: false) { lost() }
      flushInputs()
      drainInbox()
      keepAlive()
      pump()
      flushRecordings()
      flush()
      updateInterests()
      if isActive { rememberActivity() }
    }
    finish()
  }

  // MARK: The loop

  /// Handles an event.
  func handle(_ event: EventLoop.Event) {
    switch event.token {
    case Token.socket:
      // A writable socket alone is no reason to read: libssh's own replies would grow faster than they are sent. But a
      // socket that is hung up stays ready until it is read to its end.
      let goesOn =
        mayRead || event.isHungUp
        ? SSH.step(readable: event.isReadable, writable: event.isWritable) : SSH.flush(writable: event.isWritable)
      if !goesOn { lost() }
      if SSH.received.packets < Connection.handshakePackets { socket?.acknowledgeNow() }
    case Token.control: receiveControl()
    case Token.session: receiveSession(event)
    default:
      let number = UInt32(truncatingIfNeeded: event.token >> 2)
      guard let stream = ChannelPump.Stream(rawValue: event.token & 3) else { return }
      channel(number)?.ready(stream, event)
    }
  }

  /// Milliseconds until the next timer; -1: there is none.
  var timeout: Int32 {
    guard let next = [nextKeepalive, recordingDeadline].compactMap(\.self).min() else { return -1 }
    return Int32(clamping: max(0, next - Clock.milliseconds))
  }

  /// Bytes that are not sent yet: our messages, and libssh's own, such as UNIMPLEMENTED.
  var unflushed: UInt64 { SSH.sentBytes - flushed }

  /// True while more of the client's messages can be handled.
  var mayRead: Bool {
    !verdictPending && toSession?.isEmpty != false && unflushed < Connection.outputLimit && !hasManyRequests
  }

  /// True when a limit of unanswered requests is reached.
  private var hasManyRequests: Bool {
    globalReplies.count >= Channel.requestLimit
      || sessions.values.contains(where: \.channel.hasManyRequests)
  }

  /// True while the client accepts programs' output.
  var mayPump: Bool { end == nil && !isRekeying && unflushed < Connection.outputLimit }

  /// Sends output, a packet of each channel in turn, terminals first.
  func pump() {
    let waiting = withOutput.values.filter(\.wantsPump)
    guard !waiting.isEmpty else { return }
    if mayPump { pumpTurn &+= 1 }
    var active = Connection.order(
      terminals: waiting.filter(\.isTerminal), others: waiting.filter { !$0.isTerminal }, turn: pumpTurn)
    while mayPump && !active.isEmpty {
      active = active.filter { mayPump && $0.pumpOnce(memory) }
    }
    for channel in waiting {
      channel.updateInterests()
      if !channel.hasOutput { withOutput[channel.channel.number] = nil }
    }
  }

  /// The order in which channels send: what a person waits for first. The client may accept less than a packet of each,
  /// so each turn another of the others is the first of them.
  static func order<Pump>(terminals: [Pump], others: [Pump], turn: UInt) -> [Pump] {
    guard !others.isEmpty else { return terminals }
    let first = Int(turn % UInt(others.count))
    return terminals + others[first...] + others[..<first]
  }

  /// Writes pending bytes to the socket.
  func flush() {
    guard end == nil else { return }
    if SSH.isWritePending && !SSH.flush() { return lost() }
    if !SSH.isWritePending { flushed = SSH.sentBytes }
  }

  /// Watches the sockets only for what is of use.
  func updateInterests() {
    guard end == nil, let socket else { return }
    var wanted: EventLoop.Interest = []
    if mayRead { wanted.insert(.read) }
    if SSH.isWritePending { wanted.insert(.write) }
    // Output that can be sent is work to do at once; the writable socket wakes the loop for it.
    if mayPump && withOutput.values.contains(where: \.wantsPump) { wanted.insert(.write) }
    if wanted != socketInterest {
      try? loop.modify(socket, wanted, token: Token.socket)
      socketInterest = wanted
    }
    guard let session else { return }
    let sessionWanted: EventLoop.Interest =
      toSession?.isEmpty != false || isAwaitingRecording ? .read : [.read, .write]
    if sessionWanted != sessionInterest {
      try? loop.modify(session.descriptor, sessionWanted, token: Token.session)
      sessionInterest = sessionWanted
    }
  }

  /// Ends the connection without a message to the client.
  func lost() {
    guard end == nil else { return }
    let error = SSH.error
    // If it is not the socket, it is the client: libssh could not make sense of what it read.
    let reason: TransportEnd =
      if error.hasPrefix("Socket error") {
        .connectionLost
      } else if error.hasPrefix("kex error : no match") {
        // The client is older or stricter than this server, or tries one host key type after another.
        .noCommonAlgorithm
      } else {
        .protocolError
      }
    // libssh's text for an end of file, which is not an error.
    end = End(reason: reason, detail: error == "Socket error: disconnected" ? "closed by the client" : error)
  }

  /// Sends DISCONNECT and ends the connection.
  func disconnect(_ code: DisconnectReason, _ text: String, reason: TransportEnd) {
    disconnect(code: code.rawValue, text, reason: reason)
  }

  func disconnect(code: UInt32, _ text: String, reason: TransportEnd) {
    guard end == nil else { return }
    send(Message.disconnect(code, text))
    end = End(reason: reason, detail: text)
  }

  /// Ends the connection because the client violated the protocol.
  func violated(_ text: String) {
    disconnect(.protocolError, text, reason: .protocolError)
  }

  /// Reports the end to the supervisor and closes everything.
  func finish() {
    for channel in sessions.values { channel.endRecording() }
    let received = SSH.received.bytes
    let end = end ?? End(reason: .connectionLost, detail: "")
    let closed = TransportToSupervisor.closed(
      reason: end.reason, detail: String(Log.printable(end.detail).prefix(256)), bytesIn: received, bytesOut: bytesOut)
    _ = try? control.send(closed.wireBytes, wait: true)
    // The session learns at once that programs can end, since closing may take a moment; but only after the report to
    // the supervisor, which would otherwise take the session's end for the reason.
    for channel in Array(sessions.values) + Array(forwards.values) {
      if !channel.hasHungUp { sendToSession(channel.closeMessage) }
      channel.end()
    }
    (sessions, forwards, opening, withOutput) = ([:], [:], [:], [:])
    tellSessionTheRest()
    session = nil
    toSession = nil
    SSH.close(milliseconds: 1000)
  }

  // MARK: Sending to the client

  /// Sends a message to the client.
  func send(_ message: [UInt8]) {
    message.withUnsafeBytes { _ = sendData($0) }
  }

  /// Sends a message in memory to the client. False: send no more data now.
  func sendData(_ message: UnsafeRawBufferPointer) -> Bool {
    guard end == nil else { return false }
    bytesOut += UInt64(message.count)
    switch SSH.send(message) {
    case .sent: break
    case .held:
      isRekeying = true
      held += message.count
      if held > Connection.heldLimit {
        end = End(reason: .protocolError, detail: "a key exchange was not completed")
      }
    case .over: lost()
    }
    return mayPump
  }

  // MARK: Idleness

  /// Records activity: the login, a byte on a channel, or a request on one; not keepalives and key exchanges.
  func rememberActivity() {
    isActive = false
    lastActivity = Clock.milliseconds
  }

  // MARK: Keepalive

  /// Sends a keepalive to a silent client; ends the connection after `keepaliveCountMax` without a reply.
  func keepAlive() {
    guard end == nil, let due = nextKeepalive, Clock.milliseconds >= due else { return }
    nextKeepalive = Clock.milliseconds + Int64(settings.keepaliveInterval) * 1000
    let packets = SSH.received.packets
    if packets != lastPackets { unanswered = 0 }
    lastPackets = packets
    guard unanswered < settings.keepaliveCountMax else {
      end = End(reason: .keepaliveTimeout, detail: "\(unanswered) keepalives without an answer")
      return
    }
    unanswered += 1
    send(Message.globalRequest("keepalive@openssh.com", wantsReply: true))
  }
}
