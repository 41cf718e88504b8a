import COpenSSL

/// Bytes that are wiped when their owner goes.
public struct Secret: ~Copyable {
  private let storage: UnsafeMutableRawBufferPointer

  /// Takes a copy of `bytes`; the caller's own stays as it is.
  public init(_ bytes: some Collection<UInt8>) {
    storage = .allocate(byteCount: bytes.count, alignment: 1)
    storage.copyBytes(from: bytes)
  }

  /// Takes over `bytes`: the caller's copy is wiped, unless it is shared.
  public init(taking bytes: inout [UInt8]) {
    self.init(bytes)
    Secret.wipe(&bytes)
  }

  /// A copy with a zero byte behind it, for C.
  public var terminated: Secret { Secret(count: count + 1, copying: storage) }

  /// `count` bytes, the first of which are those of `bytes`, and the others zero.
  private init(count: Int, copying bytes: UnsafeMutableRawBufferPointer) {
    storage = .allocate(byteCount: count, alignment: 1)
    storage.initializeMemory(as: UInt8.self, repeating: 0)
    storage.copyMemory(from: UnsafeRawBufferPointer(bytes))
  }

  deinit {
    OPENSSL_cleanse(storage.baseAddress, storage.count)
    storage.deallocate()
  }

  /// How many bytes there are.
  public var count: Int { storage.count }

  /// Lends the bytes.
  public func withBytes<Value: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try body(UnsafeRawBufferPointer(storage))
  }

  /// Overwrites the array's storage with zeros, and empties it. An array shared with others is only emptied.
  public static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    bytes = []
  }
}
