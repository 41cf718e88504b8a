import CZlib

/// Compresses bytes that arrive in pieces into one gzip file. RFC 1952
///
/// Owns a zlib stream and frees it.
public final class GzipWriter {
  /// On the heap, because zlib keeps a pointer to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isFinished = false

  /// - Throws: `.memory` when zlib cannot allocate its state.
  public init() throws(GzipError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_start_compressing(stream) == Z_OK else {
      stream.deallocate()
      throw .memory
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Compresses the next bytes, fewer than 4 GiB, and returns the output that is ready; it may be empty.
  public func add(_ bytes: ArraySlice<UInt8>) -> [UInt8] { run(bytes, Z_NO_FLUSH) }

  /// Returns the rest of the file. Must be called once, and nothing may be added afterwards.
  public func finish() -> [UInt8] { run([], Z_FINISH) }

  private func run(_ bytes: ArraySlice<UInt8>, _ flush: Int32) -> [UInt8] {
    precondition(!isFinished && bytes.count < Int(UInt32.max))
    isFinished = flush == Z_FINISH
    var result: [UInt8] = []
    bytes.withUnsafeBufferPointer { input in
      // zlib only reads its input, although the type says otherwise.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      repeat {
        let room = 64 << 10
        result += [UInt8](unsafeUninitializedCapacity: room) { output, filled in
          stream.pointee.next_out = output.baseAddress
          stream.pointee.avail_out = UInt32(room)
          deflate(stream, flush)
          filled = room - Int(stream.pointee.avail_out)
        }
      } while stream.pointee.avail_out == 0
    }
    return result
  }
}
