/// What is wrong with a message.
public enum WireError: Error, Equatable, Sendable {
  /// The message ends before the value does.
  case truncated
  /// Bytes are left where the message must end.
  case trailingBytes
  /// A length is over the limit that its place allows.
  case tooLong
  /// The bytes are not what their type says: a boolean of 7, text that is not UTF-8, a negative mpint.
  case malformed
}

/// Reads the data types of RFC 4251, section 5, from front to back; never past the end.
///
/// A length is compared with what is left before it is used, so no sum of lengths can overflow.
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

  /// How many bytes have not been read.
  public var count: Int { bytes.endIndex - position }

  /// True when everything has been read.
  public var isAtEnd: Bool { position == bytes.endIndex }

  /// What has not been read yet.
  public var rest: ArraySlice<UInt8> { bytes[position...] }

  /// Throws `trailingBytes` unless everything has been read.
  public func end() throws(WireError) {
    if !isAtEnd { throw .trailingBytes }
  }

  /// The next `count` bytes as they are.
  public mutating func raw(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= self.count else { throw .truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// `byte`.
  public mutating func byte() throws(WireError) -> UInt8 {
    guard position < bytes.endIndex else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  /// `boolean`: zero is false, every other value true, as RFC 4251 asks of a reader.
  public mutating func boolean() throws(WireError) -> Bool { try byte() != 0 }

  /// `uint32`, big-endian.
  public mutating func uint32() throws(WireError) -> UInt32 {
    try raw(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// `uint64`, big-endian.
  public mutating func uint64() throws(WireError) -> UInt64 {
    try raw(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// `string` of at most `limit` bytes.
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

  /// `string` that must be UTF-8 and hold no NUL.
  public mutating func text(limit: Int = .max) throws(WireError) -> String {
    let raw = try string(limit: limit)
    guard !raw.contains(0), let text = String(validating: raw, as: UTF8.self) else { throw .malformed }
    return text
  }

  /// `name-list`: names separated by commas; an empty string is an empty list.
  public mutating func nameList(limit: Int = .max) throws(WireError) -> [String] {
    let all = try text(limit: limit)
    // By bytes: as characters, a comma and a combining mark after it would be one that is no comma.
    let names = all.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    return all.isEmpty ? [] : names.map { String(Substring($0)) }
  }

  /// `mpint` that is not negative: its magnitude without leading zeros. Refuses needless leading zero bytes.
  public mutating func unsignedMPInt(limit: Int = 4096) throws(WireError) -> ArraySlice<UInt8> {
    let raw = try string(limit: limit)
    guard let first = raw.first else { return raw }
    if first & 0x80 != 0 { throw .malformed }
    guard first == 0 else { return raw }
    let magnitude = raw.dropFirst()
    guard let second = magnitude.first, second & 0x80 != 0 else { throw .malformed }
    return magnitude
  }

  /// A `uint32` that says how many values follow, none of them smaller than `minimumSize` bytes.
  ///
  /// A count that could not fit into what is left is refused before anything is allocated for it.
  public mutating func count(minimumSize: Int) throws(WireError) -> Int {
    let n = Int(try uint32())
    guard n <= count / max(minimumSize, 1) else { throw .tooLong }
    return n
  }
}
