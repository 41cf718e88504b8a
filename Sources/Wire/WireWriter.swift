/// Writes the data types of RFC 4251, section 5.
public struct WireWriter: Sendable {
  /// What has been written so far.
  public private(set) var bytes: [UInt8]

  /// Starts empty, with room for `capacity` bytes.
  public init(capacity: Int = 64) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Bytes as they are.
  public mutating func raw(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

  /// `byte`.
  public mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// `boolean`.
  public mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

  /// `uint32`, big-endian.
  public mutating func uint32(_ value: UInt32) {
    for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// `uint64`, big-endian.
  public mutating func uint64(_ value: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// `string`. The value must be shorter than 4 GiB.
  public mutating func string(_ value: some Collection<UInt8>) {
    uint32(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  /// `string` of UTF-8.
  public mutating func text(_ value: String) { string(value.utf8) }

  /// `name-list`.
  public mutating func nameList(_ value: [String]) { text(value.joined(separator: ",")) }

  /// `mpint` from the magnitude of a number that is not negative, most significant byte first.
  public mutating func unsignedMPInt(_ magnitude: some Collection<UInt8>) {
    let digits = magnitude.drop { $0 == 0 }
    let pad = (digits.first ?? 0) & 0x80 != 0
    uint32(UInt32(digits.count + (pad ? 1 : 0)))
    if pad { bytes.append(0) }
    bytes.append(contentsOf: digits)
  }
}
