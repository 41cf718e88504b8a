import CLinux
import Glibc

/// Moving bytes between files and memory that is kept: nothing is allocated, and nothing is copied twice.
extension Descriptor {
  /// Reads into `bytes`, from `position` on, at most `count` bytes that stand at `offset` in the file. pread(2)
  ///
  /// - Returns: how many bytes came; 0 at the end of the file.
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

  /// Reads what comes next, and waits for it, also when the descriptor does not. read(2)
  ///
  /// - Returns: how many bytes came; 0 at the end.
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

  /// Writes `bytes` at `offset`, or at the end when nil; all of them, or fails. pwrite(2), write(2)
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

  /// Throws what the file system kept back of earlier writes, as those do that send them elsewhere: the error of close(2),
  /// here of a second descriptor, which tells it as well.
  public func finishWrites() throws(SystemError) {
    let number = try duplicateNumber()
    // Interrupted or not, it is closed.
    if close(number) != 0, errno != EINTR { throw .last("close") }
  }

  /// Copies inside the kernel at most `count` bytes to another file. copy_file_range(2)
  ///
  /// - Returns: how many bytes were copied; 0 at the end of this file.
  public func copyRange(
    from offset: UInt64, count: Int, to target: Descriptor, at targetOffset: UInt64
  ) throws(SystemError) -> Int {
    guard let source = Int64(exactly: offset), let place = Int64(exactly: targetOffset) else {
      throw SystemError("copy", code: EINVAL)
    }
    let (from, to) = (rawValue, target.rawValue)
    return try check("copy") { clinux_copy_range(from, source, to, place, count) }
  }

  /// Tells the kernel that this file is going to be read from front to back. posix_fadvise(2)
  public func expectSequentialReads() { _ = posix_fadvise(rawValue, 0, 0, POSIX_FADV_SEQUENTIAL) }
}

extension [UInt8] {
  /// Moves `count` bytes from `source` to `target`, which may overlap. memmove(3)
  public mutating func move(_ count: Int, from source: Int, to target: Int) {
    precondition(count >= 0 && source >= 0 && target >= 0)
    precondition(count <= self.count - source && count <= self.count - target)
    withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      memmove(start + target, start + source, count)
    }
  }

  /// Puts `bytes` over what stands from `position` on. memcpy(3)
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

/// Numbers that nobody can guess. getrandom(2)
public enum SecureRandom {
  /// This many times 64 random bits, at most 32.
  public static func numbers(_ count: Int) throws(SystemError) -> [UInt64] {
    precondition(count > 0 && count <= 32)
    var values = [UInt64](repeating: 0, count: count)
    // As few bytes as these come whole or not at all.
    try check("getrandom") { clinux_random(&values, count * 8) }
    return values
  }
}
