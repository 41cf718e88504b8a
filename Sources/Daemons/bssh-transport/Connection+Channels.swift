import IPC
import System
import Wire

extension Connection {
  /// Handles CHANNEL_OPEN. RFC 4254, section 5.1
  func openRequested(_ reader: inout WireReader) throws {
    let type = String(decoding: try reader.string(), as: UTF8.self)
    let peer = try reader.uint32()
    let window = try reader.uint32()
    let maximumPacket = try reader.uint32()
    var target: ForwardTarget?
    var (originator, originatorPort): ([UInt8], UInt32) = ([], 0)
    switch type {
    case "session":
      guard !noMoreSessions else { return violated("a session was opened after no-more-sessions") }
    case "direct-tcpip":
      target = .tcp(host: Array(try reader.string()), port: try reader.uint32())
      (originator, originatorPort) = (Array(try reader.string()), try reader.uint32())
      try reader.end()
    case "direct-streamlocal@openssh.com":
      target = .socket(path: Array(try reader.string()))
      // Reserved, as OpenSSH's PROTOCOL says.
      (originator, originatorPort) = (Array(try reader.string()), try reader.uint32())
      try reader.end()
    default: return send(Message.openFailure(peer: peer, .unknownType, "unknown channel type"))
    }
    guard maximumPacket >= 1024 else {
      return send(Message.openFailure(peer: peer, .connectFailed, "maximum packet size under 1024"))
    }
    if let target {
      let open = OpeningForward(peer: peer, window: window, maximumPacket: maximumPacket)
      return forward(open, to: target, originator, originatorPort)
    }
    guard sessions.count < Int(settings.maxChannels) else {
      return send(Message.openFailure(peer: peer, .shortage, "too many channels"))
    }
    let number = freeNumber()
    isActive = true
    let channel = Channel(
      number: number, peer: peer, peerWindow: window, peerMaximumPacket: maximumPacket, windowSize: windows.initialSize)
    sessions[number] = ChannelPump(channel, connection: self)
    send(
      Message.openConfirmation(
        peer: peer, number: number, window: windows.initialSize, maximumPacket: settings.maximumPacketSize))
  }

  /// A channel number that is not in use.
  func freeNumber() -> UInt32 {
    while channel(nextChannel) != nil || opening[nextChannel] != nil { nextChannel &+= 1 }
    defer { nextChannel &+= 1 }
    return nextChannel
  }

  /// The open channel with this number.
  func channel(_ number: UInt32) -> ChannelPump? { sessions[number] ?? forwards[number] }

  /// Handles CHANNEL_DATA. The only message that is parsed in place, because it is most of the traffic.
  func receivedData(_ payload: UnsafeRawBufferPointer) throws {
    guard payload.count >= 8 else { throw WireError.truncated }
    let number = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    let count = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    guard Int(count) == payload.count - 8 else { throw WireError.malformed }
    guard let channel = channel(number) else { return violated("data for a channel that is not open") }
    isActive = true
    try channel.received(UnsafeRawBufferPointer(rebasing: payload[8...]))
  }

  /// Handles CHANNEL_REQUEST. RFC 4254, section 5.4
  func channelRequested(_ reader: inout WireReader) throws {
    guard let channel = channel(try reader.uint32()) else {
      return violated("a request on a channel that is not open")
    }
    let (request, wantsReply) = try ParsedChannelRequest.parse(&reader)
    switch request {
    case .forSession(let request):
      isActive = true
      channel.requested(request, wantsReply: wantsReply)
    case .endOfWrite: channel.endOfWriteReceived()
    case .refused: channel.refused(wantsReply: wantsReply)
    }
  }

  /// Remembers a channel whose input is to be flushed in this iteration of the loop.
  func hasInput(_ channel: ChannelPump) {
    if withInput.last !== channel { withInput.append(channel) }
  }

  /// Writes the input that arrived in this iteration to the programs.
  func flushInputs() {
    for channel in withInput { channel.flushInput() }
    withInput.removeAll(keepingCapacity: true)
  }

  /// Remembers a channel that has something to send.
  func hasOutput(_ channel: ChannelPump) { withOutput[channel.channel.number] = channel }

  /// Removes a channel that both sides have closed.
  func forget(_ number: UInt32) {
    withOutput[number] = nil
    guard let channel = sessions.removeValue(forKey: number) ?? forwards.removeValue(forKey: number) else { return }
    windows.giveBack(channel.channel.windowSize, isForward: channel.isForward)
  }

  // MARK: The session

  /// Sends a message to the session. If it cannot be sent at once it is queued, and nothing is read from the client
  /// meanwhile.
  func sendToSession(_ message: TransportToSession) {
    guard let wasEmpty = toSession?.isEmpty else { return }
    let terminal = isRecorded ? RequestedTerminal(message) : nil
    guard toSession?.append(SecretBytes(encoding: message), isHeld: terminal != nil) == true else {
      return sessionEnded()
    }
    if let terminal { wantedTerminals.append(terminal) }
    if wasEmpty { sendPendingMessages() }
  }

  /// Handles messages of the session.
  func receiveSession(_ event: EventLoop.Event) {
    sendPendingMessages()
    while end == nil, let session {
      switch try? session.receive() {
      case .message(let bytes, let descriptors):
        guard let message = try? SessionToTransport(wireBytes: bytes[...]) else { return sessionEnded() }
        switch message {
        case .connected(let number):
          if !connected(number, descriptors) { return sessionEnded() }
        case .openFailed(let number, let refusal, let text):
          if !openFailed(number, refusal, text) { return sessionEnded() }
        case .done, .refused, .started, .exited, .killed, .announce:
          // The session may still answer for a channel that both sides have closed: that is late, not wrong.
          guard let channel = channel(message.channel) else { continue }
          if !channel.handle(message, descriptors) { return sessionEnded() }
        }
      case .wouldBlock: return
      case .closed, nil: return sessionEnded()
      }
    }
  }

  /// Ends the connection because the session has ended.
  func sessionEnded() {
    disconnect(.byApplication, "the session has ended", reason: .sessionEnded)
  }
}

extension SessionToTransport {
  /// The channel that the message is about.
  fileprivate var channel: UInt32 {
    switch self {
    case .done(let channel), .refused(let channel), .started(let channel, _), .exited(let channel, _),
      .killed(let channel, _, _), .announce(let channel, _), .connected(let channel), .openFailed(let channel, _, _):
      channel
    }
  }
}
