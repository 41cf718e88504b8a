import Digests

/// SHA-256 of a line of the journal, without its end: what the next line repeats.
public struct LineHash: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// What the first line of a journal has, before which there is none: zeros.
  public static let none = LineHash(bytes: [UInt8](repeating: 0, count: SHA256.size))

  /// The hash of a line, without the newline.
  public init(of line: ArraySlice<UInt8>) { bytes = SHA256.hash(line) }

  /// Reads what `description` writes; nil when it is something else.
  public init?(_ text: some StringProtocol) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
      guard let value = Hex.value(digit) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    guard high == nil, bytes.count == SHA256.size else { return nil }
    self.init(bytes: bytes)
  }

  /// 64 hexadecimal digits.
  public var description: String { Hex.text(bytes) }

  private init(bytes: [UInt8]) { self.bytes = bytes }
}
