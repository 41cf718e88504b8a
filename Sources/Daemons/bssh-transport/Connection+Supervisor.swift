import IPC
import System
import Wire

extension Connection {
  /// Sends a message to the supervisor.
  func report(_ message: TransportToSupervisor) {
    // This may block: the supervisor always reads our few messages, and the connection can do nothing without it.
    let sent = (try? SecretBytes(encoding: message).lend { try control.send($0, wait: true) }) ?? .ended
    if case .bytes = sent { return }
    if end == nil { end = End(reason: .connectionLost, detail: "the supervisor takes no messages") }
  }

  /// Reads the supervisor's messages into the inbox.
  func receiveControl() {
    while end == nil {
      switch try? control.receive() {
      case .message(let bytes, let descriptors):
        guard let message = try? SupervisorToTransport(wireBytes: bytes[...]) else {
          return disconnect(.byApplication, "internal error", reason: .toldToDisconnect)
        }
        inbox.append((message, descriptors))
      case .wouldBlock: return
      case .closed, nil: return disconnect(.byApplication, "the server has stopped", reason: .toldToDisconnect)
      }
    }
  }

  /// Handles the supervisor's messages.
  func drainInbox() {
    while end == nil && !inbox.isEmpty {
      let (message, descriptors) = inbox.removeFirst()
      switch message {
      case .authentication(let reply): handleReply(reply, descriptors)
      case .hostKeyProofs(let payload):
        guard let request = proofRequest else { break }
        proofRequest = nil
        reply(to: request, payload.map { Message.requestSuccess($0) } ?? Message.requestFailure)
      case .disconnect(let code, let text): disconnect(code: code, text, reason: .toldToDisconnect)
      case .reportIdle:
        if isActive { rememberActivity() }
        report(.idle(since: lastActivity))
      case .announce(let text): for channel in sessions.values where channel.isTerminal { channel.announce(text) }
      case .recordTerminals(let input):
        isRecorded = true
        recordsInput = input
      case .recording(let channel, let title): recordingAnswered(channel, title: title, descriptors)
      // These are handled where they are awaited, or sent once at the start.
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
        guard let message = try? SupervisorToTransport(wireBytes: bytes[...]) else { return nil }
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
      if end == nil { end = End(reason: .clientDisconnected, detail: text) }
    default: break
    }
  }
}
