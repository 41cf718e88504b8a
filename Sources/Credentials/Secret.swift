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
