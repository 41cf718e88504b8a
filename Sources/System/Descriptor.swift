import CLinux
import Glibc

/// What became of a read or a write that must not wait.
public enum Transfer: Equatable, Sendable {
  /// This many bytes, more than none.
  case bytes(Int)
  /// Not now: wait until the descriptor is ready.
  case wouldBlock
  /// Never: the other end is closed.
  case ended
}

/// Owns a file descriptor and closes it when the last reference to it goes.
///
/// A class and not a noncopyable struct, so that tables, arrays and messages can hold descriptors.
public final class Descriptor: Sendable {
  /// The number, valid while this value lives.
  public let rawValue: Int32

  /// Takes ownership of `rawValue`.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit { _ = close(rawValue) }

  /// A second descriptor of the same file, close-on-exec.
  public func duplicate() throws(SystemError) -> Descriptor { Descriptor(owning: try duplicateNumber()) }

  /// The number of a second descriptor of the same file, close-on-exec; the caller closes it. For C libraries.
  public func duplicateNumber() throws(SystemError) -> Int32 {
    let raw = rawValue
    return try check("dup") { clinux_fcntl(raw, F_DUPFD_CLOEXEC, 0) }
  }

  /// Opens a file, close-on-exec. open(2)
  public static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("open \(path)") { clinux_open(path, flags | O_CLOEXEC, mode) })
  }

  /// Reads without an offset of its own, from `offset` on, at most `count` bytes; fewer at the end. pread(2)
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

  /// Reads what is there, at most `count` bytes. read(2)
  public func read(count: Int) throws(SystemError) -> (bytes: [UInt8], outcome: Transfer) {
    var outcome = Transfer.ended
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      (outcome, failure) = Descriptor.outcome(reading: true) { Glibc.read(rawValue, buffer.baseAddress, count) }
      if case .bytes(let n) = outcome { filled = n } else { filled = 0 }
    }
    if let failure { throw failure }
    return (bytes, outcome)
  }

  /// Reads into memory of the caller's. read(2)
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
    let (outcome, failure) = Descriptor.outcome(reading: true) {
      Glibc.read(rawValue, buffer.baseAddress, buffer.count)
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes what the file takes now. A pipe without a reader is `.ended`. write(2)
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
    let (outcome, failure) = Descriptor.outcome(reading: false) {
      Glibc.write(rawValue, bytes.baseAddress, bytes.count)
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes what the file takes now. write(2)
  public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Transfer {
    var outcome = Transfer.ended
    var failure: SystemError?
    bytes.withUnsafeBytes { buffer in
      do throws(SystemError) { outcome = try write(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return outcome
  }

  /// Writes what a socket takes now, also when it is one that waits. send(2), MSG_DONTWAIT
  public func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Transfer {
    let (outcome, failure) = bytes.withUnsafeBytes { buffer in
      Descriptor.outcome(reading: false) {
        Glibc.send(rawValue, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      }
    }
    if let failure { throw failure }
    return outcome
  }

  /// What a stream socket would read now, at most `count` bytes, which stay to be read. recv(2), MSG_PEEK
  public func peek(count: Int) throws(SystemError) -> (bytes: [UInt8], outcome: Transfer) {
    var outcome = Transfer.ended
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

  /// True for a socket.
  public var isSocket: Bool {
    var raw = stat()
    return fstat(rawValue, &raw) == 0 && raw.st_mode & S_IFMT == S_IFSOCK
  }

  /// Writes everything, waiting as long as that takes.
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

  /// Reads to the end, at most `limit` bytes; nil when there is more. Waits as long as that takes.
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

  /// True when the descriptor is ready for `events` (`POLLIN`, `POLLOUT`) within `milliseconds`; -1 waits for ever.
  @discardableResult
  public func wait(for events: Int32, milliseconds: Int32 = -1) -> Bool {
    var waiting = pollfd(fd: rawValue, events: Int16(events), revents: 0)
    return poll(&waiting, 1, milliseconds) > 0
  }

  /// True when it is readable now; of a process, when that has ended.
  public var isReadable: Bool { wait(for: POLLIN, milliseconds: 0) }

  /// True when nobody is at the other end of a pipe or socket any more. poll(2), POLLHUP and POLLERR
  public var isHungUp: Bool { wait(for: 0, milliseconds: 0) }

  /// Makes reads and writes return at once, or wait again.
  public func setNonBlocking(_ nonBlocking: Bool = true) throws(SystemError) {
    let raw = rawValue
    let flags = try check("fcntl") { clinux_fcntl(raw, F_GETFL, 0) }
    let wanted = nonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
    if wanted != flags { try check("fcntl") { clinux_fcntl(raw, F_SETFL, Int(wanted)) } }
  }

  /// A pipe, both ends close-on-exec. pipe2(2)
  public static func pipe() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    var ends: [Int32] = [-1, -1]
    try check("pipe") { clinux_pipe(&ends) }
    return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
  }

  /// Two connected stream sockets, close-on-exec, with as much room as a process may have. socketpair(2)
  ///
  /// One that is full can be written again when three quarters are free, where a pipe's writer is woken for each page.
  public static func streamPair() throws(SystemError) -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    try check("socketpair") {
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    let pair = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    // The kernel cuts it to what anybody may have; net.core.wmem_max in socket(7).
    for end in ends {
      var size: Int32 = 1 << 20
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    return pair
  }

  /// An empty file in memory. memfd_create(2)
  public static func memory(name: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("memfd_create") { clinux_memory_file(name) })
  }

  /// A file in memory with these bytes, which nobody can change any more. memfd_create(2), F_ADD_SEALS
  public static func sealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> Descriptor {
    let file = try memory(name: name)
    try file.writeAll(bytes)
    let raw = file.rawValue
    try check("seal") { clinux_seal(raw) }
    return file
  }

  /// A file in memory of exactly this many zero bytes, which nobody can make larger or smaller. What is not written takes
  /// no memory. memfd_create(2), F_ADD_SEALS
  public static func memory(name: String, size: Int) throws(SystemError) -> Descriptor {
    let file = try memory(name: name)
    let raw = file.rawValue
    try check("ftruncate") { ftruncate(raw, off_t(size)) }
    try check("seal") { clinux_seal_size(raw) }
    return file
  }

  /// Takes away everybody's right to change this file in memory; throws when somebody has it mapped to write to it, or has
  /// sealed it otherwise. F_ADD_SEALS
  public func seal() throws(SystemError) {
    let raw = rawValue
    try check("seal") { clinux_seal(raw) }
  }

  /// True for a file in memory that nobody can change any more, so that reading it cannot block or change underway.
  public var isSealedMemory: Bool { clinux_is_sealed(rawValue) != 0 }

  private static func outcome(reading: Bool, _ body: () -> Int) -> (Transfer, SystemError?) {
    while true {
      let n = body()
      if n > 0 { return (.bytes(n), nil) }
      if n == 0 { return (reading ? .ended : .wouldBlock, nil) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return (.wouldBlock, nil)
      // A terminal whose other side is closed reads EIO, not an end of file.
      case EIO where reading: return (.ended, nil)
      case EPIPE, ECONNRESET: return (.ended, nil)
      default: return (.ended, .last(reading ? "read" : "write"))
      }
    }
  }
}

extension Descriptor {
  /// A second descriptor of standard error, close-on-exec.
  public static func standardError() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("dup") { clinux_fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) })
  }

  /// Standard output, as a descriptor of its own.
  public static func standardOutput() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("dup") { clinux_fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) })
  }
}
