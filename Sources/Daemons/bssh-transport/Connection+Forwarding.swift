import IPC
import System

/// A forwarded channel that is not connected yet, as the client described its side.
struct OpeningForward {
  /// The client's channel number.
  let peer: UInt32
  let window: UInt32
  let maximumPacket: UInt32
}

// Forwarded channels. The session decides, resolves names and connects; this process gets the connected socket.
extension Connection {
  /// Descriptors that a transport needs besides those of its channels.
  static let ownDescriptors = 64

  /// Limit of forwarded channels, whose sockets need a descriptor each, beside so many session channels, which need up
  /// to four, with a recording.
  static func forwardLimit(openFiles: UInt64, sessions: UInt32) -> Int {
    max(0, Int(clamping: openFiles) - 4 * Int(sessions) - ownDescriptors)
  }

  /// Handles CHANNEL_OPEN of a channel that is to be forwarded. RFC 4254, section 7.2
  func forward(_ open: OpeningForward, to target: ForwardTarget, _ originator: [UInt8], _ originatorPort: UInt32) {
    isActive = true
    guard forwards.count + opening.count < forwardLimit else {
      return send(Message.openFailure(peer: open.peer, .shortage, "too many channels"))
    }
    guard target.size <= ForwardTarget.sizeLimit else {
      return send(Message.openFailure(peer: open.peer, .connectFailed, "the target's name is too long"))
    }
    let number = freeNumber()
    opening[number] = open
    sendToSession(
      .open(
        channel: number, target, originator: Array(originator.prefix(ForwardTarget.sizeLimit)),
        originatorPort: originatorPort))
  }

  /// Handles the session's message that a forwarded channel is connected. False: it is not allowed now.
  func connected(_ number: UInt32, _ descriptors: [Descriptor]) -> Bool {
    guard descriptors.count == 1, let open = opening.removeValue(forKey: number) else { return false }
    isActive = true
    let channel = Channel(
      number: number, peer: open.peer, peerWindow: open.window, peerMaximumPacket: open.maximumPacket,
      windowSize: windows.openForward(), isForward: true)
    send(
      Message.openConfirmation(
        peer: open.peer, number: number, window: channel.windowSize, maximumPacket: settings.maximumPacketSize))
    forwards[number] = ChannelPump(channel, socket: descriptors[0], connection: self)
    return true
  }

  /// Handles the session's message that a forwarded channel is refused. False: it is not allowed now.
  func openFailed(_ number: UInt32, _ refusal: OpenRefusal, _ text: String) -> Bool {
    guard let open = opening.removeValue(forKey: number) else { return false }
    send(Message.openFailure(peer: open.peer, refusal, text))
    return true
  }
}

extension ForwardTarget {
  /// The bytes of its name.
  fileprivate var size: Int {
    switch self {
    case .tcp(let host, _): host.count
    case .socket(let path): path.count
    }
  }
}
