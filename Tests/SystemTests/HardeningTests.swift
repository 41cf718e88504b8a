import Foundation
import Testing

@testable import System

@Suite struct HardeningTests {
  private final class Answer<Value>: @unchecked Sendable { var value: Value? }

  /// The result of `attempt` in a thread under the filter; seccomp(2) applies to that thread alone, and it ends.
  private func underFilter(_ attempt: @escaping @Sendable () -> Bool) -> Bool? {
    under(Hardening.forbidProgramsAndListening, attempt)
  }

  private func under<Value>(
    _ lock: @escaping @Sendable () throws -> Void, _ attempt: @escaping @Sendable () -> Value
  ) -> Value? {
    let answer = Answer<Value>()
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      defer { done.signal() }
      guard (try? Hardening.gainNoPrivileges()) != nil, (try? lock()) != nil else { return }
      answer.value = attempt()
    }
    done.wait()
    return answer.value
  }

  @Test func `a process without programs and listening starts none, signals nobody and accepts no connections`() {
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

  @Test func `a process without programs and listening can start threads and connect`() {
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

  /// A system call with its number on x86-64 and on arm64, and its arguments.
  private struct Call: Sendable {
    let name: String
    let number: Int
    var first = 0
    var second = 0
    var third = 0

    init(_ name: String, _ intel: Int, _ arm: Int, _ arguments: Int...) {
      self.name = name
      #if arch(x86_64)
        number = intel
      #else
        number = arm
      #endif
      let arguments = arguments + [0, 0, 0]
      (first, second, third) = (arguments[0], arguments[1], arguments[2])
    }

    /// True when the call fails with EPERM.
    func isRefused() -> Bool {
      typealias Function = @convention(c) (Int, Int, Int, Int, Int, Int, Int) -> Int
      guard let symbol = dlsym(nil, "syscall") else { return false }
      let call = unsafeBitCast(symbol, to: Function.self)
      return call(number, first, second, third, 0, 0, 0) == -1 && errno == EPERM
    }
  }

  /// Calls that affect other processes of the same user; with these arguments none does anything.
  private static let reaching: [Call] = {
    let other = Int(getppid())
    return [
      Call("kill", 62, 129, other), Call("tkill", 200, 130, other), Call("tgkill", 234, 131, other, other),
      Call("rt_sigqueueinfo", 129, 138, other), Call("rt_tgsigqueueinfo", 297, 240, other, other),
      Call("pidfd_send_signal", 424, 424, -1), Call("pidfd_getfd", 438, 438, -1, -1),
      Call("setpriority", 141, 140, 9), Call("sched_setaffinity", 203, 122, other),
      Call("sched_setscheduler", 144, 119, other, -1), Call("sched_setparam", 142, 118, other),
      Call("sched_setattr", 314, 274, other), Call("ioprio_set", 251, 30, 9),
      Call("prlimit64", 302, 261, other, 7), Call("prlimit64, high half", 302, 261, 1 << 32 | other, 7),
      Call("prlimit64 of itself by number", 302, 261, Int(getpid()), 7),
      Call("F_SETOWN", 72, 25, -1, 8), Call("F_SETSIG", 72, 25, -1, 10), Call("F_SETOWN_EX", 72, 25, -1, 15),
      Call("F_SETOWN, high half", 72, 25, -1, 1 << 32 | 8),
      Call("FIOSETOWN", 16, 29, -1, 0x8901), Call("SIOCSPGRP", 16, 29, -1, 0x8902),
      Call("FIOSETOWN, high half", 16, 29, -1, 1 << 32 | 0x8901),
    ]
  }()

  private static let locks: [@Sendable () throws -> Void] = [
    { try Hardening.forbidProgramsAndListening() }, { try Hardening.forbidProgramsAndSockets() },
  ]

  @Test func `a confined process can't signal, slow down or limit another one of its user`() {
    let calls = Self.reaching
    let nothing: @Sendable () throws -> Void = {}
    let free = under(nothing) { calls.filter { $0.isRefused() }.map(\.name) }
    #expect(free == [])
    for lock in Self.locks {
      let through = under(lock) { calls.filter { !$0.isRefused() }.map(\.name) }
      #expect(through == [])
    }
  }

  @Test func `a confined process can still limit and end itself`() {
    let own = [
      Call("prlimit64", 302, 261, 0, 7), Call("F_GETFD", 72, 25, 0, 1), Call("FIONREAD", 16, 29, -1, 0x541b),
      Call("getpid", 39, 172),
    ]
    for lock in Self.locks {
      let refused = under(lock) { own.filter { $0.isRefused() }.map(\.name) }
      #expect(refused == [])
      let signalled = under(lock) { pthread_kill(pthread_self(), 0) }
      #expect(signalled == 0)
    }
  }

  @Test func `a process that only adds files can neither open existing ones for writing nor change them`() throws {
    var template = Array("/tmp/bssh-hardening-tests.XXXXXX".utf8CString)
    let folder = String(cString: try #require(mkdtemp(&template)))
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let recordings = "\(folder)/recordings"
    try FileManager.default.createDirectory(atPath: recordings, withIntermediateDirectories: false)
    let old = ["\(folder)/audit.log", "\(recordings)/old.cast"]
    for path in old { try Data("old".utf8).write(to: URL(fileURLWithPath: path)) }
    let held = try Descriptor.open(old[0], O_WRONLY | O_APPEND)
    let directory = try Descriptor.openDirectory(recordings)
    let faults = under(
      { _ = try Hardening.allowOnlyAdditions(to: [directory]) },
      { () -> [String] in
        var faults: [String] = []
        func refuse(_ what: String, _ result: Int32) {
          if result != -1 || (errno != EPERM && errno != EACCES) { faults.append(what) }
        }
        for path in old {
          for flags in [
            O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDONLY | O_TRUNC, O_WRONLY | O_CREAT, O_ACCMODE,
            O_WRONLY | O_TRUNC | O_CREAT,
          ] { refuse("open \(path) \(flags)", open(path, flags, 0o600)) }
          refuse("truncate \(path)", truncate(path, 0))
          refuse("chmod \(path)", chmod(path, 0o666))
          refuse("unlink \(path)", unlink(path))
          refuse("rename \(path)", rename(path, "\(recordings)/other"))
          refuse("link \(path)", link(path, "\(recordings)/link"))
          if open(path, O_RDONLY) < 0 { faults.append("read \(path)") }
        }
        refuse("open by descriptor", open("/proc/self/fd/\(held.rawValue)", O_RDWR))
        refuse("openat2", Call("openat2", 437, 437).isRefused() ? -1 : 0)
        if (try? directory.makeFile(Array("new.cast".utf8), [.write, .append], mode: 0o600)) == nil {
          faults.append("a new recording")
        }
        if (try? held.writeAll(Array("+".utf8))) == nil { faults.append("what is open") }
        return faults
      })
    #expect(faults == [])
    #expect(try String(contentsOfFile: old[0], encoding: .utf8) == "old+")
    #expect(try String(contentsOfFile: old[1], encoding: .utf8) == "old")
  }

  @Test func `the limit of a child is at most the hard limit`() {
    let limit = ResourceLimit.openFiles(1000)
    #expect(limit.lowered(to: 64).soft == 64 && limit.lowered(to: 64).hard == 64)
    #expect(limit.lowered(to: 8256).soft == 1000 && limit.lowered(to: 8256).hard == 1000)
  }
}
