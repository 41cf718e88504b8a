/// Writes messages of Protocol Buffers: fields in the order in which they are added.
///
/// https://protobuf.dev/programming-guides/encoding. A field that has its default value is left out, as proto3 says.
public struct ProtobufWriter: Sendable {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// A message as a field.
  public mutating func message(_ field: Int, _ content: ProtobufWriter) { bytesField(field, content.bytes) }

  /// A field of type `string`; left out when it is empty.
  public mutating func string(_ field: Int, _ value: String) {
    if !value.isEmpty { bytesField(field, value.utf8) }
  }

  /// A field of type `string` or `bytes`, also when it is empty: for members of a `oneof`.
  public mutating func bytesField(_ field: Int, _ value: some Collection<UInt8>) {
    tag(field, type: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  /// A field of type `int64`, `uint32` or an enumeration; left out when it is 0.
  public mutating func integer(_ field: Int, _ value: Int64) {
    if value != 0 { presentInteger(field, value) }
  }

  /// The same, also when it is 0: for members of a `oneof`.
  public mutating func presentInteger(_ field: Int, _ value: Int64) {
    tag(field, type: 0)
    varint(UInt64(bitPattern: value))
  }

  /// A field of type `fixed64`; left out when it is 0.
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
