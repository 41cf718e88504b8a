import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// The queue of events, with events of processes.
@Suite struct ProcessRuntimeTests {
  private let runtime: ProcessRuntime
  /// A zygote, and its end of the socket.
  private let zygote: Child
  private let zygoteEnd: MessageSocket

  init() throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let folder = try ProcessEnvironment.executableFolder()
    let programs = Programs(
      executables: try Programs.Executables(in: folder, server: "\(folder)/bssh-server"), null: null,
      openFiles: .openFiles(64), coreFiles: .coreFile(0), outOfMemoryScore: nil)
    runtime = try ProcessRuntime(programs, log: Log(threshold: .error, style: .bare, output: null), signals: [])
    let (ours, theirs) = try MessageSocket.pair()
    zygote = Child(number: 999, role: .sessionZygote, maker: 0, socket: ours)
    zygoteEnd = theirs
  }

  /// A process that the zygote has not created yet, and its end of the socket.
  private func copy() throws -> (child: Child, socket: MessageSocket) {
    let child = try runtime.copy(.session, of: zygote, nil)
    guard case .message(let bytes, let descriptors) = try zygoteEnd.receive() else {
      throw SystemError("receive", code: EAGAIN)
    }
    #expect(try SupervisorToZygote(wireBytes: bytes[...]) == .fork(number: child.number, identity: nil))
    return (child, MessageSocket(from: descriptors[0], to: descriptors[1]))
  }

  /// A short description of an event.
  private func word(_ event: SupervisorEvent) -> String {
    switch event {
    case .start: "start"
    case .readable(let number): "readable \(number)"
    case .message(let bytes, _, _): "message \(bytes)"
    case .ended(_, let status): "ended \(status)"
    case .timer(.shutDown): "timer"
    case .accept(_, let left): "accept \(left)"
    case .drain: "drain"
    case .sessionsRead: "rest read"
    default: "other"
    }
  }

  /// Runs until `last` has been handled; returns all handled events. `react` is called for each event.
  private func run(until last: String, _ react: (SupervisorEvent) throws -> Void = { _ in }) throws -> [String] {
    var words: [String] = []
    runtime.setTimer(.handOver, after: 60_000)
    try runtime.run { event in
      words.append(word(event))
      do { try react(event) } catch { Issue.record(error) }
      return words.last != last && words.last != "other"
    }
    return words
  }

  @Test func `an event that is posted during another is handled after those already in the queue`() throws {
    var depth = 0
    let words = try run(until: "accept 0") { event in
      depth += 1
      #expect(depth == 1, "an event was handled within another")
      switch event {
      case .start:
        runtime.post(.accept(listener: 1, left: 2))
        runtime.post(.drain)
      case .accept(_, let left) where left > 0: runtime.post(.accept(listener: 1, left: left - 1))
      default: break
      }
      depth -= 1
    }
    #expect(words == ["start", "accept 2", "drain", "accept 1", "accept 0"])
  }

  @Test func `the messages of a process are handled before its end, each with its resulting events`() throws {
    let (child, socket) = try copy()
    for byte in UInt8(1)...40 { _ = try socket.send([byte]) }
    let process = try ChildProcess(.init(path: "/bin/true", arguments: ["true"], descriptors: []))
    #expect(try runtime.adopt(process.pid, isChild: true, as: child))
    var pairs: [String] = []
    let words = try run(until: "ended \(System.ExitStatus.code(0))") { event in
      if case .message(let bytes, _, let sender) = event {
        #expect(sender === child)
        runtime.post(.accept(listener: 0, left: Int(bytes[0])))
      }
    }
    for byte in 1...40 { pairs += ["message [\(byte)]", "accept \(byte)"] }
    #expect(words == ["start"] + pairs + ["ended \(System.ExitStatus.code(0))"])
    #expect(runtime.children.isEmpty)
  }

  @Test func `a paused process is read only when it is resumed or the daemon ends`() throws {
    let (child, socket) = try copy()
    let (other, otherSocket) = try copy()
    _ = try socket.send([1])
    _ = try otherSocket.send([2])
    for process in [child, other] { runtime.pause(process) }
    runtime.setTimer(.shutDown, after: 0)
    let words = try run(until: "rest read") { event in
      if case .timer(.shutDown) = event { runtime.readRest(of: [child, other], then: .sessionsRead) }
    }
    #expect(words == ["start", "timer", "message [1]", "message [2]", "rest read"])
  }

  @Test func `a process that was not created has an end as any other`() throws {
    let (child, _) = try copy()
    let words = try run(until: "ended \(System.ExitStatus.unknown)") { event in
      if case .start = event { runtime.forget(child, .unknown) }
    }
    #expect(words == ["start", "ended \(System.ExitStatus.unknown)"])
    #expect(!runtime.hasTimer(.made(child.number)) && !runtime.hasTimer(.kill(child.number)))
  }

  @Test func `events posted before the last one are handled`() throws {
    var words: [String] = []
    try runtime.run { event in
      words.append(word(event))
      if case .start = event { runtime.post(.drain) }
      return false
    }
    #expect(words == ["start", "drain"])
  }
}
