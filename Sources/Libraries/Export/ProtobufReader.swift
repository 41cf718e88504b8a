/// Parses the fields of a Protocol Buffers message. The input is not trusted: parsing ends at a truncated field or an
/// obsolete wire type.
public struct ProtobufReader: Sendable {
  /// The value of a field.
  public enum Value: Equatable, Sendable {
    /// A varint or a fixed-size value.
    case integer(UInt64)
    /// A string, bytes or an embedded message.
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  /// Starts at the beginning of a message.
  public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field; nil at the end, or if the rest is not a valid message.
  public mutating func next() -> (field: UInt64, value: Value)? {
    guard let tag = varint(), tag >> 3 != 0 else { return end() }
    switch tag & 7 {
    case 0:
      guard let value = varint() else { return end() }
      return (tag >> 3, .integer(value))
    case 1: return fixed(8).map { (tag >> 3, $0) }
    case 2:
      guard let count = varint(), count <= UInt64(rest.count) else { return end() }
      defer { rest = rest.dropFirst(Int(count)) }
      return (tag >> 3, .bytes(rest.prefix(Int(count))))
    case 5: return fixed(4).map { (tag >> 3, $0) }
    default: return end()
    }
  }

  private mutating func fixed(_ count: Int) -> Value? {
    guard rest.count >= count else {
      rest = []
      return nil
    }
    defer { rest = rest.dropFirst(count) }
    return .integer(rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard let byte = rest.popFirst() else { return nil }
      // Only one bit of the tenth byte is used.
      if index == 9, byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func end() -> (field: UInt64, value: Value)? {
    rest = []
    return nil
  }
}
