import Audit
import Wire

/// What the supervisor tells a transport.
public enum SupervisorToTransport: WireCodable, Equatable {
  /// Serve this connection; with its socket as descriptor. Once.
  case serve(connection: UInt64)
  /// The answer to `sign`; nil: refused.
  case signature([UInt8]?)
  /// The answer to `authenticate` or `informationResponse`. With `.success` comes the socket to the session.
  case authentication(AuthenticationReply)
  /// The answer to `proveHostKeys`: the payload of REQUEST_SUCCESS after its message number; nil: REQUEST_FAILURE.
  case hostKeyProofs([UInt8]?)
  /// Send DISCONNECT (RFC 4253, section 11.1) and end.
  case disconnect(reason: UInt32, text: String)
  /// Say with `idle` how long the connection has been silent.
  case reportIdle
  /// Write this line, at most 1,024 bytes, between what programs write on the terminals of the login.
  case announce(String)
  /// Terminals of this login are recorded: ask with ``TransportToSupervisor/record(channel:)`` before each. Before the
  /// success of the login; `input`: what is typed as well.
  case recordTerminals(input: Bool)
  /// The answer to ``TransportToSupervisor/record(channel:)``. With a title comes the file as descriptor; without one nothing is
  /// recorded, and the terminal can be used all the same.
  case recording(channel: UInt32, title: String?)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .serve(let connection):
      writer.byte(2)
      writer.uint64(connection)
    case .signature(let signature):
      writer.byte(3)
      writer.optional(signature) { $0.string($1) }
    case .authentication(let reply):
      writer.byte(4)
      reply.encode(to: &writer)
    case .hostKeyProofs(let payload):
      writer.byte(5)
      writer.optional(payload) { $0.string($1) }
    case .disconnect(let reason, let text):
      writer.byte(6)
      writer.uint32(reason)
      writer.text(text)
    case .reportIdle: writer.byte(7)
    case .announce(let text):
      writer.byte(8)
      writer.text(text)
    case .recordTerminals(let input):
      writer.byte(9)
      writer.boolean(input)
    case .recording(let channel, let title):
      writer.byte(10)
      writer.uint32(channel)
      writer.optional(title) { $0.text($1) }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 2: self = .serve(connection: try reader.uint64())
    case 3:
      self = .signature(try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) })
    case 4: self = .authentication(try AuthenticationReply(from: &reader))
    case 5:
      self = .hostKeyProofs(try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) })
    case 6: self = .disconnect(reason: try reader.uint32(), text: try reader.text(limit: 1024))
    case 7: self = .reportIdle
    case 8: self = .announce(try reader.text(limit: 1024))
    case 9: self = .recordTerminals(input: try reader.boolean())
    case 10:
      self = .recording(
        channel: try reader.uint32(),
        title: try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 2048) })
    default: throw .malformed
    }
  }
}

/// What a client hears after an authentication request. RFC 4252 and 4256
public enum AuthenticationReply: WireCodable, Equatable {
  /// USERAUTH_SUCCESS.
  case success
  /// USERAUTH_FAILURE with the methods that can continue; `partial`: this one succeeded, but others must too.
  case failure(continuing: [String], partial: Bool)
  /// USERAUTH_PK_OK: the key would do, sign now.
  case publicKeyAcceptable(algorithm: [UInt8], key: [UInt8])
  /// USERAUTH_INFO_REQUEST with one prompt, whose answer is not shown.
  case prompt(name: String, instruction: String, prompt: String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .success: writer.byte(1)
    case .failure(let continuing, let partial):
      writer.byte(2)
      writer.nameList(continuing)
      writer.boolean(partial)
    case .publicKeyAcceptable(let algorithm, let key):
      writer.byte(3)
      writer.string(algorithm)
      writer.string(key)
    case .prompt(let name, let instruction, let prompt):
      writer.byte(4)
      writer.text(name)
      writer.text(instruction)
      writer.text(prompt)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .success
    case 2: self = .failure(continuing: try reader.nameList(limit: 1024), partial: try reader.boolean())
    case 3:
      self = .publicKeyAcceptable(algorithm: Array(try reader.string(limit: 256)), key: Array(try reader.string()))
    case 4:
      self = .prompt(
        name: try reader.text(limit: 1024), instruction: try reader.text(limit: 4096),
        prompt: try reader.text(limit: 1024))
    default: throw .malformed
    }
  }
}

/// What a transport tells the supervisor.
public enum TransportToSupervisor: WireCodable, Equatable {
  /// A key exchange needs a signature over this exchange hash; the transport waits for it.
  case sign(hostKey: [UInt8], algorithm: String, hash: [UInt8])
  /// The first key exchange is complete.
  case negotiated(Negotiated)
  /// The payload of a USERAUTH_REQUEST after its message number; one at a time.
  case authenticate(SecretBytes)
  /// The payload of a USERAUTH_INFO_RESPONSE after its message number.
  case informationResponse(SecretBytes)
  /// The payload of a hostkeys-prove-00@openssh.com request after its want-reply.
  case proveHostKeys([UInt8])
  /// The answer to `reportIdle`: when the last byte came or went on a channel, or the client last asked something of
  /// one, in milliseconds of the monotonic clock. Keepalives and key exchanges do not count.
  case idle(since: Int64)
  /// The client wants a terminal on this channel, which is to be recorded; it waits for the answer.
  case record(channel: UInt32)
  /// A recording is over.
  case recorded(RecordingEnd)
  /// The last message.
  case closed(reason: TransportEnd, detail: String, bytesIn: UInt64, bytesOut: UInt64)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .sign(let hostKey, let algorithm, let hash):
      writer.byte(2)
      writer.string(hostKey)
      writer.text(algorithm)
      writer.string(hash)
    case .negotiated(let negotiated):
      writer.byte(3)
      negotiated.encode(to: &writer)
    case .authenticate(let payload):
      writer.byte(4)
      writer.string(payload)
    case .informationResponse(let payload):
      writer.byte(5)
      writer.string(payload)
    case .proveHostKeys(let payload):
      writer.byte(6)
      writer.string(payload)
    case .closed(let reason, let detail, let bytesIn, let bytesOut):
      writer.byte(7)
      writer.text(reason.rawValue)
      writer.text(detail)
      writer.uint64(bytesIn)
      writer.uint64(bytesOut)
    case .idle(let time):
      writer.byte(8)
      writer.uint64(UInt64(bitPattern: time))
    case .record(let channel):
      writer.byte(9)
      writer.uint32(channel)
    case .recorded(let end):
      writer.byte(10)
      end.encode(to: &writer)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 2:
      self = .sign(
        hostKey: Array(try reader.string(limit: 8192)), algorithm: try reader.text(limit: 64),
        hash: Array(try reader.string(limit: 64)))
    case 3: self = .negotiated(try Negotiated(from: &reader))
    case 4: self = .authenticate(try reader.secret(limit: TransportSettings.authenticationLimit))
    case 5: self = .informationResponse(try reader.secret(limit: TransportSettings.authenticationLimit))
    case 6: self = .proveHostKeys(Array(try reader.string(limit: TransportSettings.authenticationLimit)))
    case 7:
      guard let reason = TransportEnd(rawValue: try reader.text(limit: 64)) else { throw .malformed }
      self = .closed(
        reason: reason, detail: try reader.text(limit: 1024), bytesIn: try reader.uint64(),
        bytesOut: try reader.uint64())
    case 8: self = .idle(since: Int64(bitPattern: try reader.uint64()))
    case 9: self = .record(channel: try reader.uint32())
    case 10: self = .recorded(try RecordingEnd(from: &reader))
    default: throw .malformed
    }
  }
}

/// How a transport speaks.
public struct TransportSettings: WireCodable, Equatable {
  /// Bytes of an authentication message's payload: what RFC 4253, section 6.1, obliges everyone to take.
  public static let authenticationLimit = 32768

  /// Public key blobs, in the order in which they are offered.
  public var hostKeys: [[UInt8]]
  public var keyExchanges: [String]
  public var hostKeyAlgorithms: [String]
  public var ciphers: [String]
  public var macs: [String]
  /// What the client is told that its signatures may be (server-sig-algs, RFC 8308).
  public var publicKeyAlgorithms: [String]
  public var compression: Bool
  /// Bytes, seconds; 0: never.
  public var rekeyBytes: UInt64
  public var rekeyInterval: UInt32
  /// Seconds; 0: never.
  public var keepaliveInterval: UInt32
  public var keepaliveCountMax: UInt32
  public var maximumPacketSize: UInt32
  public var windowSize: UInt32
  /// Channels at a time.
  public var maxChannels: UInt32 = 50
  /// Shown before login; empty: none.
  public var banner: String
  /// An empty directory to take as root; empty: keep the root (not started as root).
  public var root: String
  /// Some logins are recorded: descriptors of files will be written to.
  public var mayRecord = false

  public init(
    hostKeys: [[UInt8]], keyExchanges: [String], hostKeyAlgorithms: [String], ciphers: [String], macs: [String],
    publicKeyAlgorithms: [String], compression: Bool, rekeyBytes: UInt64, rekeyInterval: UInt32,
    keepaliveInterval: UInt32, keepaliveCountMax: UInt32, maximumPacketSize: UInt32, windowSize: UInt32,
    banner: String, root: String
  ) {
    self.hostKeys = hostKeys
    self.keyExchanges = keyExchanges
    self.hostKeyAlgorithms = hostKeyAlgorithms
    self.ciphers = ciphers
    self.macs = macs
    self.publicKeyAlgorithms = publicKeyAlgorithms
    self.compression = compression
    self.rekeyBytes = rekeyBytes
    self.rekeyInterval = rekeyInterval
    self.keepaliveInterval = keepaliveInterval
    self.keepaliveCountMax = keepaliveCountMax
    self.maximumPacketSize = maximumPacketSize
    self.windowSize = windowSize
    self.banner = banner
    self.root = root
  }

  public func encode(to writer: inout WireWriter) {
    writer.list(hostKeys) { $0.string($1) }
    for list in [keyExchanges, hostKeyAlgorithms, ciphers, macs, publicKeyAlgorithms] { writer.nameList(list) }
    writer.boolean(compression)
    writer.uint64(rekeyBytes)
    for number in [rekeyInterval, keepaliveInterval, keepaliveCountMax, maximumPacketSize, windowSize, maxChannels] {
      writer.uint32(number)
    }
    writer.text(banner)
    writer.text(root)
    writer.boolean(mayRecord)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    hostKeys = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in Array(try r.string()) }
    keyExchanges = try reader.nameList()
    hostKeyAlgorithms = try reader.nameList()
    ciphers = try reader.nameList()
    macs = try reader.nameList()
    publicKeyAlgorithms = try reader.nameList()
    compression = try reader.boolean()
    rekeyBytes = try reader.uint64()
    rekeyInterval = try reader.uint32()
    keepaliveInterval = try reader.uint32()
    keepaliveCountMax = try reader.uint32()
    maximumPacketSize = try reader.uint32()
    windowSize = try reader.uint32()
    maxChannels = try reader.uint32()
    banner = try reader.text()
    root = try reader.text()
    mayRecord = try reader.boolean()
  }
}

/// What the first key exchange agreed on, for the log.
public struct Negotiated: WireCodable, Equatable {
  /// The client's identification, without `SSH-2.0-`.
  public var client: String
  public var keyExchange: String
  public var cipherIn: String
  public var cipherOut: String

  public init(client: String, keyExchange: String, cipherIn: String, cipherOut: String) {
    self.client = client
    self.keyExchange = keyExchange
    self.cipherIn = cipherIn
    self.cipherOut = cipherOut
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(client)
    writer.text(keyExchange)
    writer.text(cipherIn)
    writer.text(cipherOut)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    client = try reader.text(limit: 256)
    keyExchange = try reader.text(limit: 128)
    cipherIn = try reader.text(limit: 128)
    cipherOut = try reader.text(limit: 128)
  }
}
