import Glibc
import IPC
import System
import Wire

/// One client's connection: its messages, its channels, and the processes that decide and act for it.
///
/// libssh hands messages in during ``SSH/step()``; nothing is read further while an authentication request waits for
/// its verdict, while the session does not take our messages, or while the client does not take our answers.
final class Connection: SSH.Owner, ChannelPump.Surroundings {
  /// Why a connection is over; the codes of `FromTransport.closed`.
  struct End {
    var reason: String
    var detail: String
  }

  /// Bytes buffered for the client beyond which nothing more is produced until they are gone.
  private static let outputLimit: UInt64 = 256 << 10
  /// Bytes held back by a key exchange that the client does not complete.
  private static let heldLimit = 1 << 20
  /// Packets from the client that are acknowledged at once. During a login client and server take turns, and a
  /// delayed acknowledgement (40 ms) would be waited for at each turn.
  private static let handshakePackets = 32
  /// Channels at a time.
  private static let channelLimit = 1024
  /// Authentication messages that may wait for the one before.
  private static let authenticationQueueLimit = 8

  private enum Token {
    static let socket = UInt64.max
    static let control = UInt64.max - 1
    static let session = UInt64.max - 2
  }

  let loop: EventLoop
  private let settings: TransportSettings
  private let control: MessageSocket
  private var session: MessageSocket?
  private var socket: Descriptor?
  private var end: End?

  // Authentication
  private var isAuthenticated = false
  private var hasService = false
  private var verdictPending = false
  private var promptIsOpen = false
  private var waitingAuthentication: [(number: UInt8, payload: [UInt8])] = []
  private(set) var clientIsOpenSSH = false

  // Channels
  private var channels: [UInt32: ChannelPump] = [:]
  /// Channels whose input is to be flushed in this turn of the loop.
  private var withInput: [ChannelPump] = []
  private var nextChannel: UInt32 = 0
  private var noMoreSessions = false

  // Flow
  private var inbox: [(ToTransport, [Descriptor])] = []
  private var untold: [[UInt8]] = []
  /// How much of ``SSH/sentBytes`` the socket has taken for certain.
  private var flushed: UInt64 = 0
  private var held = 0
  private var isRekeying = false
  private var bytesOut: UInt64 = 0
  private var socketInterest: EventLoop.Interest = .read
  private var sessionInterest: EventLoop.Interest = .read
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 13 + 32768, alignment: 8)

  // Keepalive
  private var lastPackets: UInt64 = 0
  private var unanswered: UInt32 = 0
  private var nextKeepalive: Int64?
  /// Set while the authority proves host keys; later answers to global requests wait in it, to keep their order.
  private var repliesAfterProof: [[UInt8]]?

  init(_ settings: TransportSettings, control: MessageSocket) throws(SystemError) {
    self.settings = settings
    self.control = control
    loop = try EventLoop()
  }

  deinit { memory.deallocate() }

  /// Serves `socket`, which ``SSH/accept(_:)`` has taken, to the end.
  func run(_ socket: Descriptor) throws(SystemError) {
    self.socket = socket
    try loop.add(socket, socketInterest, token: Token.socket)
    try loop.add(control.descriptor, .read, token: Token.control)
    while end == nil {
      // What was read ahead makes no event.
      let hasReadAhead = mayRead && SSH.isReadPending
      for event in try loop.wait(milliseconds: hasReadAhead ? 0 : timeout) { handle(event) }
      if hasReadAhead && mayRead && !SSH.step(readable: false, writable: false) { lost() }
      flushInputs()
      drainInbox()
      keepAlive()
      pump()
      flush()
      updateInterests()
    }
    finish()
  }

  // MARK: The loop

  private func handle(_ event: EventLoop.Event) {
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

  private var timeout: Int32 {
    guard let nextKeepalive else { return -1 }
    return Int32(clamping: max(0, nextKeepalive - Clock.milliseconds))
  }

  /// Bytes that wait for the client to read: our messages, and what libssh itself answers, as UNIMPLEMENTED.
  private var unflushed: UInt64 { SSH.sentBytes - flushed }

  private var mayRead: Bool { !verdictPending && untold.isEmpty && unflushed < Connection.outputLimit }

  private var mayPump: Bool { end == nil && !isRekeying && unflushed < Connection.outputLimit }

  /// Sends what programs have written, a packet of each channel in turn.
  private func pump() {
    var active = channels.values.filter(\.wantsPump)
    guard !active.isEmpty else { return }
    let touched = active
    while mayPump && !active.isEmpty {
      active = active.filter { mayPump && $0.pumpOnce(memory) }
    }
    for channel in touched { channel.updateInterests() }
  }

  private func flush() {
    guard end == nil else { return }
    if SSH.isWritePending && !SSH.flush() { return lost() }
    if !SSH.isWritePending { flushed = SSH.sentBytes }
  }

  private func updateInterests() {
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
    let sessionWanted: EventLoop.Interest = untold.isEmpty ? .read : [.read, .write]
    if sessionWanted != sessionInterest {
      try? loop.modify(session.descriptor, sessionWanted, token: Token.session)
      sessionInterest = sessionWanted
    }
  }

  private func lost() {
    guard end == nil else { return }
    let error = SSH.error
    // libssh's words for an end of file, which is no error of a socket.
    end = End(
      reason: "connection_lost", detail: error == "Socket error: disconnected" ? "closed by the client" : error)
  }

  /// Says goodbye and ends.
  private func disconnect(_ code: DisconnectReason, _ text: String, reason: String) {
    disconnect(code: code.rawValue, text, reason: reason)
  }

  private func disconnect(code: UInt32, _ text: String, reason: String) {
    guard end == nil else { return }
    send(Message.disconnect(code, text))
    end = End(reason: reason, detail: text)
  }

  private func violated(_ text: String) {
    disconnect(.protocolError, text, reason: "protocol_error")
  }

  private func finish() {
    let received = SSH.received.bytes
    let end = end ?? End(reason: "connection_lost", detail: "")
    let farewell = FromTransport.closed(
      reason: end.reason, detail: String(Log.printable(end.detail).prefix(256)), bytesIn: received, bytesOut: bytesOut)
    _ = try? control.send(farewell.wireBytes)
    // Hang up at once what runs in the session, the goodbye may take a moment; but after the last word, lest the
    // session's end be taken for the reason.
    for channel in channels.values { channel.end() }
    channels = [:]
    session = nil
    SSH.close(milliseconds: 1000)
  }

  // MARK: Sending to the client

  func send(_ message: [UInt8]) {
    message.withUnsafeBytes { _ = sendData($0) }
  }

  func sendData(_ message: UnsafeRawBufferPointer) -> Bool {
    guard end == nil else { return false }
    bytesOut += UInt64(message.count)
    switch SSH.send(message) {
    case .sent: break
    case .held:
      isRekeying = true
      held += message.count
      if held > Connection.heldLimit {
        end = End(reason: "protocol_error", detail: "a key exchange was not completed")
      }
    case .over: lost()
    }
    return mayPump
  }

  // MARK: The supervisor

  private func report(_ message: FromTransport) {
    // The supervisor always takes our few messages; one that does not is gone or stuck, and so are we.
    let sent = (try? control.send(message.wireBytes)) ?? .ended
    if case .bytes = sent { return }
    if end == nil { end = End(reason: "connection_lost", detail: "the supervisor takes no messages") }
  }

  private func receiveControl() {
    while end == nil {
      switch try? control.receive() {
      case .message(let bytes, let descriptors):
        guard let message = try? ToTransport(wireBytes: bytes[...]) else {
          return disconnect(.byApplication, "internal error", reason: "told_to_disconnect")
        }
        inbox.append((message, descriptors))
      case .wouldBlock: return
      case .closed, nil: return disconnect(.byApplication, "the server has stopped", reason: "told_to_disconnect")
      }
    }
  }

  private func drainInbox() {
    while end == nil && !inbox.isEmpty {
      let (message, descriptors) = inbox.removeFirst()
      switch message {
      case .authentication(let reply): answer(reply, descriptors)
      case .hostKeyProofs(let payload):
        guard let waiting = repliesAfterProof else { break }
        repliesAfterProof = nil
        send(payload.map { Message.requestSuccess($0) } ?? Message.requestFailure)
        for reply in waiting { send(reply) }
      case .disconnect(let code, let text): disconnect(code: code, text, reason: "told_to_disconnect")
      // Answered where they are waited for, or said once at the start.
      case .signature, .serve: break
      }
    }
  }

  // MARK: Key exchange

  func sign(hostKey: [UInt8], algorithm: String, hash: [UInt8]) -> [UInt8]? {
    report(.sign(hostKey: hostKey, algorithm: algorithm, hash: hash))
    let deadline = Clock.milliseconds + 30_000
    while end == nil {
      let left = Int32(clamping: deadline - Clock.milliseconds)
      guard left > 0, let received = try? control.receive(wait: left) else { return nil }
      switch received {
      case .message(let bytes, let descriptors):
        guard let message = try? ToTransport(wireBytes: bytes[...]) else { return nil }
        if case .signature(let signature) = message { return signature }
        inbox.append((message, descriptors))
      case .wouldBlock: continue
      case .closed: return nil
      }
    }
    return nil
  }

  func noticed(_ number: UInt8, _ payload: UnsafeRawBufferPointer) {
    switch number {
    case MessageNumber.newKeys:
      isRekeying = false
      held = 0
    case MessageNumber.disconnect:
      var reader = WireReader(Array(payload))
      _ = try? reader.uint32()
      let text = (try? reader.string(limit: 1024)).map { String(decoding: $0, as: UTF8.self) } ?? ""
      if end == nil { end = End(reason: "client_disconnected", detail: text) }
    default: break
    }
  }

  // MARK: Messages of RFC 4252 and 4254

  func received(_ number: UInt8, _ payload: UnsafeRawBufferPointer) {
    guard end == nil else { return }
    do {
      if number == MessageNumber.channelData, isAuthenticated { return try receivedData(payload) }
      var reader = WireReader(Array(payload))
      switch number {
      case MessageNumber.serviceRequest: try serviceRequested(&reader)
      case MessageNumber.userauthRequest, MessageNumber.userauthInfoResponse:
        authenticationRequested(number, Array(payload))
      case MessageNumber.globalRequest where isAuthenticated: try globalRequested(&reader)
      case MessageNumber.requestSuccess where isAuthenticated, MessageNumber.requestFailure where isAuthenticated:
        // The answer to a keepalive; that a packet came is all that counts.
        break
      case MessageNumber.channelOpen where isAuthenticated: try openRequested(&reader)
      case MessageNumber.channelExtendedData where isAuthenticated:
        guard let channel = channels[try reader.uint32()] else {
          return violated("data for a channel that is not open")
        }
        _ = try reader.uint32()
        try channel.receivedExtended(bytes: reader.string().count)
      case MessageNumber.channelWindowAdjust where isAuthenticated:
        guard let channel = channels[try reader.uint32()] else { return }
        try channel.adjusted(by: reader.uint32())
      case MessageNumber.channelEOF where isAuthenticated:
        channels[try reader.uint32()]?.endOfFileReceived()
      case MessageNumber.channelClose where isAuthenticated:
        guard let channel = channels[try reader.uint32()] else {
          return violated("a channel that is not open was closed")
        }
        try channel.closeReceived()
      case MessageNumber.channelRequest where isAuthenticated: try channelRequested(&reader)
      case MessageNumber.channelSuccess where isAuthenticated, MessageNumber.channelFailure where isAuthenticated:
        // We ask nothing on channels that wants a reply.
        break
      default: violated("message \(number) is not allowed now")
      }
    } catch let violation as Channel.Violation {
      violated("channel: \(violation)")
    } catch {
      violated("message \(number) is malformed")
    }
  }

  private func serviceRequested(_ reader: inout WireReader) throws {
    let service = try reader.text(limit: 256)
    guard service == "ssh-userauth", !isAuthenticated else {
      return disconnect(.serviceNotAvailable, "service not available", reason: "protocol_error")
    }
    send(Message.serviceAccept(service))
    guard !hasService else { return }
    hasService = true
    let negotiated = SSH.negotiated
    clientIsOpenSSH = negotiated.client.hasPrefix("OpenSSH")
    report(.negotiated(negotiated))
    if !settings.banner.isEmpty { send(Message.banner(settings.banner)) }
  }

  private func authenticationRequested(_ number: UInt8, _ payload: [UInt8]) {
    // RFC 4252, section 5.1: requests after success are silently ignored.
    if isAuthenticated { return }
    guard hasService, payload.count <= TransportSettings.authenticationLimit,
      waitingAuthentication.count < Connection.authenticationQueueLimit
    else { return violated("an authentication request came too early, too often, or was too long") }
    if verdictPending {
      waitingAuthentication.append((number, payload))
    } else {
      judge(number, payload)
    }
  }

  private func judge(_ number: UInt8, _ payload: [UInt8]) {
    if number == MessageNumber.userauthInfoResponse {
      guard promptIsOpen else { return violated("an answer to no question") }
      report(.informationResponse(payload))
    } else {
      report(.authenticate(payload))
    }
    promptIsOpen = false
    verdictPending = true
  }

  private func answer(_ reply: AuthenticationReply, _ descriptors: [Descriptor]) {
    guard verdictPending, !isAuthenticated else { return }
    verdictPending = false
    switch reply {
    case .success:
      guard let end = descriptors.first else {
        return disconnect(.byApplication, "internal error", reason: "session_ended")
      }
      loggedIn(MessageSocket(end))
    case .failure(let continuing, let partial):
      send(Message.authenticationFailure(continuing: continuing, partial: partial))
    case .publicKeyAcceptable(let algorithm, let key): send(Message.publicKeyOK(algorithm: algorithm, key: key))
    case .prompt(let name, let instruction, let prompt):
      promptIsOpen = true
      if !SSH.prompt(name: name, instruction: instruction, prompt: prompt) { lost() }
    }
    if !isAuthenticated, !waitingAuthentication.isEmpty {
      let next = waitingAuthentication.removeFirst()
      judge(next.number, next.payload)
    }
  }

  private func loggedIn(_ session: MessageSocket) {
    waitingAuthentication = []
    guard SSH.authenticated(), (try? loop.add(session.descriptor, .read, token: Token.session)) != nil else {
      return lost()
    }
    isAuthenticated = true
    self.session = session
    if settings.keepaliveInterval > 0 { nextKeepalive = Clock.milliseconds + Int64(settings.keepaliveInterval) * 1000 }
    // OpenSSH's host key rotation: the client may ask us to prove that the keys it does not know are ours.
    var keys = WireWriter()
    for key in settings.hostKeys { keys.string(key) }
    send(Message.globalRequest("hostkeys-00@openssh.com", wantsReply: false, keys.bytes))
  }

  private func globalRequested(_ reader: inout WireReader) throws {
    let name = String(decoding: try reader.string(limit: 256), as: UTF8.self)
    let wantsReply = try reader.boolean()
    switch name {
    case "keepalive@openssh.com": reply(wantsReply, Message.requestSuccess())
    case "no-more-sessions@openssh.com":
      noMoreSessions = true
      reply(wantsReply, Message.requestSuccess())
    case "hostkeys-prove-00@openssh.com"
    where wantsReply && repliesAfterProof == nil && reader.count <= TransportSettings.authenticationLimit:
      repliesAfterProof = []
      report(.proveHostKeys(Array(reader.rest)))
    default: reply(wantsReply, Message.requestFailure)
    }
  }

  private func reply(_ wanted: Bool, _ message: [UInt8]) {
    guard wanted else { return }
    guard let waiting = repliesAfterProof else { return send(message) }
    if waiting.count >= Channel.requestLimit { return violated("too many global requests") }
    repliesAfterProof?.append(message)
  }

  // MARK: Channels

  private func openRequested(_ reader: inout WireReader) throws {
    let type = String(decoding: try reader.string(limit: 256), as: UTF8.self)
    let peer = try reader.uint32()
    let window = try reader.uint32()
    let maximumPacket = try reader.uint32()
    guard type == "session" else { return send(Message.openFailure(peer: peer, reason: 3, "unknown channel type")) }
    guard !noMoreSessions else { return violated("a session was opened after no-more-sessions") }
    guard maximumPacket >= 1024 else {
      return send(Message.openFailure(peer: peer, reason: 2, "maximum packet size under 1024"))
    }
    guard channels.count < Connection.channelLimit else {
      return send(Message.openFailure(peer: peer, reason: 4, "too many channels"))
    }
    while channels[nextChannel] != nil { nextChannel &+= 1 }
    let number = nextChannel
    nextChannel &+= 1
    let channel = Channel(
      number: number, peer: peer, peerWindow: window, peerMaximumPacket: maximumPacket, windowSize: settings.windowSize)
    channels[number] = ChannelPump(channel, connection: self)
    send(
      Message.openConfirmation(
        peer: peer, number: number, window: settings.windowSize, maximumPacket: settings.maximumPacketSize))
  }

  /// CHANNEL_DATA, the one message that is read where it stands: it is most of what comes.
  private func receivedData(_ payload: UnsafeRawBufferPointer) throws {
    guard payload.count >= 8 else { throw WireError.truncated }
    let number = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    let count = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    guard Int(count) == payload.count - 8 else { throw WireError.malformed }
    guard let channel = channels[number] else { return violated("data for a channel that is not open") }
    try channel.received(UnsafeRawBufferPointer(rebasing: payload[8...]))
  }

  private func channelRequested(_ reader: inout WireReader) throws {
    guard let channel = channels[try reader.uint32()] else {
      return violated("a request on a channel that is not open")
    }
    let (request, wantsReply) = try ParsedChannelRequest.parse(&reader)
    switch request {
    case .forSession(let request): try channel.requested(request, wantsReply: wantsReply)
    case .endOfWrite: channel.endOfWriteReceived()
    case .unknown: try channel.refused(wantsReply: wantsReply)
    }
  }

  func hasInput(_ channel: ChannelPump) {
    if withInput.last !== channel { withInput.append(channel) }
  }

  private func flushInputs() {
    for channel in withInput { channel.flushInput() }
    withInput.removeAll(keepingCapacity: true)
  }

  func forget(_ number: UInt32) { channels[number] = nil }

  // MARK: The session

  func tell(_ message: ToChannels) {
    guard let session else { return }
    let bytes = message.wireBytes
    guard untold.isEmpty else { return untold.append(bytes) }
    switch (try? session.send(bytes)) ?? .ended {
    case .bytes: break
    case .wouldBlock: untold.append(bytes)
    case .ended: sessionEnded()
    }
  }

  private func receiveSession(_ event: EventLoop.Event) {
    while !untold.isEmpty, let session, case .bytes? = try? session.send(untold[0]) { untold.removeFirst() }
    while end == nil, let session {
      switch try? session.receive() {
      case .message(let bytes, let descriptors):
        guard let message = try? FromChannels(wireBytes: bytes[...]) else { return sessionEnded() }
        // A channel that both sides have closed may still be answered: that is late, not wrong.
        guard let channel = channels[message.channel] else { continue }
        if !channel.heard(message, descriptors) { return sessionEnded() }
      case .wouldBlock: return
      case .closed, nil: return sessionEnded()
      }
    }
  }

  private func sessionEnded() {
    disconnect(.byApplication, "the session has ended", reason: "session_ended")
  }

  // MARK: Keepalive

  /// Asks a silent client whether it is there; drops it when it has not answered `keepaliveCountMax` times.
  private func keepAlive() {
    guard end == nil, let due = nextKeepalive, Clock.milliseconds >= due else { return }
    nextKeepalive = Clock.milliseconds + Int64(settings.keepaliveInterval) * 1000
    let packets = SSH.received.packets
    if packets != lastPackets { unanswered = 0 }
    lastPackets = packets
    guard unanswered < settings.keepaliveCountMax else {
      end = End(reason: "keepalive_timeout", detail: "\(unanswered) keepalives without an answer")
      return
    }
    unanswered += 1
    send(Message.globalRequest("keepalive@openssh.com", wantsReply: true))
  }
}

extension FromChannels {
  /// The channel that it is about.
  fileprivate var channel: UInt32 {
    switch self {
    case .done(let channel), .refused(let channel), .started(let channel, _), .exited(let channel, _),
      .killed(let channel, _, _):
      channel
    }
  }
}
