import Wire

/// What a transport tells the session of its login. The session answers every `request` once, in order.
public enum TransportToSession: WireCodable, Equatable {
  /// A client's request on a session channel. `channel` is the transport's number for it.
  case request(channel: UInt32, ChannelRequest)
  /// The client closed the channel, or vanished: let go of its terminal. No answer, but the end of what runs is still
  /// told. With the bytes of data that came from the client and went to it.
  case closed(channel: UInt32, bytesIn: UInt64, bytesOut: UInt64)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .request(let channel, let request):
      writer.byte(1)
      writer.uint32(channel)
      request.encode(to: &writer)
    case .closed(let channel, let bytesIn, let bytesOut):
      writer.byte(2)
      writer.uint32(channel)
      writer.uint64(bytesIn)
      writer.uint64(bytesOut)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .request(channel: try reader.uint32(), try ChannelRequest(from: &reader))
    case 2:
      self = .closed(channel: try reader.uint32(), bytesIn: try reader.uint64(), bytesOut: try reader.uint64())
    default: throw .malformed
    }
  }
}

/// A request on a session channel: RFC 4254, section 6; `break` is RFC 4335. Bytes are the client's, unchecked.
public enum ChannelRequest: WireCodable, Equatable {
  /// `modes`: encoded terminal modes, section 8.
  case terminal(term: [UInt8], columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32, modes: [UInt8])
  case environment(name: [UInt8], value: [UInt8])
  case shell
  case execute([UInt8])
  /// A command that is longer than any can be: what it begins with.
  case overlongCommand([UInt8])
  case subsystem([UInt8])
  case windowChange(columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32)
  /// A signal's name without SIG.
  case signal([UInt8])
  /// Milliseconds.
  case breakSignal(UInt32)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .terminal(let term, let columns, let rows, let xPixels, let yPixels, let modes):
      writer.byte(1)
      writer.string(term)
      for number in [columns, rows, xPixels, yPixels] { writer.uint32(number) }
      writer.string(modes)
    case .environment(let name, let value):
      writer.byte(2)
      writer.string(name)
      writer.string(value)
    case .shell: writer.byte(3)
    case .execute(let command):
      writer.byte(4)
      writer.string(command)
    case .subsystem(let name):
      writer.byte(5)
      writer.string(name)
    case .windowChange(let columns, let rows, let xPixels, let yPixels):
      writer.byte(6)
      for number in [columns, rows, xPixels, yPixels] { writer.uint32(number) }
    case .signal(let name):
      writer.byte(7)
      writer.string(name)
    case .breakSignal(let length):
      writer.byte(8)
      writer.uint32(length)
    case .overlongCommand(let start):
      writer.byte(9)
      writer.string(start)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .terminal(
        term: Array(try reader.string()), columns: try reader.uint32(), rows: try reader.uint32(),
        xPixels: try reader.uint32(), yPixels: try reader.uint32(), modes: Array(try reader.string()))
    case 2: self = .environment(name: Array(try reader.string()), value: Array(try reader.string()))
    case 3: self = .shell
    case 4: self = .execute(Array(try reader.string()))
    case 5: self = .subsystem(Array(try reader.string()))
    case 6:
      self = .windowChange(
        columns: try reader.uint32(), rows: try reader.uint32(), xPixels: try reader.uint32(),
        yPixels: try reader.uint32())
    case 7: self = .signal(Array(try reader.string()))
    case 8: self = .breakSignal(try reader.uint32())
    case 9: self = .overlongCommand(Array(try reader.string()))
    default: throw .malformed
    }
  }
}

/// What a session tells its transport.
public enum SessionToTransport: WireCodable, Equatable {
  /// The request was done.
  case done(channel: UInt32)
  /// The request was refused.
  case refused(channel: UInt32)
  /// A shell or command runs. Descriptors: with a terminal its master; else standard input's writing end, standard
  /// output's and standard error's reading ends. All non-blocking.
  case started(channel: UInt32, terminal: Bool)
  /// What ran has ended; after `started`, once. Output may still be in the descriptors.
  case exited(channel: UInt32, status: UInt32)
  /// What ran was killed. A signal's name without SIG; RFC 4254, section 6.10.
  case killed(channel: UInt32, signal: String, coreDumped: Bool)
  /// Write this line, at most 1,024 bytes, between what the program writes: on its terminal, or else as standard error.
  case announce(channel: UInt32, String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .done(let channel):
      writer.byte(1)
      writer.uint32(channel)
    case .refused(let channel):
      writer.byte(2)
      writer.uint32(channel)
    case .started(let channel, let terminal):
      writer.byte(3)
      writer.uint32(channel)
      writer.boolean(terminal)
    case .exited(let channel, let status):
      writer.byte(4)
      writer.uint32(channel)
      writer.uint32(status)
    case .killed(let channel, let signal, let coreDumped):
      writer.byte(5)
      writer.uint32(channel)
      writer.text(signal)
      writer.boolean(coreDumped)
    case .announce(let channel, let text):
      writer.byte(6)
      writer.uint32(channel)
      writer.text(text)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .done(channel: try reader.uint32())
    case 2: self = .refused(channel: try reader.uint32())
    case 3: self = .started(channel: try reader.uint32(), terminal: try reader.boolean())
    case 4: self = .exited(channel: try reader.uint32(), status: try reader.uint32())
    case 5:
      self = .killed(
        channel: try reader.uint32(), signal: try reader.text(limit: 64), coreDumped: try reader.boolean())
    case 6: self = .announce(channel: try reader.uint32(), try reader.text(limit: 1024))
    default: throw .malformed
    }
  }
}
