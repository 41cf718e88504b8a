/// A pattern for a name, which is bytes: `*` stands for any bytes or none, `?` for one byte, and all else for itself.
/// ssh_config(5), PATTERNS
///
/// Names are compared byte by byte, so a name in capitals is another one. Matching takes at most the pattern's length
/// times the name's.
public struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  /// The pattern as it was written.
  public let bytes: [UInt8]

  public init(_ text: String) { bytes = Array(text.utf8) }

  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// True when it stands for one name alone.
  public var isName: Bool { !bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }

  /// True when the pattern stands for all of `name`.
  public func matches(_ name: String) -> Bool { matches(Array(name.utf8)) }

  /// True when the pattern stands for all of `name`.
  public func matches(_ name: [UInt8]) -> Bool {
    var (position, next) = (0, 0)
    // Where the last `*` is, and where in the name that ends which it stands for so far.
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
