/// Bytes that nobody is to find later: a password, or a message with one in it.
///
/// There is one buffer, and copies of this value refer to it. It is overwritten when the last of them goes, so no path
/// can forget to. ``lend(_:)`` lends them: who keeps them, keeps a secret that is not overwritten.
public final class SecretBytes: @unchecked Sendable {
  /// Changed by `deinit` alone.
  private var buffer: [UInt8]

  /// A copy of `bytes`, whose owner has to overwrite its own.
  public init(_ bytes: some Collection<UInt8>) {
    // `Array(bytes)` would share the buffer of an array.
    buffer = []
    buffer.reserveCapacity(bytes.count)
    buffer.append(contentsOf: bytes)
  }

  /// What `value` is on the wire.
  public init(encoding value: some WireCodable) {
    var writer = WireWriter()
    value.encode(to: &writer)
    buffer = writer.bytes
  }

  deinit { buffer.wipe() }

  /// Lends the bytes to `body`, which must not keep them.
  ///
  /// There is no property for them: an array that outlives this value by a moment shares its buffer, and then a copy
  /// would be overwritten.
  public func lend<Result: ~Copyable, Failure: Error>(
    _ body: ([UInt8]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(buffer)
  }

  public var count: Int { buffer.count }
}

extension SecretBytes: Equatable {
  /// Compares in a time that depends on the lengths alone.
  public static func == (one: SecretBytes, other: SecretBytes) -> Bool {
    guard one.count == other.count else { return false }
    return zip(one.buffer, other.buffer).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

extension SecretBytes: ExpressibleByArrayLiteral {
  public convenience init(arrayLiteral bytes: UInt8...) { self.init(bytes) }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// How many bytes there are, and nothing else: what is printed is no place for a secret.
  public var description: String { "\(count) secret bytes" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension [UInt8] {
  /// Overwrites the bytes with zeros and empties the array, which must be the only one with this buffer: of a shared
  /// one a copy would be overwritten.
  ///
  /// Never inlined, so that no compiler finds out that nobody reads the zeros.
  @inline(never)
  public mutating func wipe() {
    for index in indices { self[index] = 0 }
    removeAll()
  }
}

extension WireWriter {
  /// `string` of a secret.
  public mutating func string(_ value: SecretBytes) { value.lend { string($0) } }
}

extension WireReader {
  /// `string` of at most `limit` bytes, as a secret.
  public mutating func secret(limit: Int = .max) throws(WireError) -> SecretBytes {
    SecretBytes(try string(limit: limit))
  }
}
