import Digests

/// The SHA-256 hash of a journal line without its newline. The next line contains it.
public struct LineHash: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Zeros, which the first line of a journal contains as there is no previous line.
  public static let none = LineHash(bytes: [UInt8](repeating: 0, count: SHA256.size))

  /// The hash of a line, without its newline.
  public init(of line: ArraySlice<UInt8>) { bytes = SHA256.hash(line) }

  /// Parses 64 hexadecimal digits; nil for other text.
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

  /// 64 hexadecimal digits in lower case.
  public var description: String { Hex.text(bytes) }

  private init(bytes: [UInt8]) { self.bytes = bytes }
}
