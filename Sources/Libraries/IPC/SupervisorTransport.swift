import Audit
import Wire

/// Messages from the supervisor to a transport.
public enum SupervisorToTransport: WireMessage, Equatable {
  /// Serve this connection; with its socket. Once.
  case serve(connection: UInt64)
  /// The reply to `sign`; nil: refused.
  case signature([UInt8]?)
  /// The reply to `authenticate` or `informationResponse`; `.success` with the socket to the session.
  case authentication(AuthenticationReply)
  /// The reply to `proveHostKeys`: the payload of REQUEST_SUCCESS after its message number; nil: REQUEST_FAILURE.
  case hostKeyProofs([UInt8]?)
  /// Send DISCONNECT (RFC 4253, section 11.1) and exit.
  case disconnect(reason: UInt32, text: String)
  /// Reply with `idle` how long the connection has been idle.
  case reportIdle
  /// Write this line, at most 1024 bytes, to the terminals of the login, between the output of programs.
  case announce(String)
  /// Terminals of this login are recorded: send ``TransportToSupervisor/record(channel:)`` before each. Sent before the
  /// success of the login; `input`: input is recorded as well.
  case recordTerminals(input: Bool)
  /// The reply to ``TransportToSupervisor/record(channel:)``: with a title and the file as descriptor, or nil: the
  /// terminal is used without a recording.
  case recording(channel: UInt32, title: String?)

  public static let blanks: [Self] = [
    .serve(connection: 0), .signature(nil), .authentication(.success), .hostKeyProofs(nil),
    .disconnect(reason: 0, text: ""), .reportIdle, .announce(""), .recordTerminals(input: false),
    .recording(channel: 0, title: nil),
  ]

  public var wireKind: Int {
    switch self {
    case .serve: 1
    case .signature: 2
    case .authentication: 3
    case .hostKeyProofs: 4
    case .disconnect: 5
    case .reportIdle: 6
    case .announce: 7
    case .recordTerminals: 8
    case .recording: 9
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .serve(let connection): self = try .serve(connection: coder.number(connection))
    case .signature(let signature): self = try .signature(coder.bytes(signature, max: messageSize))
    case .authentication(let reply): self = try .authentication(coder.value(reply))
    case .hostKeyProofs(let payload): self = try .hostKeyProofs(coder.bytes(payload, max: messageSize))
    case .disconnect(let reason, let text):
      self = try .disconnect(reason: coder.number(reason), text: coder.text(text, max: 1024))
    case .reportIdle: self = .reportIdle
    case .announce(let text): self = try .announce(coder.text(text, max: 1024))
    case .recordTerminals(let input): self = try .recordTerminals(input: coder.flag(input))
    case .recording(let channel, let title):
      self = try .recording(channel: coder.number(channel), title: coder.text(title, max: 2048))
    }
  }
}

/// Messages from a transport to the supervisor.
public enum TransportToSupervisor: WireMessage, Equatable {
  /// Sign this exchange hash; the transport waits for the reply.
  case sign(hostKey: [UInt8], algorithm: String, hash: [UInt8])
  /// The first key exchange is complete.
  case negotiated(Negotiated)
  /// The payload of a USERAUTH_REQUEST after its message number; one at a time.
  case authenticate(SecretBytes)
  /// The payload of a USERAUTH_INFO_RESPONSE after its message number.
  case informationResponse(SecretBytes)
  /// The payload of a hostkeys-prove-00@openssh.com request after its want-reply.
  case proveHostKeys([UInt8])
  /// The reply to `reportIdle`: the time of the last data or request on a channel, in milliseconds of the monotonic
  /// clock. Keepalives and key exchanges do not count.
  case idle(since: Int64)
  /// The client requests a terminal on this channel, which is recorded; the request waits for the reply.
  case record(channel: UInt32)
  /// A recording has ended.
  case recorded(RecordingEnd)
  /// The last message.
  case closed(reason: TransportEnd, detail: String, bytesIn: UInt64, bytesOut: UInt64)

  public static let blanks: [Self] = [
    .sign(hostKey: [], algorithm: "", hash: []), .negotiated(.blank), .authenticate([]), .informationResponse([]),
    .proveHostKeys([]), .idle(since: 0), .record(channel: 0), .recorded(.blank),
    .closed(reason: .sessionEnded, detail: "", bytesIn: 0, bytesOut: 0),
  ]

  public var wireKind: Int {
    switch self {
    case .sign: 1
    case .negotiated: 2
    case .authenticate: 3
    case .informationResponse: 4
    case .proveHostKeys: 5
    case .idle: 6
    case .record: 7
    case .recorded: 8
    case .closed: 9
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .sign(let hostKey, let algorithm, let hash):
      self = try .sign(
        hostKey: coder.bytes(hostKey, max: 8192), algorithm: coder.text(algorithm, max: 64),
        hash: coder.bytes(hash, max: 64))
    case .negotiated(let negotiated): self = try .negotiated(coder.value(negotiated))
    case .authenticate(let payload):
      self = try .authenticate(coder.secret(payload, max: TransportSettings.authenticationLimit))
    case .informationResponse(let payload):
      self = try .informationResponse(coder.secret(payload, max: TransportSettings.authenticationLimit))
    case .proveHostKeys(let payload):
      self = try .proveHostKeys(coder.bytes(payload, max: TransportSettings.authenticationLimit))
    case .idle(let time): self = try .idle(since: coder.number(time))
    case .record(let channel): self = try .record(channel: coder.number(channel))
    case .recorded(let end): self = try .recorded(coder.value(end))
    case .closed(let reason, let detail, let bytesIn, let bytesOut):
      self = try .closed(
        reason: coder.choice(reason), detail: coder.text(detail, max: 1024), bytesIn: coder.number(bytesIn),
        bytesOut: coder.number(bytesOut))
    }
  }
}

/// The reply to an authentication request. RFC 4252 and 4256
public enum AuthenticationReply: WireMessage, Equatable {
  /// USERAUTH_SUCCESS.
  case success
  /// USERAUTH_FAILURE with the methods that can continue; `partial`: partial success.
  case failure(continuing: [String], partial: Bool)
  /// USERAUTH_PK_OK: the key is acceptable, and the client may sign.
  case publicKeyAcceptable(algorithm: [UInt8], key: [UInt8])
  /// USERAUTH_INFO_REQUEST with one prompt, whose response is not echoed.
  case prompt(name: String, instruction: String, prompt: String)

  public static let blanks: [Self] = [
    .success, .failure(continuing: [], partial: false), .publicKeyAcceptable(algorithm: [], key: []),
    .prompt(name: "", instruction: "", prompt: ""),
  ]

  public var wireKind: Int {
    switch self {
    case .success: 1
    case .failure: 2
    case .publicKeyAcceptable: 3
    case .prompt: 4
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .success: self = .success
    case .failure(let continuing, let partial):
      self = try .failure(continuing: coder.list(continuing, max: 64, length: 1024), partial: coder.flag(partial))
    case .publicKeyAcceptable(let algorithm, let key):
      self = try .publicKeyAcceptable(
        algorithm: coder.bytes(algorithm, max: 256), key: coder.bytes(key, max: messageSize))
    case .prompt(let name, let instruction, let prompt):
      self = try .prompt(
        name: coder.text(name, max: 1024), instruction: coder.text(instruction, max: 4096),
        prompt: coder.text(prompt, max: 1024))
    }
  }
}

/// The algorithms of the first key exchange, for the log.
public struct Negotiated: WireFields, Equatable {
  /// The client's identification line without `SSH-2.0-`.
  public var client: String
  /// The key exchange method.
  public var keyExchange: String
  /// The cipher from the client to the server.
  public var cipherIn: String
  /// The cipher from the server to the client.
  public var cipherOut: String

  public init(client: String, keyExchange: String, cipherIn: String, cipherOut: String) {
    self.client = client
    self.keyExchange = keyExchange
    self.cipherIn = cipherIn
    self.cipherOut = cipherOut
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    client = try coder.text(value?.client, max: 256)
    keyExchange = try coder.text(value?.keyExchange, max: 128)
    cipherIn = try coder.text(value?.cipherIn, max: 128)
    cipherOut = try coder.text(value?.cipherOut, max: 128)
  }
}

/// The end of a recording.
public struct RecordingEnd: WireFields, Equatable {
  /// The channel whose terminal was recorded.
  public var channel: UInt32
  /// The size of the file, in bytes.
  public var bytes: UInt64
  /// The SHA-256 of the file: 32 bytes.
  public var hash: [UInt8]
  /// The duration of the recording, in milliseconds.
  public var milliseconds: UInt64
  /// Why the recording is incomplete; nil: it is complete.
  public var failure: String?

  public init(channel: UInt32, bytes: UInt64, hash: [UInt8], milliseconds: UInt64, failure: String?) {
    self.channel = channel
    self.bytes = bytes
    self.hash = hash
    self.milliseconds = milliseconds
    self.failure = failure
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    channel = try coder.number(value?.channel)
    bytes = try coder.number(value?.bytes)
    hash = try coder.bytes(value?.hash, length: 32...32)
    milliseconds = try coder.number(value?.milliseconds)
    failure = try coder.text(value?.failure, max: 256)
  }
}
