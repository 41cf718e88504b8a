/// Decodes values in the marshalling format of the D-Bus Specification; never reads past the end.
struct BusReader {
  private let bytes: [UInt8]
  private let isBigEndian: Bool
  private(set) var position = 0

  /// Reads `bytes`, which begin at an aligned position.
  init(_ bytes: [UInt8], isBigEndian: Bool) {
    self.bytes = bytes
    self.isBigEndian = isBigEndian
  }

  var isAtEnd: Bool { position == bytes.count }

  /// Skips the padding before an aligned value.
  mutating func align(_ boundary: Int) throws(BusError) {
    let next = (position + boundary - 1) / boundary * boundary
    guard next <= bytes.count else { throw .truncated }
    position = next
  }

  mutating func byte() throws(BusError) -> UInt8 {
    guard position < bytes.count else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  /// UINT32, `u`.
  mutating func uint32() throws(BusError) -> UInt32 {
    try align(4)
    guard bytes.count - position >= 4 else { throw .truncated }
    defer { position += 4 }
    let four = bytes[position..<position + 4]
    return (isBigEndian ? Array(four) : four.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// STRING or OBJECT_PATH, `s` or `o`.
  mutating func string() throws(BusError) -> String { try text(length: try uint32()) }

  /// SIGNATURE, `g`.
  mutating func signature() throws(BusError) -> String { try text(length: UInt32(try byte())) }

  private mutating func text(length: UInt32) throws(BusError) -> String {
    guard let length = Int(exactly: length), length < bytes.count - position else { throw .truncated }
    guard bytes[position + length] == 0 else { throw .malformed }
    defer { position += length + 1 }
    guard let text = String(validating: bytes[position..<position + length], as: UTF8.self) else { throw .malformed }
    return text
  }
}
