/// A hash function that works on blocks of 64 or 128 bytes.
public protocol BlockFunction: Sendable {
  static var blockSize: Int { get }
  /// Bytes of the length at the end of the last block.
  static var lengthSize: Int { get }
  /// Whether that length stands with its least significant byte first.
  static var isLittleEndian: Bool { get }
  init()
  /// Takes in a block that begins at `start`.
  mutating func add(_ bytes: ArraySlice<UInt8>, at start: Int)
  var result: [UInt8] { get }
}

/// A hash of bytes that come in pieces of any size: Merkle–Damgård padding around a block function.
public struct BlockDigest<Function: BlockFunction>: Sendable {
  private var function = Function()
  private var rest: [UInt8] = []
  private var count: UInt64 = 0

  public init() {}

  /// Takes in what comes next.
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

  /// The hash of everything that was added.
  public func finished() -> [UInt8] {
    var copy = self
    let bits = count &* 8
    var padding: [UInt8] = [0x80]
    while (rest.count + padding.count + Function.lengthSize) % Function.blockSize != 0 { padding.append(0) }
    // No file has 2^64 bits or more.
    padding += [UInt8](repeating: 0, count: Function.lengthSize - 8)
    padding += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * (Function.isLittleEndian ? $0 : 7 - $0))) }
    copy.add(padding[...])
    return copy.function.result
  }
}
