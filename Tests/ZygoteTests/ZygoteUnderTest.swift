import Foundation
import IPC
import System
import Testing
import Wire

/// Something that a test waited for in vain.
struct Missing: Error, CustomStringConvertible {
  let description: String
}

/// A process of ours, killed and reaped with this object.
final class Owned {
  /// Limit of any wait in these tests, in milliseconds.
  static let limit: Int32 = 60_000

  let process: ChildProcess
  private var status: System.ExitStatus?

  init(_ process: ChildProcess) { self.process = process }

  deinit {
    if status != nil { return }
    process.signal(SIGKILL)
    _ = process.descriptor.wait(for: POLLIN, milliseconds: Owned.limit)
    _ = process.reap()
  }

  /// Waits for the process to end by itself.
  func end() throws -> System.ExitStatus {
    guard process.descriptor.wait(for: POLLIN, milliseconds: Owned.limit), let status = process.reap() else {
      throw Missing(description: "the end of \(process.pid)")
    }
    self.status = status
    return status
  }

  var isRunning: Bool { !process.descriptor.wait(for: POLLIN, milliseconds: 0) }
}

/// A copy of a zygote, with the test as its supervisor.
final class Copy {
  let owned: Owned
  private(set) var control: MessageSocket?

  init(_ process: ChildProcess, _ control: MessageSocket) {
    owned = Owned(process)
    self.control = control
  }

  var pid: pid_t { owned.process.pid }

  func closeControl() { control = nil }
}

/// A built program that runs as a zygote, with the test as its supervisor.
final class ZygoteUnderTest {
  let owned: Owned
  private(set) var control: MessageSocket?
  private var number: UInt64 = 0

  /// Starts `bssh-session` or `bssh-transport`, found beside the tests.
  init(_ program: String, _ change: (inout ChildProcess.Request) -> Void = { _ in }) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let (ours, theirs) = try MessageSocket.supervised()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: (tests as NSString).deletingLastPathComponent + "/\(program)",
      arguments: [program, ThisProcess.titleRoom], descriptors: [null, null, null] + theirs)
    change(&request)
    owned = Owned(try ChildProcess(request))
    control = ours
  }

  var pid: pid_t { owned.process.pid }

  func closeControl() { control = nil }

  func send(_ bytes: [UInt8], _ descriptors: [Descriptor] = []) throws {
    try control?.send(bytes, descriptors: descriptors, wait: true)
  }

  func receive() throws -> (message: ZygoteToSupervisor, descriptors: [Descriptor]) {
    guard case .message(let bytes, let descriptors)? = try control?.receive(wait: Owned.limit) else {
      throw Missing(description: "an answer")
    }
    return (try ZygoteToSupervisor(wireBytes: bytes[...]), descriptors)
  }

  /// Prepares the zygote; returns the protections that the kernel could not provide.
  @discardableResult
  func prepare(_ settings: TransportSettings? = nil, _ descriptors: [Descriptor] = []) throws -> [String] {
    try send(SupervisorToZygote.prepare(settings).wireBytes, descriptors)
    guard case .ready(let weaknesses) = try receive().message else { throw Missing(description: "a ready zygote") }
    return weaknesses
  }

  /// Makes a copy, and adopts it.
  func fork(_ identity: ForkIdentity? = nil) throws -> Copy {
    let (ours, theirs) = try MessageSocket.supervised()
    number += 1
    let errors = try Descriptor.open("/dev/null", O_RDWR)
    try send(SupervisorToZygote.fork(number: number, identity: identity).wireBytes, theirs + [errors])
    let (answer, descriptors) = try receive()
    guard case .forked(number, let pid) = answer, descriptors.isEmpty else {
      throw Missing(description: "a copy, not \(answer)")
    }
    return Copy(try ChildProcess(adopting: pid), ours)
  }
}

/// What /proc shows about a process. proc(5)
enum Proc {
  /// The fields of /proc/PID/status.
  static func status(_ pid: pid_t) throws -> [String: [String]] {
    var result: [String: [String]] = [:]
    for line in try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      result[String(parts[0])] = parts.count < 2 ? [] : parts[1].split { $0 == " " || $0 == "\t" }.map(String.init)
    }
    return result
  }

  /// Waits until the process runs this program; false after 10 s.
  static func waitForProgram(_ name: String, _ pid: pid_t) -> Bool {
    let deadline = Date(timeIntervalSinceNow: 10)
    while Date() < deadline {
      let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
      if program?.hasSuffix("/" + name) == true { return true }
      usleep(1000)
    }
    return false
  }

  /// The process's descriptors, and what each refers to.
  static func descriptors(_ pid: pid_t) throws -> [Int: String] {
    var result: [Int: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") {
      result[Int(name) ?? -1] = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)")
    }
    return result
  }

  /// The soft and the hard limit of this name.
  static func limit(_ name: String, _ pid: pid_t) throws -> [String] {
    let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
      throw Missing(description: name)
    }
    return line.dropFirst(name.count).split(separator: " ").prefix(2).map(String.init)
  }

  /// The command line as ps(1) shows it.
  static func title(_ pid: pid_t) throws -> String {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cmdline"))
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Waits until a condition holds that nothing notifies us of; false when it does not within the limit.
  static func eventually(_ isSo: () throws -> Bool) rethrows -> Bool {
    let end = Clock.milliseconds + Int64(Owned.limit)
    while try !isSo() {
      if Clock.milliseconds > end { return false }
      sched_yield()
    }
    return true
  }
}
