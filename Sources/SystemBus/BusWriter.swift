/// Writes values in the marshalling format of the D-Bus specification, little-endian.
struct BusWriter {
  private(set) var bytes: [UInt8] = []

  /// Zeros, until the length is a multiple of `boundary`.
  mutating func align(_ boundary: Int) {
    while bytes.count % boundary != 0 { bytes.append(0) }
  }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// `u`.
  mutating func uint32(_ value: UInt32) {
    align(4)
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  /// `t`.
  mutating func uint64(_ value: UInt64) {
    align(8)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
  }

  /// `b`.
  mutating func boolean(_ value: Bool) { uint32(value ? 1 : 0) }

  /// `s`, `o`: text without zeros.
  mutating func string(_ text: String) {
    let text = text.utf8.filter { $0 != 0 }
    uint32(UInt32(truncatingIfNeeded: text.count))
    bytes += text
    bytes.append(0)
  }

  /// `g`.
  mutating func signature(_ text: String) {
    bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
    bytes += Array(text.utf8)
    bytes.append(0)
  }

  /// `v`: a value of a type, which has one letter or is an array of such.
  mutating func variant(_ signature: String, _ value: (inout BusWriter) -> Void) {
    self.signature(signature)
    value(&self)
  }

  /// `a`: elements that begin at multiples of `alignment`.
  mutating func array(alignment: Int, _ elements: (inout BusWriter) -> Void) {
    uint32(0)
    let place = bytes.count - 4
    // The padding before the first element does not count.
    align(alignment)
    let start = bytes.count
    elements(&self)
    var length = BusWriter()
    length.uint32(UInt32(truncatingIfNeeded: bytes.count - start))
    bytes.replaceSubrange(place..<place + 4, with: length.bytes)
  }
}
