import CZlib

/// Why there is nothing to read or to write.
public enum GzipError: Error, Equatable, Sendable, CustomStringConvertible {
  case memory
  /// The bytes are no gzip file, or not what was compressed.
  case malformed

  public var description: String {
    switch self {
    case .memory: "there is no memory to decompress"
    case .malformed: "the file is no gzip file, or was damaged"
    }
  }
}

/// Decompresses a gzip file that comes in pieces; several such files one after the other are one. RFC 1952
///
/// Owns a stream of zlib, and frees it when it goes. A few bytes can become a thousand times as many: ``next(limit:)``
/// never returns more than it is asked for.
public final class GzipReader {
  /// On the heap: zlib keeps a pointer to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var position = 0
  /// Between two files, or at the end.
  private var isBetween = true

  /// - Throws: when there is no memory.
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

  /// Takes what comes next of the file. What came before must have been read: ``next(limit:)`` returned nothing.
  public func add(_ bytes: ArraySlice<UInt8>) {
    input.removeSubrange(..<position)
    position = 0
    input += bytes
  }

  /// True when the file can end here.
  public var isWhole: Bool { isBetween && position == input.count }

  /// At most `limit` bytes of what was compressed; nothing: more of the file is needed, or it is at its end.
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
    // What zlib still holds back when it got all of the input.
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
        // zlib writes nothing there; its type does not say so.
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
