/// Encodes values in the marshalling format of the D-Bus Specification, little-endian.
struct BusWriter {
  private(set) var bytes: [UInt8] = []

  /// Appends zeros until the length is a multiple of `boundary`.
  mutating func align(_ boundary: Int) {
    while bytes.count % boundary != 0 { bytes.append(0) }
  }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// UINT32, `u`.
  mutating func uint32(_ value: UInt32) {
    align(4)
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  /// UINT64, `t`.
  mutating func uint64(_ value: UInt64) {
    align(8)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
  }

  /// BOOLEAN, `b`.
  mutating func boolean(_ value: Bool) { uint32(value ? 1 : 0) }

  /// STRING or OBJECT_PATH, `s` or `o`; zero bytes are left out.
  mutating func string(_ text: String) {
    let text = text.utf8.filter { $0 != 0 }
    uint32(UInt32(truncatingIfNeeded: text.count))
    bytes += text
    bytes.append(0)
  }

  /// SIGNATURE, `g`.
  mutating func signature(_ text: String) {
    bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
    bytes += Array(text.utf8)
    bytes.append(0)
  }

  /// VARIANT, `v`: one value of the type `signature`, which is a basic type or an array of one.
  mutating func variant(_ signature: String, _ value: (inout BusWriter) -> Void) {
    self.signature(signature)
    value(&self)
  }

  /// ARRAY, `a`; its elements are aligned to `alignment`.
  mutating func array(alignment: Int, _ elements: (inout BusWriter) -> Void) {
    uint32(0)
    let place = bytes.count - 4
    // The length does not include the padding before the first element.
    align(alignment)
    let start = bytes.count
    elements(&self)
    var length = BusWriter()
    length.uint32(UInt32(truncatingIfNeeded: bytes.count - start))
    bytes.replaceSubrange(place..<place + 4, with: length.bytes)
  }
}
