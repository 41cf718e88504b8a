import CLinux
import Glibc
import System
import Testing

@testable import Transport

/// The filter of system calls, in a child.
@Suite struct SandboxTests {
  /// How a child ends that sends a byte under the filter, with these flags.
  private func end(sendingWith flags: Int32, asMessage: Bool) throws -> System.ExitStatus? {
    let filter = try Sandbox.compiledFilter()
    var sockets: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
    defer { for socket in sockets { close(socket) } }
    let pid = clinux_fork()
    if pid == 0 {
      guard (try? Hardening.gainNoPrivileges()) != nil, (try? Hardening.applySystemCallFilter(filter)) != nil else {
        _exit(1)
      }
      var byte: UInt8 = 0
      if asMessage {
        let sent = withUnsafeMutablePointer(to: &byte) { byte in
          var vector = iovec(iov_base: byte, iov_len: 1)
          return withUnsafeMutablePointer(to: &vector) { vector in
            var message = msghdr()
            message.msg_iov = vector
            message.msg_iovlen = 1
            return sendmsg(sockets[0], &message, flags)
          }
        }
        _exit(sent == 1 ? 0 : 2)
      }
      _exit(sendto(sockets[0], &byte, 1, flags, nil, 0) == 1 ? 0 : 2)
    }
    let child = try ChildProcess(adopting: pid)
    child.descriptor.wait(for: POLLIN, milliseconds: 20_000)
    return child.reap()
  }

  @Test(arguments: [false, true])
  func `a transport sends, but cannot connect a socket by sending`(asMessage: Bool) throws {
    #expect(try end(sendingWith: Int32(MSG_NOSIGNAL), asMessage: asMessage) == .code(0))
    let refused = try end(sendingWith: Sandbox.fastOpen, asMessage: asMessage)
    guard case .signal(SIGSYS, _)? = refused else {
      Issue.record("ended with \(String(describing: refused))")
      return
    }
  }
}
