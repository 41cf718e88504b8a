/// Encodes the data types of RFC 4251, section 5.
///
/// The values may be secrets: when the buffer grows, the old one is overwritten.
public struct WireWriter: Sendable {
  /// The bytes written so far.
  public private(set) var bytes: [UInt8]

  /// Creates a writer with room for `capacity` bytes.
  public init(capacity: Int = 64) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Bytes, unchanged.
  public mutating func raw(_ value: some Collection<UInt8>) {
    makeRoom(for: value.count)
    bytes.append(contentsOf: value)
  }

  /// `byte`.
  public mutating func byte(_ value: UInt8) {
    makeRoom(for: 1)
    bytes.append(value)
  }

  /// `boolean`.
  public mutating func boolean(_ value: Bool) { byte(value ? 1 : 0) }

  /// `uint32`, most significant byte first.
  public mutating func uint32(_ value: UInt32) {
    makeRoom(for: 4)
    for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// `uint64`, most significant byte first.
  public mutating func uint64(_ value: UInt64) {
    makeRoom(for: 8)
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// `string`, which must be shorter than 4 GiB.
  public mutating func string(_ value: some Collection<UInt8>) {
    uint32(UInt32(value.count))
    raw(value)
  }

  /// `string` of UTF-8.
  public mutating func text(_ value: String) { string(value.utf8) }

  /// `name-list`.
  public mutating func nameList(_ value: [String]) { text(value.joined(separator: ",")) }

  /// `mpint` that is not negative, from its magnitude, most significant byte first.
  public mutating func unsignedMPInt(_ magnitude: some Collection<UInt8>) {
    let digits = magnitude.drop { $0 == 0 }
    let pad = (digits.first ?? 0) & 0x80 != 0
    uint32(UInt32(digits.count + (pad ? 1 : 0)))
    if pad { byte(0) }
    raw(digits)
  }

  private mutating func makeRoom(for count: Int) {
    guard bytes.capacity - bytes.count < count else { return }
    var larger: [UInt8] = []
    larger.reserveCapacity(max(2 * bytes.capacity, bytes.count + count))
    larger += bytes
    bytes.wipe()
    bytes = larger
  }
}
