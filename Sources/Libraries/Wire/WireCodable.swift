/// A value that goes through a message: written and read in the same order, with the types of RFC 4251.
public protocol WireCodable: Sendable {
  /// Appends the value.
  func encode(to writer: inout WireWriter)
  /// Takes the value; throws when the bytes are no such value.
  init(from reader: inout WireReader) throws(WireError)
}

extension WireCodable {
  /// The value alone, as a whole message.
  public var wireBytes: [UInt8] {
    var writer = WireWriter()
    encode(to: &writer)
    return writer.bytes
  }

  /// Reads a whole message that holds this value and nothing after it.
  public init(wireBytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(wireBytes)
    try self.init(from: &reader)
    try reader.end()
  }
}

extension WireWriter {
  /// `boolean`, and the value when there is one.
  public mutating func optional<Value>(_ value: Value?, _ write: (inout WireWriter, Value) -> Void) {
    boolean(value != nil)
    if let value { write(&self, value) }
  }

  /// `uint32` count, and each value in turn.
  public mutating func list<Value>(_ values: [Value], _ write: (inout WireWriter, Value) -> Void) {
    uint32(UInt32(values.count))
    for value in values { write(&self, value) }
  }
}

extension WireReader {
  /// The value that ``WireWriter/optional(_:_:)`` wrote.
  public mutating func optional<Value>(
    _ read: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> Value? {
    switch try byte() {
    case 0: nil
    case 1: try read(&self)
    default: throw .malformed
    }
  }

  /// The values that ``WireWriter/list(_:_:)`` wrote, none smaller than `minimumSize` bytes.
  public mutating func list<Value>(
    minimumSize: Int, _ read: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> [Value] {
    let n = try count(minimumSize: minimumSize)
    var values: [Value] = []
    values.reserveCapacity(n)
    for _ in 0..<n { values.append(try read(&self)) }
    return values
  }
}
