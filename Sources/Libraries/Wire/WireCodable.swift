/// A value that can be encoded with the data types of RFC 4251, section 5, and decoded.
public protocol WireCodable: Sendable {
  /// Appends the encoded value to `writer`.
  func encode(to writer: inout WireWriter)
  /// Decodes a value from the next bytes of `reader`.
  ///
  /// - Throws: `WireError` when the bytes are not the encoding of such a value.
  init(from reader: inout WireReader) throws(WireError)
}

extension WireCodable {
  /// The encoded value.
  public var wireBytes: [UInt8] {
    var writer = WireWriter()
    encode(to: &writer)
    return writer.bytes
  }

  /// Decodes a message that consists of this value.
  ///
  /// - Throws: `WireError` when the bytes are not the encoding of such a value; `trailingBytes` when more follow.
  public init(wireBytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(wireBytes)
    try self.init(from: &reader)
    try reader.end()
  }
}

extension WireWriter {
  /// `boolean`, and the value if it is present.
  public mutating func optional<Value>(_ value: Value?, _ write: (inout WireWriter, Value) -> Void) {
    boolean(value != nil)
    if let value { write(&self, value) }
  }

  /// The number of values as `uint32`, and each value in turn.
  public mutating func list<Value>(_ values: [Value], _ write: (inout WireWriter, Value) -> Void) {
    uint32(UInt32(values.count))
    for value in values { write(&self, value) }
  }
}

extension WireReader {
  /// A value as ``WireWriter/optional(_:_:)`` writes it.
  ///
  /// - Throws: `WireError.malformed` when the first byte is neither 0 nor 1, `truncated` when there is none, and what
  ///   `read` throws.
  public mutating func optional<Value>(
    _ read: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> Value? {
    switch try byte() {
    case 0: nil
    case 1: try read(&self)
    default: throw .malformed
    }
  }

  /// Values as ``WireWriter/list(_:_:)`` writes them, each of at least `minimumSize` bytes.
  ///
  /// - Throws: `WireError.tooLong` or `truncated` as ``count(minimumSize:)``, and what `read` throws.
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
