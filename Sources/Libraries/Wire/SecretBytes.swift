/// Bytes that are overwritten in memory after use: a password, or a message that contains one.
///
/// There is a single buffer, which is overwritten when the last reference to this object is released.
public final class SecretBytes: @unchecked Sendable {
  /// Changed only by `deinit`.
  private var buffer: [UInt8]

  /// Copies `bytes`; the caller has to overwrite the original.
  public init(_ bytes: some Collection<UInt8>) {
    // `Array(bytes)` would share the buffer of an array.
    buffer = []
    buffer.reserveCapacity(bytes.count)
    buffer.append(contentsOf: bytes)
  }

  /// The encoding of `value`.
  public init(encoding value: some WireCodable) {
    var writer = WireWriter()
    value.encode(to: &writer)
    buffer = writer.bytes
  }

  deinit { buffer.wipe() }

  /// Calls `body` with the bytes, which it must not keep: an array that shares the buffer when this object is released
  /// causes a copy to be overwritten instead of the secret. Therefore no property returns the bytes.
  ///
  /// - Throws: what `body` throws.
  public func lend<Result: ~Copyable, Failure: Error>(
    _ body: ([UInt8]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(buffer)
  }

  /// The number of bytes.
  public var count: Int { buffer.count }
}

extension SecretBytes: Equatable {
  /// Compares in a time that depends only on the lengths.
  public static func == (one: SecretBytes, other: SecretBytes) -> Bool {
    guard one.count == other.count else { return false }
    return zip(one.buffer, other.buffer).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

extension SecretBytes: ExpressibleByArrayLiteral {
  public convenience init(arrayLiteral bytes: UInt8...) { self.init(bytes) }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The number of bytes, without their values.
  public var description: String { "\(count) secret bytes" }
  public var debugDescription: String { description }
  /// Without children, so that `dump` does not print the bytes.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension [UInt8] {
  /// Overwrites the bytes with zeros and empties the array. No other array may share its buffer, because then a copy
  /// would be overwritten.
  ///
  /// Never inlined, so that the compiler cannot remove the writes as unused.
  @inline(never)
  public mutating func wipe() {
    for index in indices { self[index] = 0 }
    removeAll()
  }
}

extension WireWriter {
  /// `string` with the bytes of a secret.
  public mutating func string(_ value: SecretBytes) { value.lend { string($0) } }
}

extension WireReader {
  /// `string` of at most `limit` bytes, as a secret.
  ///
  /// - Throws: `WireError.tooLong` when it has more bytes, `truncated` when the message ends before.
  public mutating func secret(limit: Int = .max) throws(WireError) -> SecretBytes {
    SecretBytes(try string(limit: limit))
  }
}
