import CLinux
import Glibc

/// A child process that looks up the addresses of a host name, because getaddrinfo(3) blocks. It ends with this process.
public final class NameResolver: Sendable {
  /// Limit of addresses of a name; further ones are not used.
  public static let addressLimit = 16

  /// The process. It has ended when its descriptor is readable.
  public let process: ChildProcess
  private let result: Descriptor

  /// Starts a child, which has the identity of this process and none of its descriptors. fork(2)
  ///
  /// - Throws: `SystemError` with EAGAIN when the limit of processes is reached; otherwise with the errno of pipe2(2),
  ///   fork(2) or pidfd_open(2).
  public init(host: [UInt8]) throws(SystemError) {
    let (reader, writer) = try Descriptor.pipe()
    try reader.setNonBlocking()
    let parent = getpid()
    let pid = try check("fork") { clinux_fork() }
    if pid == 0 { Self.resolve(host, parent: parent, writer.rawValue) }
    do throws(SystemError) { process = try ChildProcess(adopting: pid) } catch {
      kill(pid, SIGKILL)
      while waitpid(pid, nil, 0) < 0, errno == EINTR {}
      throw error
    }
    result = reader
  }

  /// Ends the child; its descriptor then becomes readable.
  public func cancel() { process.signal(SIGKILL) }

  /// Ends the child and reaps it, which takes a moment.
  public func abandon() {
    cancel()
    process.descriptor.wait(for: POLLIN)
    _ = process.reap()
  }

  /// The addresses that the ended child has found, 4 or 16 bytes each in network byte order, and reaps it.
  public func finish() -> [[UInt8]] {
    let status = process.reap()
    guard status == .code(0), let (bytes, _) = try? result.read(count: 17 * Self.addressLimit) else { return [] }
    var addresses: [[UInt8]] = []
    var rest = bytes[...]
    while let length = rest.first.map(Int.init), length == 4 || length == 16, rest.count > length {
      addresses.append(Array(rest.dropFirst().prefix(length)))
      rest = rest.dropFirst(1 + length)
    }
    return addresses
  }

  /// The child: writes the addresses and exits.
  private static func resolve(_ host: [UInt8], parent: pid_t, _ writer: Int32) -> Never {
    _ = clinux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    // The parent may have ended before.
    if getppid() != parent { _exit(1) }
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
    let null = clinux_open("/dev/null", O_RDWR, 0)
    for number in 0...2 { dup2(null, Int32(number)) }
    // The pipe may be one of these.
    let result = clinux_fcntl(writer, F_DUPFD, 3)
    if result > 3 { _ = clinux_close_range(3, UInt32(result - 1)) }
    _ = clinux_close_range(UInt32(result + 1), .max)
    ThisProcess.setTitle("bssh-session: resolver")
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let name = host.map { CChar(bitPattern: $0) } + [0]
    guard getaddrinfo(name, nil, &hints, &list) == 0 else { _exit(2) }
    var bytes: [UInt8] = []
    var count = 0
    var next = list
    while let entry = next, count < addressLimit {
      next = entry.pointee.ai_next
      guard let found = address(entry.pointee) else { continue }
      bytes += [UInt8(found.count)] + found
      count += 1
    }
    _ = write(result, bytes, bytes.count)
    _exit(0)
  }

  /// The bytes of an address; nil for one with a zone, and for other families.
  private static func address(_ entry: addrinfo) -> [UInt8]? {
    guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
    switch entry.ai_family {
    case AF_INET:
      let address = raw.loadUnaligned(as: sockaddr_in.self)
      return withUnsafeBytes(of: address.sin_addr) { Array($0) }
    case AF_INET6:
      let address = raw.loadUnaligned(as: sockaddr_in6.self)
      return address.sin6_scope_id == 0 ? withUnsafeBytes(of: address.sin6_addr) { Array($0) } : nil
    default: return nil
    }
  }
}
