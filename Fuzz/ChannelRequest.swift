import IPC
import Model
import Wire

/// CHANNEL_REQUEST after its channel number: what is accepted is well formed to its last byte, and the session decodes
/// what the transport encoded.
func fuzz(_ bytes: [UInt8]) {
  var reader = WireReader(bytes)
  guard let (request, wantsReply) = try? ParsedChannelRequest.parse(&reader) else { return }
  var again = WireReader(bytes)
  precondition((try? again.string()) != nil && (try? again.boolean()) == wantsReply)
  guard case .forSession(let request) = request else { return }
  precondition(reader.isAtEnd)
  let message = TransportToSession.request(channel: .max, request)
  // The limit of a message socket.
  precondition(message.wireBytes.count <= 160 << 10)
  precondition((try? TransportToSession(wireBytes: message.wireBytes[...])) == message)
  if case .terminal(_, _, _, _, _, let modes) = request { precondition(TerminalModes(modes).modes.count <= 4096 / 5) }
}
