import CLinux
import Glibc

/// Reads and writes with buffers that the caller reuses: nothing is allocated, nothing is copied twice.
extension Descriptor {
  /// Reads at most `count` bytes at `offset` of the file into `bytes`, from index `position` on. pread(2)
  ///
  /// `position` and `count` must lie within `bytes`.
  ///
  /// - Returns: the number of bytes read; 0 at the end of the file.
  /// - Throws: `SystemError` with EINVAL for an offset above `Int64.max`; otherwise with the errno of pread(2).
  public func read(
    into bytes: inout [UInt8], at position: Int, count: Int, offset: UInt64
  ) throws(SystemError) -> Int {
    guard let offset = off_t(exactly: offset) else { throw SystemError("read", code: EINVAL) }
    precondition(position >= 0 && count >= 0 && count <= bytes.count - position)
    let number = rawValue
    return try bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(SystemError) in
        try check("read") { pread(number, buffer.baseAddress.map { $0 + position }, count, offset) }
      }
    }.get()
  }

  /// Reads at most `count` bytes into `bytes`, from index `position` on; waits even if the descriptor is non-blocking.
  /// read(2)
  ///
  /// `position` and `count` must lie within `bytes`.
  ///
  /// - Returns: the number of bytes read; 0 at the end.
  /// - Throws: `SystemError` with the errno of read(2).
  public func read(into bytes: inout [UInt8], at position: Int, count: Int) throws(SystemError) -> Int {
    precondition(position >= 0 && count >= 0 && count <= bytes.count - position)
    let number = rawValue
    while true {
      let n = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(number, buffer.baseAddress.map { $0 + position }, count)
      }
      if n >= 0 { return n }
      switch errno {
      case EINTR: continue
      case EAGAIN: wait(for: POLLIN)
      default: throw .last("read")
      }
    }
  }

  /// Writes all of `bytes` at `offset`; nil writes at the current offset, or at the end with O_APPEND. pwrite(2),
  /// write(2)
  ///
  /// - Throws: `SystemError` with EFBIG when the file would become larger than `Int64.max`; otherwise with the errno of
  ///   pwrite(2) or write(2), EAGAIN included. A part may be written then.
  public func write(_ bytes: ArraySlice<UInt8>, offset: UInt64?) throws(SystemError) {
    var place: off_t = 0
    if let offset {
      guard let exact = off_t(exactly: offset), exact <= off_t.max - off_t(bytes.count) else {
        throw SystemError("write", code: EFBIG)
      }
      place = exact
    }
    let number = rawValue
    try bytes.withUnsafeBytes { buffer in
      Result { () throws(SystemError) in
        guard let start = buffer.baseAddress else { return }
        var done = 0
        while done < buffer.count {
          let n = try check("write") {
            offset == nil
              ? Glibc.write(number, start + done, buffer.count - done)
              : pwrite(number, start + done, buffer.count - done, place + off_t(done))
          }
          if n == 0 { throw SystemError("write", code: EIO) }
          done += n
        }
      }
    }.get()
  }

  /// Waits for the file system to report errors of earlier writes, which a network file system may do at close(2) only.
  /// Closes a second descriptor to get them; this one stays open.
  ///
  /// - Throws: `SystemError` with the errno of close(2), except EINTR, or of fcntl(2).
  public func finishWrites() throws(SystemError) {
    let number = try duplicateNumber()
    // The descriptor is closed even when close(2) was interrupted.
    if close(number) != 0, errno != EINTR { throw .last("close") }
  }

  /// Copies at most `count` bytes to another file within the kernel. copy_file_range(2)
  ///
  /// - Returns: the number of bytes copied; 0 at the end of this file.
  /// - Throws: `SystemError` with EINVAL for an offset above `Int64.max`; otherwise with the errno of
  ///   copy_file_range(2): EXDEV, for instance.
  public func copyRange(
    from offset: UInt64, count: Int, to target: Descriptor, at targetOffset: UInt64
  ) throws(SystemError) -> Int {
    guard let source = Int64(exactly: offset), let place = Int64(exactly: targetOffset) else {
      throw SystemError("copy", code: EINVAL)
    }
    let (from, to) = (rawValue, target.rawValue)
    return try check("copy") { clinux_copy_range(from, source, to, place, count) }
  }
}

extension [UInt8] {
  /// Moves `count` bytes from index `source` to index `target`; the ranges may overlap, and must lie within the array.
  /// memmove(3)
  public mutating func move(_ count: Int, from source: Int, to target: Int) {
    precondition(count >= 0 && source >= 0 && target >= 0)
    precondition(count <= self.count - source && count <= self.count - target)
    withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      memmove(start + target, start + source, count)
    }
  }

  /// Overwrites the bytes from index `position` on; they must fit into the array. memcpy(3)
  public mutating func put(_ bytes: [UInt8], at position: Int) {
    precondition(position >= 0 && bytes.count <= count - position)
    withUnsafeMutableBytes { buffer in
      bytes.withUnsafeBytes { source in
        guard let target = buffer.baseAddress, let start = source.baseAddress else { return }
        memcpy(target + position, start, source.count)
      }
    }
  }
}

/// Unpredictable random numbers. getrandom(2)
public enum SecureRandom {
  /// Returns `count` random numbers, 1 to 32.
  ///
  /// - Throws: `SystemError` with the errno of getrandom(2).
  public static func numbers(_ count: Int) throws(SystemError) -> [UInt64] {
    precondition(count > 0 && count <= 32)
    var values = [UInt64](repeating: 0, count: count)
    // Requests of up to 256 bytes are never cut short.
    try check("getrandom") { clinux_random(&values, count * 8) }
    return values
  }
}
