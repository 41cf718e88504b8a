import Wire

/// Messages from a transport to the session process of its login. The session replies to each `request` once, in order,
/// and to each `open` once, in any order.
public enum TransportToSession: WireMessage, Equatable {
  /// A client's request on a session channel. `channel` is the transport's number of the channel.
  case request(channel: UInt32, ChannelRequest)
  /// The client closed the channel or is gone: close its terminal. No reply, but the end of the program is still
  /// reported. With the number of data bytes from and to the client. A forwarded connection has ended on both sides.
  case closed(channel: UInt32, bytesIn: UInt64, bytesOut: UInt64)
  /// The client opens a channel that is forwarded to `target`. The originator is what the client claims.
  case open(channel: UInt32, ForwardTarget, originator: [UInt8], originatorPort: UInt32)

  public static let blanks: [Self] = [
    .request(channel: 0, .shell), .closed(channel: 0, bytesIn: 0, bytesOut: 0),
    .open(channel: 0, .tcp(host: [], port: 0), originator: [], originatorPort: 0),
  ]

  public var wireKind: Int {
    switch self {
    case .request: 1
    case .closed: 2
    case .open: 3
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .request(let channel, let request): self = try .request(channel: coder.number(channel), coder.value(request))
    case .closed(let channel, let bytesIn, let bytesOut):
      self = try .closed(
        channel: coder.number(channel), bytesIn: coder.number(bytesIn), bytesOut: coder.number(bytesOut))
    case .open(let channel, let target, let originator, let port):
      self = try .open(
        channel: coder.number(channel), coder.value(target),
        originator: coder.bytes(originator, max: ForwardTarget.sizeLimit), originatorPort: coder.number(port))
    }
  }
}

/// Why a channel is not opened. RFC 4254, section 5.1
public enum OpenRefusal: UInt32, CaseIterable, Sendable {
  /// SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
  case prohibited = 1
  /// SSH_OPEN_CONNECT_FAILED
  case connectFailed = 2
  /// SSH_OPEN_UNKNOWN_CHANNEL_TYPE
  case unknownType = 3
  /// SSH_OPEN_RESOURCE_SHORTAGE
  case shortage = 4
}

/// A request on a session channel: RFC 4254, section 6; `break` is RFC 4335. The bytes are the client's, unchecked.
public enum ChannelRequest: WireMessage, Equatable {
  /// `pty-req`, section 6.2. `modes`: encoded terminal modes, section 8.
  case terminal(term: [UInt8], columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32, modes: [UInt8])
  /// `env`, section 6.4.
  case environment(name: [UInt8], value: [UInt8])
  /// `shell`, section 6.5.
  case shell
  /// `exec`, section 6.5.
  case execute([UInt8])
  /// A command that exceeds the limit of the system: its beginning.
  case overlongCommand([UInt8])
  /// `subsystem`, section 6.5.
  case subsystem([UInt8])
  /// `window-change`, section 6.7.
  case windowChange(columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32)
  /// The name of a signal without `SIG`.
  case signal([UInt8])
  /// The length of the break, in milliseconds.
  case breakSignal(UInt32)

  public static let blanks: [Self] = [
    .terminal(term: [], columns: 0, rows: 0, xPixels: 0, yPixels: 0, modes: []), .environment(name: [], value: []),
    .shell, .execute([]), .overlongCommand([]), .subsystem([]),
    .windowChange(columns: 0, rows: 0, xPixels: 0, yPixels: 0), .signal([]), .breakSignal(0),
  ]

  public var wireKind: Int {
    switch self {
    case .terminal: 1
    case .environment: 2
    case .shell: 3
    case .execute: 4
    case .overlongCommand: 5
    case .subsystem: 6
    case .windowChange: 7
    case .signal: 8
    case .breakSignal: 9
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .terminal(let term, let columns, let rows, let xPixels, let yPixels, let modes):
      self = try .terminal(
        term: coder.bytes(term, max: messageSize), columns: coder.number(columns), rows: coder.number(rows),
        xPixels: coder.number(xPixels), yPixels: coder.number(yPixels), modes: coder.bytes(modes, max: messageSize))
    case .environment(let name, let value):
      self = try .environment(name: coder.bytes(name, max: messageSize), value: coder.bytes(value, max: messageSize))
    case .shell: self = .shell
    case .execute(let command): self = try .execute(coder.bytes(command, max: messageSize))
    case .overlongCommand(let start): self = try .overlongCommand(coder.bytes(start, max: messageSize))
    case .subsystem(let name): self = try .subsystem(coder.bytes(name, max: messageSize))
    case .windowChange(let columns, let rows, let xPixels, let yPixels):
      self = try .windowChange(
        columns: coder.number(columns), rows: coder.number(rows), xPixels: coder.number(xPixels),
        yPixels: coder.number(yPixels))
    case .signal(let name): self = try .signal(coder.bytes(name, max: messageSize))
    case .breakSignal(let length): self = try .breakSignal(coder.number(length))
    }
  }
}

/// Messages from a session process to its transport.
public enum SessionToTransport: WireMessage, Equatable {
  /// The request succeeded.
  case done(channel: UInt32)
  /// The request was refused.
  case refused(channel: UInt32)
  /// A program is running; with non-blocking descriptors: the master of its terminal, or the write end of its standard
  /// input and the read ends of its standard output and standard error.
  case started(channel: UInt32, terminal: Bool)
  /// The program has exited; once after `started`. The descriptors may still contain output.
  case exited(channel: UInt32, status: UInt32)
  /// The program was killed by a signal, whose name is without `SIG`. RFC 4254, section 6.10
  case killed(channel: UInt32, signal: String, coreDumped: Bool)
  /// Write this line, at most 1024 bytes, to the terminal of the program, or as its standard error.
  case announce(channel: UInt32, String)
  /// The forwarded channel is connected; with its socket, which is non-blocking.
  case connected(channel: UInt32)
  /// The forwarded channel is refused; the text, at most 256 bytes, is for the client.
  case openFailed(channel: UInt32, OpenRefusal, String)

  public static let blanks: [Self] = [
    .done(channel: 0), .refused(channel: 0), .started(channel: 0, terminal: false), .exited(channel: 0, status: 0),
    .killed(channel: 0, signal: "", coreDumped: false), .announce(channel: 0, ""),
    .connected(channel: 0), .openFailed(channel: 0, .prohibited, ""),
  ]

  public var wireKind: Int {
    switch self {
    case .done: 1
    case .refused: 2
    case .started: 3
    case .exited: 4
    case .killed: 5
    case .announce: 6
    case .connected: 7
    case .openFailed: 8
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .done(let channel): self = try .done(channel: coder.number(channel))
    case .refused(let channel): self = try .refused(channel: coder.number(channel))
    case .started(let channel, let terminal):
      self = try .started(channel: coder.number(channel), terminal: coder.flag(terminal))
    case .exited(let channel, let status):
      self = try .exited(channel: coder.number(channel), status: coder.number(status))
    case .killed(let channel, let signal, let coreDumped):
      self = try .killed(
        channel: coder.number(channel), signal: coder.text(signal, max: 64), coreDumped: coder.flag(coreDumped))
    case .announce(let channel, let text):
      self = try .announce(channel: coder.number(channel), coder.text(text, max: 1024))
    case .connected(let channel): self = try .connected(channel: coder.number(channel))
    case .openFailed(let channel, let refusal, let text):
      self = try .openFailed(channel: coder.number(channel), coder.choice(refusal), coder.text(text, max: 256))
    }
  }
}
