/// Encodes Protocol Buffers messages, with fields in the order in which they are added.
///
/// https://protobuf.dev/programming-guides/encoding. As in proto3, fields with default values are omitted.
public struct ProtobufWriter: Sendable {
  /// The bytes encoded so far.
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// Adds an embedded message.
  public mutating func message(_ field: Int, _ content: ProtobufWriter) { bytesField(field, content.bytes) }

  /// Adds a field of type `string`, unless it is empty.
  public mutating func string(_ field: Int, _ value: String) {
    if !value.isEmpty { bytesField(field, value.utf8) }
  }

  /// Adds a field of type `string` or `bytes` even if it is empty, as members of a `oneof` require.
  public mutating func bytesField(_ field: Int, _ value: some Collection<UInt8>) {
    tag(field, type: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  /// Adds a field of type `int64`, `uint32` or an enumeration, unless it is 0.
  public mutating func integer(_ field: Int, _ value: Int64) {
    if value != 0 { presentInteger(field, value) }
  }

  /// Adds such a field even if it is 0, as members of a `oneof` require.
  public mutating func presentInteger(_ field: Int, _ value: Int64) {
    tag(field, type: 0)
    varint(UInt64(bitPattern: value))
  }

  /// Adds a field of type `fixed64`, unless it is 0.
  public mutating func fixed64(_ field: Int, _ value: UInt64) {
    if value == 0 { return }
    tag(field, type: 1)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
  }

  private mutating func tag(_ field: Int, type: UInt64) { varint(UInt64(field) << 3 | type) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
