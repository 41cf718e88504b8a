import COpenSSL

/// Bytes that are erased when the value is destroyed.
public struct Secret: ~Copyable {
  private let storage: UnsafeMutableRawBufferPointer

  /// Copies `bytes`; the caller's copy is unchanged.
  public init(_ bytes: some Collection<UInt8>) {
    storage = .allocate(byteCount: bytes.count, alignment: 1)
    storage.copyBytes(from: bytes)
  }

  /// Copies `bytes` and erases the caller's copy, unless its storage is shared.
  public init(taking bytes: inout [UInt8]) {
    self.init(bytes)
    Secret.wipe(&bytes)
  }

  /// A copy followed by a zero byte, for C functions.
  public var terminated: Secret { Secret(count: count + 1, copying: storage) }

  /// `count` bytes: first those of `bytes`, then zeros.
  private init(count: Int, copying bytes: UnsafeMutableRawBufferPointer) {
    storage = .allocate(byteCount: count, alignment: 1)
    storage.initializeMemory(as: UInt8.self, repeating: 0)
    storage.copyMemory(from: UnsafeRawBufferPointer(bytes))
  }

  deinit {
    OPENSSL_cleanse(storage.baseAddress, storage.count)
    storage.deallocate()
  }

  /// The number of bytes.
  public var count: Int { storage.count }

  /// Calls `body` with the bytes, which are valid only during the call.
  ///
  /// - Throws: what `body` throws.
  public func withBytes<Value: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try body(UnsafeRawBufferPointer(storage))
  }

  /// Overwrites the array's storage with zeros and empties it. If the storage is shared, a copy is overwritten and the
  /// other owners keep the bytes.
  public static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    bytes = []
  }
}
