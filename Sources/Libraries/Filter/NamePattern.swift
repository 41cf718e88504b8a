/// A pattern for a name, which is a string of bytes: `*` matches any bytes or none, `?` one byte, and every other byte
/// itself. ssh_config(5), PATTERNS
///
/// Names are compared byte by byte, so that case matters. Matching takes time proportional to the length of the pattern
/// times that of the name.
public struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  /// The pattern as written.
  public let bytes: [UInt8]

  /// Every text is a valid pattern.
  public init(_ text: String) { bytes = Array(text.utf8) }

  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// True when the pattern has no wildcard and so matches one name only.
  public var isName: Bool { !bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }

  /// True when the pattern matches the whole name.
  public func matches(_ name: String) -> Bool { matches(Array(name.utf8)) }

  /// True when the pattern matches the whole name.
  public func matches(_ name: [UInt8]) -> Bool {
    var (position, next) = (0, 0)
    // The position of the last `*`, and that in the name after the bytes that it matches so far.
    var star: (next: Int, position: Int)?
    while position < name.count {
      if next < bytes.count, bytes[next] == UInt8(ascii: "*") {
        star = (next, position)
        next += 1
      } else if next < bytes.count, bytes[next] == UInt8(ascii: "?") || bytes[next] == name[position] {
        position += 1
        next += 1
      } else if let last = star {
        star = (last.next, last.position + 1)
        (position, next) = (last.position + 1, last.next + 1)
      } else {
        return false
      }
    }
    return bytes[next...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
