import Audit
import Glibc
import IPC
import System
import Wire

/// One client's connection: its messages, its channels, and the processes that decide and act for it.
///
/// libssh hands messages in during ``SSH/step()``; nothing is read further while an authentication request waits for
/// its verdict, while the session does not take our messages, or while the client does not take our answers.
final class Connection: SSH.Owner, ChannelPump.Surroundings {
  /// Why a connection is over; the codes of `TransportToSupervisor.closed`.
  struct End {
    var reason: TransportEnd
    var detail: String
  }

  /// Bytes buffered for the client beyond which nothing more is produced until they are gone.
  static let outputLimit: UInt64 = 256 << 10
  /// Bytes held back by a key exchange that the client does not complete.
  static let heldLimit = 1 << 20
  /// Packets from the client that are acknowledged at once. During a login client and server take turns, and a
  /// delayed acknowledgement (40 ms) would be waited for at each turn.
  static let handshakePackets = 32

  enum Token {
    static let socket = UInt64.max
    static let control = UInt64.max - 1
    static let session = UInt64.max - 2
  }

  let loop: EventLoop
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
  var channels: [UInt32: ChannelPump] = [:]
  /// Channels whose input is to be flushed in this turn of the loop.
  var withInput: [ChannelPump] = []
  var nextChannel: UInt32 = 0
  var windows: WindowBudget
  /// Turns in which channels could send.
  var pumpTurn: UInt = 0
  var noMoreSessions = false

  // Flow
  var inbox: [(SupervisorToTransport, [Descriptor])] = []
  var untold: [UntoldMessage] = []
  /// Terminals of this login are recorded, and with `recordsInput` what is typed as well.
  var isRecorded = false
  var recordsInput = false
  /// The supervisor was asked for the file of a recording.
  var isAwaitingRecording = false
  /// How much of ``SSH/sentBytes`` the socket has taken for certain.
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
  /// Set while the authority proves host keys; later answers to global requests wait in it, to keep their order.
  var repliesAfterProof: [[UInt8]]?

  // Idleness
  /// Something that counts came or went in this turn of the loop.
  var isActive = false
  /// When something did in an earlier turn; the login counts.
  var lastActivity: Int64 = 0

  init(_ settings: TransportSettings, control: MessageSocket) throws(SystemError) {
    self.settings = settings
    self.control = control
    windows = WindowBudget(fullSize: settings.windowSize)
    loop = try EventLoop()
  }

  deinit { memory.deallocate() }

  /// Serves `socket`, which ``SSH/accept(_:)`` has taken, to the end.
  func run(_ socket: Descriptor) throws(SystemError) {
    self.socket = socket
    try loop.add(socket, socketInterest, token: Token.socket)
    try loop.add(control.descriptor, .read, token: Token.control)
    // What came with the connection was read when it was accepted, and makes no event if it was no SSH.
    if !SSH.step(readable: false, writable: false) { lost() }
    while end == nil {
      // What was read ahead makes no event.
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

  /// Something is ready.
  func handle(_ event: EventLoop.Event) {
    switch event.token {
    case Token.socket:
      // An event to write by does not read on: what libssh itself answers would grow faster than it is taken. But a
      // socket that is hung up says so for ever, until it is read to its end.
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
      channels[number]?.ready(stream, event)
    }
  }

  /// Milliseconds until there is something to do without an event; -1: there will not be.
  var timeout: Int32 {
    guard let next = [nextKeepalive, recordingDeadline].compactMap(\.self).min() else { return -1 }
    return Int32(clamping: max(0, next - Clock.milliseconds))
  }

  /// Bytes that wait for the client to read: our messages, and what libssh itself answers, as UNIMPLEMENTED.
  var unflushed: UInt64 { SSH.sentBytes - flushed }

  /// True while more of the client can be taken.
  var mayRead: Bool {
    !verdictPending && untold.isEmpty && unflushed < Connection.outputLimit && !hasManyRequests
  }

  /// As many requests wait for their answers as may.
  private var hasManyRequests: Bool {
    (repliesAfterProof?.count ?? 0) >= Channel.requestLimit
      || channels.values.contains(where: \.channel.hasManyRequests)
  }

  /// True while the client takes what programs write.
  var mayPump: Bool { end == nil && !isRekeying && unflushed < Connection.outputLimit }

  /// Sends what programs have written, a packet of each channel in turn.
  func pump() {
    var active = channels.values.filter(\.wantsPump)
    guard !active.isEmpty else { return }
    let touched = active
    if mayPump { pumpTurn &+= 1 }
    // The client may take less than a packet of each: another channel is the first each time.
    let first = Int(pumpTurn % UInt(active.count))
    active = Array(active[first...]) + Array(active[..<first])
    while mayPump && !active.isEmpty {
      active = active.filter { mayPump && $0.pumpOnce(memory) }
    }
    for channel in touched { channel.updateInterests() }
  }

  /// Writes what waits for the socket.
  func flush() {
    guard end == nil else { return }
    if SSH.isWritePending && !SSH.flush() { return lost() }
    if !SSH.isWritePending { flushed = SSH.sentBytes }
  }

  /// Waits exactly for what would be of use.
  func updateInterests() {
    guard end == nil, let socket else { return }
    var wanted: EventLoop.Interest = []
    if mayRead { wanted.insert(.read) }
    if SSH.isWritePending { wanted.insert(.write) }
    // Bytes that wait to be pumped are work to do at once: waiting for the socket to be writable wakes the loop.
    if mayPump && channels.values.contains(where: \.wantsPump) { wanted.insert(.write) }
    if wanted != socketInterest {
      try? loop.modify(socket, wanted, token: Token.socket)
      socketInterest = wanted
    }
    guard let session else { return }
    let sessionWanted: EventLoop.Interest = untold.isEmpty || isAwaitingRecording ? .read : [.read, .write]
    if sessionWanted != sessionInterest {
      try? loop.modify(session.descriptor, sessionWanted, token: Token.session)
      sessionInterest = sessionWanted
    }
  }

  /// The connection is over without a word.
  func lost() {
    guard end == nil else { return }
    let error = SSH.error
    // What is not the socket's fault is the client's: libssh has read what it could make nothing of.
    let reason: TransportEnd =
      if error.hasPrefix("Socket error") {
        .connectionLost
      } else if error.hasPrefix("kex error : no match") {
        // The client is older or stricter than this server, or asks for one type of host key after another.
        .noCommonAlgorithm
      } else {
        .protocolError
      }
    // libssh's words for an end of file, which is no error of a socket.
    end = End(reason: reason, detail: error == "Socket error: disconnected" ? "closed by the client" : error)
  }

  /// Says goodbye and ends.
  func disconnect(_ code: DisconnectReason, _ text: String, reason: TransportEnd) {
    disconnect(code: code.rawValue, text, reason: reason)
  }

  func disconnect(code: UInt32, _ text: String, reason: TransportEnd) {
    guard end == nil else { return }
    send(Message.disconnect(code, text))
    end = End(reason: reason, detail: text)
  }

  /// The client did what the protocol forbids.
  func violated(_ text: String) {
    disconnect(.protocolError, text, reason: .protocolError)
  }

  /// Says the last words and closes everything.
  func finish() {
    for channel in channels.values { channel.endRecording() }
    let received = SSH.received.bytes
    let end = end ?? End(reason: .connectionLost, detail: "")
    let farewell = TransportToSupervisor.closed(
      reason: end.reason, detail: String(Log.printable(end.detail).prefix(256)), bytesIn: received, bytesOut: bytesOut)
    _ = try? control.send(farewell.wireBytes, wait: true)
    // The session lets go of what runs at once, the goodbye may take a moment; but after the last word, lest the
    // session's end be taken for the reason.
    for channel in channels.values {
      if !channel.channel.isClosedByClient { tell(channel.lastWord) }
      channel.end()
    }
    channels = [:]
    session = nil
    SSH.close(milliseconds: 1000)
  }

  // MARK: Sending to the client

  /// Sends a message to the client.
  func send(_ message: [UInt8]) {
    message.withUnsafeBytes { _ = sendData($0) }
  }

  /// Sends a message that stands in memory. False: send no more data now.
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

  /// The login, a byte on a channel, or a request for one counts; a keepalive and a key exchange do not.
  func rememberActivity() {
    isActive = false
    lastActivity = Clock.milliseconds
  }

  // MARK: Keepalive

  /// Asks a silent client whether it is there; drops it when it has not answered `keepaliveCountMax` times.
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
