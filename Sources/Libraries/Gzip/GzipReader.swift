import CZlib

/// Why compression or decompression failed.
public enum GzipError: Error, Equatable, Sendable, CustomStringConvertible {
  /// zlib could not allocate memory.
  case memory
  /// The input is not a gzip file, or was damaged.
  case malformed

  public var description: String {
    switch self {
    case .memory: "out of memory while decompressing"
    case .malformed: "the file is not a gzip file or is damaged"
    }
  }
}

/// Decompresses a gzip file that arrives in pieces; concatenated gzip files count as one. RFC 1952
///
/// Owns a zlib stream and frees it. A few bytes can decompress to a thousand times as many, so ``next(limit:)`` limits
/// what it returns.
public final class GzipReader {
  /// On the heap, because zlib keeps a pointer to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var position = 0
  /// True between two gzip files and at the end.
  private var isBetween = true

  /// - Throws: `.memory` when zlib cannot allocate its state.
  public init() throws(GzipError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_start_decompressing(stream) == Z_OK else {
      stream.deallocate()
      throw .memory
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Adds the next bytes of the file. All earlier bytes must have been read: ``next(limit:)`` returned an empty array.
  public func add(_ bytes: ArraySlice<UInt8>) {
    input.removeSubrange(..<position)
    position = 0
    input += bytes
  }

  /// True when all input was read and the file may end here.
  public var isWhole: Bool { isBetween && position == input.count }

  /// Decompresses at most `limit` bytes, 1 to `Int32.max`. An empty array means that more input is needed, or that the
  /// file ended.
  ///
  /// - Throws: `.malformed` when the input is not gzip or was damaged, `.memory` when zlib cannot allocate memory.
  public func next(limit: Int = 64 << 10) throws(GzipError) -> [UInt8] {
    precondition(limit > 0 && limit <= Int(Int32.max))
    while position < input.count {
      if isBetween {
        guard inflateReset(stream) == Z_OK else { throw .malformed }
        isBetween = false
      }
      let (bytes, status) = run(limit)
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: isBetween = true
      case Z_MEM_ERROR: throw .memory
      default: throw .malformed
      }
      if !bytes.isEmpty { return bytes }
    }
    // zlib may hold back output after it has consumed all input.
    if isBetween { return [] }
    let (bytes, status) = run(limit)
    switch status {
    case Z_OK, Z_BUF_ERROR: return bytes
    case Z_STREAM_END:
      isBetween = true
      return bytes
    case Z_MEM_ERROR: throw .memory
    default: throw .malformed
    }
  }

  private func run(_ limit: Int) -> ([UInt8], Int32) {
    var status: Int32 = Z_OK
    var rest = 0
    let output = input[position...].withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: limit) { output, filled in
        // zlib only reads its input, although the type says otherwise.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(limit)
        let given = stream.pointee.avail_in
        status = inflate(stream, Z_NO_FLUSH)
        filled = limit - Int(stream.pointee.avail_out)
        rest = Int(given - stream.pointee.avail_in)
      }
    }
    position += rest
    return (output, status)
  }
}
