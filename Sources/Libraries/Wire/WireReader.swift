/// Why a message cannot be decoded.
public enum WireError: Error, Equatable, Sendable {
  /// The message ends within a value.
  case truncated
  /// Bytes follow the last value.
  case trailingBytes
  /// A length or a count exceeds its limit.
  case tooLong
  /// The bytes are invalid for their type: text that is not UTF-8, a negative mpint, an unknown kind of message.
  case malformed
}

/// Decodes the data types of RFC 4251, section 5, from the beginning to the end of a message.
///
/// Each length is compared with the number of remaining bytes before it is used, so that no sum of lengths can
/// overflow.
public struct WireReader: Sendable {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  /// Reads `bytes`, which are not copied.
  public init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// Reads `bytes`, which are not copied.
  public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  /// The number of bytes that have not been read.
  public var count: Int { bytes.endIndex - position }

  /// True if everything has been read.
  public var isAtEnd: Bool { position == bytes.endIndex }

  /// The bytes that have not been read.
  public var rest: ArraySlice<UInt8> { bytes[position...] }

  /// Checks that everything has been read.
  ///
  /// - Throws: `WireError.trailingBytes` when bytes are left.
  public func end() throws(WireError) {
    if !isAtEnd { throw .trailingBytes }
  }

  /// The next `count` bytes, unchanged.
  ///
  /// - Throws: `WireError.truncated` when there are fewer, or `count` is negative.
  public mutating func raw(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= self.count else { throw .truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// `byte`.
  ///
  /// - Throws: `WireError.truncated` when no byte is left.
  public mutating func byte() throws(WireError) -> UInt8 {
    guard position < bytes.endIndex else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  /// `boolean`: 0 is false, every other value is true, as RFC 4251 requires.
  ///
  /// - Throws: `WireError.truncated` when no byte is left.
  public mutating func boolean() throws(WireError) -> Bool { try byte() != 0 }

  /// `uint32`, most significant byte first.
  ///
  /// - Throws: `WireError.truncated` when fewer than 4 bytes are left.
  public mutating func uint32() throws(WireError) -> UInt32 {
    try raw(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// `uint64`, most significant byte first.
  ///
  /// - Throws: `WireError.truncated` when fewer than 8 bytes are left.
  public mutating func uint64() throws(WireError) -> UInt64 {
    try raw(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// `string` of at most `limit` bytes. The reader does not advance if this fails.
  ///
  /// - Throws: `WireError.tooLong` when it has more bytes, `truncated` when the message ends before.
  public mutating func string(limit: Int = .max) throws(WireError) -> ArraySlice<UInt8> {
    let start = position
    let length = Int(try uint32())
    guard length <= limit else {
      position = start
      throw .tooLong
    }
    guard length <= count else {
      position = start
      throw .truncated
    }
    return try raw(length)
  }

  /// `string` of at most `limit` bytes of UTF-8 without NUL.
  ///
  /// - Throws: `WireError.malformed` when it is not such text, and as ``string(limit:)``.
  public mutating func text(limit: Int = .max) throws(WireError) -> String {
    let raw = try string(limit: limit)
    guard !raw.contains(0), let text = String(validating: raw, as: UTF8.self) else { throw .malformed }
    return text
  }

  /// `name-list` of at most `limit` bytes: names separated by commas; an empty string is an empty list.
  ///
  /// - Throws: `WireError`, as ``text(limit:)``.
  public mutating func nameList(limit: Int = .max) throws(WireError) -> [String] {
    let all = try text(limit: limit)
    // By bytes, because a comma followed by a combining mark is a single `Character`.
    let names = all.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    return all.isEmpty ? [] : names.map { String(Substring($0)) }
  }

  /// `mpint` of at most `limit` bytes that is not negative: its magnitude, without leading zeros.
  ///
  /// - Throws: `WireError.malformed` when it is negative or has unnecessary leading zeros, and as ``string(limit:)``.
  public mutating func unsignedMPInt(limit: Int = 4096) throws(WireError) -> ArraySlice<UInt8> {
    let raw = try string(limit: limit)
    guard let first = raw.first else { return raw }
    if first & 0x80 != 0 { throw .malformed }
    guard first == 0 else { return raw }
    let magnitude = raw.dropFirst()
    guard let second = magnitude.first, second & 0x80 != 0 else { throw .malformed }
    return magnitude
  }

  /// `uint32`: the number of values that follow, each of at least `minimumSize` bytes.
  ///
  /// A count that exceeds the remaining bytes is refused before memory is allocated for the values.
  ///
  /// - Throws: `WireError.tooLong` when so many values do not fit into the remaining bytes, `truncated` when fewer than 4
  ///   bytes are left.
  public mutating func count(minimumSize: Int) throws(WireError) -> Int {
    let n = Int(try uint32())
    guard n <= count / max(minimumSize, 1) else { throw .tooLong }
    return n
  }
}
