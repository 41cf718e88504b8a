import Foundation
import Testing

@testable import System

@Suite struct HardeningTests {
  /// What a thread under the filter could do; seccomp(2) applies to the thread alone, and it ends.
  private func underFilter(_ attempt: @escaping @Sendable () -> Bool) -> Bool? {
    final class Answer: @unchecked Sendable { var value: Bool? }
    let answer = Answer()
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      defer { done.signal() }
      guard (try? Hardening.gainNoPrivileges()) != nil, (try? Hardening.forbidProgramsAndListening()) != nil else {
        return
      }
      answer.value = attempt()
    }
    done.wait()
    return answer.value
  }

  @Test func `a process that sends things away starts no programs, signals nobody and takes no connections`() {
    #expect(underFilter { kill(getpid(), 0) == -1 && errno == EPERM } == true)
    #expect(underFilter { kill(getppid(), 0) == -1 && errno == EPERM } == true)
    let start = { @Sendable in
      var pid: pid_t = 0
      return posix_spawn(&pid, "/bin/true", nil, nil, [nil], [nil]) == EPERM
    }
    #expect(underFilter(start) == true)
    let listens = { @Sendable in
      let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(number) }
      return number >= 0 && listen(number, 1) == -1 && errno == EPERM
    }
    #expect(underFilter(listens) == true)
  }

  @Test func `a process that sends things away can start threads and make connections`() {
    let threads = { @Sendable in
      let done = DispatchSemaphore(value: 0)
      Thread.detachNewThread { done.signal() }
      return done.wait(timeout: .now() + 30) == .success
    }
    #expect(underFilter(threads) == true)
    let connects = { @Sendable in
      let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      defer { close(number) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = 9
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
    }
    #expect(underFilter(connects) == true)
  }
}
