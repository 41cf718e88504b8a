/// The compression function of a Merkle–Damgård hash, with its state.
public protocol BlockFunction: Sendable {
  /// Bytes of a block: 64 or 128.
  static var blockSize: Int { get }
  /// Bytes of the message length at the end of the last block: 8 or 16.
  static var lengthSize: Int { get }
  /// Whether that length is stored with its least significant byte first.
  static var isLittleEndian: Bool { get }
  /// The initial state.
  init()
  /// Hashes the block of ``blockSize`` bytes at index `start` of `bytes`.
  mutating func add(_ bytes: ArraySlice<UInt8>, at start: Int)
  /// The state as bytes: the hash once the padded last block was added.
  var result: [UInt8] { get }
}

/// A hash of bytes that arrive in pieces of any size: adds Merkle–Damgård padding to a block function.
public struct BlockDigest<Function: BlockFunction>: Sendable {
  private var function = Function()
  private var rest: [UInt8] = []
  private var count: UInt64 = 0

  public init() {}

  /// Hashes the next bytes of the message.
  public mutating func add(_ bytes: ArraySlice<UInt8>) {
    count &+= UInt64(bytes.count)
    var bytes = bytes
    if !rest.isEmpty {
      let part = bytes.prefix(Function.blockSize - rest.count)
      rest += part
      bytes = bytes.dropFirst(part.count)
      guard rest.count == Function.blockSize else { return }
      function.add(rest[...], at: 0)
      rest.removeAll(keepingCapacity: true)
    }
    var start = bytes.startIndex
    while bytes.endIndex - start >= Function.blockSize {
      function.add(bytes, at: start)
      start += Function.blockSize
    }
    rest += bytes[start...]
  }

  /// The hash of all bytes added so far; more can be added afterwards.
  public func finished() -> [UInt8] {
    var copy = self
    let bits = count &* 8
    var padding: [UInt8] = [0x80]
    while (rest.count + padding.count + Function.lengthSize) % Function.blockSize != 0 { padding.append(0) }
    // The length is below 2^64 bits, so that the upper half of a 16-byte length is zero.
    padding += [UInt8](repeating: 0, count: Function.lengthSize - 8)
    padding += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * (Function.isLittleEndian ? $0 : 7 - $0))) }
    copy.add(padding[...])
    return copy.function.result
  }
}
