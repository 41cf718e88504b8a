import IPC
import System
import Wire

extension Connection {
  /// Handles a message of the client. RFC 4252, RFC 4254
  func received(_ number: UInt8, _ payload: UnsafeRawBufferPointer) {
    guard end == nil else { return }
    do {
      if number == MessageNumber.channelData, isAuthenticated { return try receivedData(payload) }
      if number == MessageNumber.userauthRequest || number == MessageNumber.userauthInfoResponse {
        return authenticationRequested(number, SecretBytes(payload))
      }
      var reader = WireReader(Array(payload))
      switch number {
      case MessageNumber.serviceRequest: try serviceRequested(&reader)
      case MessageNumber.globalRequest where isAuthenticated: try globalRequested(&reader)
      case MessageNumber.requestSuccess where isAuthenticated, MessageNumber.requestFailure where isAuthenticated:
        // The reply to a keepalive; it only matters that a packet arrived.
        break
      case MessageNumber.channelOpen where isAuthenticated: try openRequested(&reader)
      case MessageNumber.channelExtendedData where isAuthenticated:
        guard let channel = channel(try reader.uint32()) else {
          return violated("data for a channel that is not open")
        }
        _ = try reader.uint32()
        isActive = true
        try channel.receivedExtended(bytes: reader.string().count)
      case MessageNumber.channelWindowAdjust where isAuthenticated:
        guard let channel = channel(try reader.uint32()) else { return }
        try channel.adjusted(by: reader.uint32())
      case MessageNumber.channelEOF where isAuthenticated:
        channel(try reader.uint32())?.endOfFileReceived()
      case MessageNumber.channelClose where isAuthenticated:
        guard let channel = channel(try reader.uint32()) else {
          return violated("a channel that is not open was closed")
        }
        channel.closeReceived()
      case MessageNumber.channelRequest where isAuthenticated: try channelRequested(&reader)
      case MessageNumber.channelSuccess where isAuthenticated, MessageNumber.channelFailure where isAuthenticated:
        // None of our channel requests wants a reply.
        break
      default: violated("message \(number) is not allowed now")
      }
    } catch let violation as Channel.Violation {
      violated("channel: \(violation)")
    } catch {
      violated("message \(number) is malformed")
    }
  }

  /// Handles GLOBAL_REQUEST. RFC 4254, section 4
  func globalRequested(_ reader: inout WireReader) throws {
    let name = String(decoding: try reader.string(), as: UTF8.self)
    let wantsReply = try reader.boolean()
    switch name {
    case "keepalive@openssh.com": if wantsReply { reply(to: globalReplies.request(), Message.requestSuccess()) }
    case "no-more-sessions@openssh.com":
      noMoreSessions = true
      if wantsReply { reply(to: globalReplies.request(), Message.requestSuccess()) }
    case "hostkeys-prove-00@openssh.com"
    where wantsReply && proofRequest == nil && reader.count <= TransportSettings.authenticationLimit:
      proofRequest = globalReplies.request()
      report(.proveHostKeys(Array(reader.rest)))
    default: if wantsReply { reply(to: globalReplies.request(), Message.requestFailure) }
    }
  }

  /// Replies to a global request once all older ones are answered.
  func reply(to request: UInt64, _ message: [UInt8]) {
    for due in globalReplies.answer(request, with: message) { send(due) }
  }
}
