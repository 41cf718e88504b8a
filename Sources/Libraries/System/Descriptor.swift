import CLinux
import Glibc

/// The result of a read or write that does not block.
public enum IOOutcome: Equatable, Sendable {
  /// This many bytes were transferred, at least one.
  case bytes(Int)
  /// Nothing can be transferred now; wait until the descriptor is ready.
  case wouldBlock
  /// The other end is closed.
  case ended
}

/// Owns a file descriptor, and closes it when the last reference goes.
///
/// A class rather than a noncopyable struct, so that tables, arrays and messages can hold descriptors.
public final class Descriptor: Sendable {
  /// The descriptor's number, valid while this object lives.
  public let rawValue: Int32

  /// Takes ownership of `rawValue`, and closes it in the end.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit { _ = close(rawValue) }

  /// A second descriptor of the same open file, close-on-exec. fcntl(2), F_DUPFD_CLOEXEC
  ///
  /// - Throws: `SystemError` with EMFILE when no descriptor is free.
  public func duplicate() throws(SystemError) -> Descriptor { Descriptor(owning: try duplicateNumber()) }

  /// The number of a second descriptor of the same open file, close-on-exec, for a C library. The caller closes it.
  /// fcntl(2), F_DUPFD_CLOEXEC
  ///
  /// - Throws: `SystemError` with EMFILE when no descriptor is free.
  public func duplicateNumber() throws(SystemError) -> Int32 {
    let raw = rawValue
    return try check("dup") { clinux_fcntl(raw, F_DUPFD_CLOEXEC, 0) }
  }

  /// Opens a file, close-on-exec. open(2)
  ///
  /// - Throws: `SystemError` with the errno of open(2).
  public static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("open \(path)") { clinux_open(path, flags | O_CLOEXEC, mode) })
  }

  /// Reads at most `count` bytes from `offset` on, fewer at the end, without moving the file offset. pread(2)
  ///
  /// - Throws: `SystemError` with the errno of pread(2), EINTR included.
  public func read(count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
    var result: [UInt8] = []
    while result.count < count {
      let wanted = min(count - result.count, 1 << 20)
      var failure: SystemError?
      let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
        let n = pread(rawValue, buffer.baseAddress, wanted, offset + result.count)
        if n < 0 { failure = .last("read") }
        filled = max(n, 0)
      }
      if let failure { throw failure }
      if part.isEmpty { break }
      result += part
    }
    return result
  }

  /// Reads the bytes that are available, at most `count`. Blocks unless the descriptor is non-blocking. read(2)
  ///
  /// End of file, EPIPE, ECONNRESET and the EIO of a terminal without a master are `.ended`.
  ///
  /// - Throws: `SystemError` with any other errno of read(2).
  public func read(count: Int) throws(SystemError) -> (bytes: [UInt8], outcome: IOOutcome) {
    var outcome = IOOutcome.ended
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      (outcome, failure) = Descriptor.outcome(reading: true) { Glibc.read(rawValue, buffer.baseAddress, count) }
      if case .bytes(let n) = outcome { filled = n } else { filled = 0 }
    }
    if let failure { throw failure }
    return (bytes, outcome)
  }

  /// Reads into the caller's memory; otherwise like ``read(count:)``. read(2)
  ///
  /// - Throws: `SystemError` with the errno of read(2) when that is not an outcome.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOOutcome {
    let (outcome, failure) = Descriptor.outcome(reading: true) {
      Glibc.read(rawValue, buffer.baseAddress, buffer.count)
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes as many bytes as the file accepts now. A pipe without a reader is `.ended`. write(2)
  ///
  /// - Throws: `SystemError` with the errno of write(2), except EAGAIN, EPIPE and ECONNRESET.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOOutcome {
    let (outcome, failure) = Descriptor.outcome(reading: false) {
      Glibc.write(rawValue, bytes.baseAddress, bytes.count)
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes as many bytes as the file accepts now. A pipe without a reader is `.ended`. write(2)
  ///
  /// - Throws: `SystemError` with the errno of write(2), except EAGAIN, EPIPE and ECONNRESET.
  public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> IOOutcome {
    var outcome = IOOutcome.ended
    var failure: SystemError?
    bytes.withUnsafeBytes { buffer in
      do throws(SystemError) { outcome = try write(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes as many bytes as a socket accepts now; never blocks, even on a blocking socket. send(2), MSG_DONTWAIT
  ///
  /// - Throws: `SystemError` with the errno of send(2), except EAGAIN, EPIPE and ECONNRESET.
  public func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> IOOutcome {
    let (outcome, failure) = bytes.withUnsafeBytes { buffer in
      Descriptor.outcome(reading: false) {
        Glibc.send(rawValue, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      }
    }
    if let failure { throw failure }
    return outcome
  }

  /// Reads at most `count` bytes of a stream socket without removing them; never blocks. recv(2), MSG_PEEK
  ///
  /// - Throws: `SystemError` with the errno of recv(2), except EAGAIN, EPIPE and ECONNRESET.
  public func peek(count: Int) throws(SystemError) -> (bytes: [UInt8], outcome: IOOutcome) {
    var outcome = IOOutcome.ended
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      (outcome, failure) = Descriptor.outcome(reading: true) {
        Glibc.recv(rawValue, buffer.baseAddress, count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
      }
      if case .bytes(let n) = outcome { filled = n } else { filled = 0 }
    }
    if let failure { throw failure }
    return (bytes, outcome)
  }

  /// True for a socket. fstat(2)
  public var isSocket: Bool {
    var raw = stat()
    return fstat(rawValue, &raw) == 0 && raw.st_mode & S_IFMT == S_IFSOCK
  }

  /// Writes all bytes, and waits as long as necessary. Not all-or-nothing: some may be written before it throws.
  ///
  /// - Throws: `SystemError` with EPIPE when the other end is closed; otherwise with the errno of write(2).
  public func writeAll(_ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch try write(rest) {
      case .bytes(let n): rest = rest.dropFirst(n)
      case .wouldBlock:
        wait(for: POLLOUT)
      case .ended: throw SystemError("write", code: EPIPE)
      }
    }
  }

  /// Reads to the end, and waits as long as necessary; nil when there are more than `limit` bytes.
  ///
  /// - Throws: `SystemError` with the errno of read(2).
  public func readAll(limit: Int) throws(SystemError) -> [UInt8]? {
    var result: [UInt8] = []
    while true {
      let (bytes, outcome) = try read(count: min(limit + 1 - result.count, 64 << 10))
      result += bytes
      if result.count > limit { return nil }
      switch outcome {
      case .bytes: continue
      case .ended: return result
      case .wouldBlock:
        wait(for: POLLIN)
      }
    }
  }

  /// True when the descriptor is ready for `events` (`POLLIN`, `POLLOUT`) within `milliseconds`; -1 waits without
  /// limit. False also when a signal interrupts. poll(2)
  @discardableResult
  public func wait(for events: Int32, milliseconds: Int32 = -1) -> Bool {
    var waiting = pollfd(fd: rawValue, events: Int16(events), revents: 0)
    return poll(&waiting, 1, milliseconds) > 0
  }

  /// True when a read would not block now; for a process's descriptor, when the process has ended.
  public var isReadable: Bool { wait(for: POLLIN, milliseconds: 0) }

  /// True when the other end of a pipe or socket is closed. poll(2), POLLHUP and POLLERR
  public var isHungUp: Bool { wait(for: 0, milliseconds: 0) }

  /// Sets or clears O_NONBLOCK. fcntl(2)
  ///
  /// - Throws: `SystemError` with the errno of fcntl(2).
  public func setNonBlocking(_ nonBlocking: Bool = true) throws(SystemError) {
    let raw = rawValue
    let flags = try check("fcntl") { clinux_fcntl(raw, F_GETFL, 0) }
    let wanted = nonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
    if wanted != flags { try check("fcntl") { clinux_fcntl(raw, F_SETFL, Int(wanted)) } }
  }

  /// Creates a pipe, both ends close-on-exec. pipe2(2)
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free.
  public static func pipe() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    var ends: [Int32] = [-1, -1]
    try check("pipe") { clinux_pipe(&ends) }
    return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
  }

  /// Creates two connected Unix stream sockets, close-on-exec, each with a send buffer of up to 1 MiB. socketpair(2)
  ///
  /// A full socket becomes writable again once three quarters of its buffer are free, while the writer of a pipe wakes
  /// for each page.
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free.
  public static func streamPair() throws(SystemError) -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    try check("socketpair") {
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    let pair = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    // The kernel lowers this to net.core.wmem_max. socket(7)
    for end in ends {
      var size: Int32 = 1 << 20
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    return pair
  }

  /// An empty file in memory. memfd_create(2)
  ///
  /// - Parameter name: for /proc and debugging only; several files may have the same.
  /// - Throws: `SystemError` with the errno of memfd_create(2).
  public static func memory(name: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("memfd_create") { clinux_memory_file(name) })
  }

  /// A file in memory that holds `bytes` and that nobody can change. memfd_create(2), fcntl(2), F_ADD_SEALS
  ///
  /// - Throws: `SystemError` with the errno of memfd_create(2), write(2) or fcntl(2).
  public static func sealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> Descriptor {
    let file = try memory(name: name)
    try file.writeAll(bytes)
    let raw = file.rawValue
    try check("seal") { clinux_seal(raw) }
    return file
  }

  /// A file in memory of exactly `size` zero bytes, whose size nobody can change. Pages that are not written use no
  /// memory. memfd_create(2), fcntl(2), F_ADD_SEALS
  ///
  /// - Throws: `SystemError` with the errno of memfd_create(2), ftruncate(2) or fcntl(2).
  public static func memory(name: String, size: Int) throws(SystemError) -> Descriptor {
    let file = try memory(name: name)
    let raw = file.rawValue
    try check("ftruncate") { ftruncate(raw, off_t(size)) }
    try check("seal") { clinux_seal_size(raw) }
    return file
  }

  /// Seals this file in memory, so that nobody can change it any more. fcntl(2), F_ADD_SEALS
  ///
  /// - Throws: `SystemError` with EBUSY while it is mapped writable, EPERM when no seals may be added.
  public func seal() throws(SystemError) {
    let raw = rawValue
    try check("seal") { clinux_seal(raw) }
  }

  /// True for a file in memory that nobody can change, so that reading it neither blocks nor sees a change.
  public var isSealedMemory: Bool { clinux_is_sealed(rawValue) != 0 }

  private static func outcome(reading: Bool, _ body: () -> Int) -> (IOOutcome, SystemError?) {
    while true {
      let n = body()
      if n > 0 { return (.bytes(n), nil) }
      if n == 0 { return (reading ? .ended : .wouldBlock, nil) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return (.wouldBlock, nil)
      // A terminal whose master is closed fails with EIO instead of an end of file.
      case EIO where reading: return (.ended, nil)
      case EPIPE, ECONNRESET: return (.ended, nil)
      default: return (.ended, .last(reading ? "read" : "write"))
      }
    }
  }
}

extension Descriptor {
  /// A second descriptor of standard error, close-on-exec. fcntl(2), F_DUPFD_CLOEXEC
  ///
  /// - Throws: `SystemError` with EBADF when standard error is closed, EMFILE when no descriptor is free.
  public static func standardError() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("dup") { clinux_fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) })
  }

  /// A second descriptor of standard output, close-on-exec. fcntl(2), F_DUPFD_CLOEXEC
  ///
  /// - Throws: `SystemError` with EBADF when standard output is closed, EMFILE when no descriptor is free.
  public static func standardOutput() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("dup") { clinux_fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) })
  }
}
