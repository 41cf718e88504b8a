import Foundation
import IPC
import System
import Testing
import Wire

@Suite(.timeLimit(.minutes(5))) struct SessionZygoteTests {
  static let isRoot = geteuid() == 0
  static let account = ForkIdentity(uid: 54321, gid: 54322, groups: [54323, 54324])

  private func prepared() throws -> ZygoteUnderTest {
    let zygote = try ZygoteUnderTest("bssh-session")
    #expect(try zygote.prepare().isEmpty)
    return zygote
  }

  @Test func `copies are our children and not the zygote's`() throws {
    let zygote = try prepared()
    let copies = [try zygote.fork(), try zygote.fork()]
    for copy in copies { #expect(try Proc.status(copy.pid)["PPid"] == ["\(getpid())"]) }
    #expect(Set(copies.map(\.pid) + [zygote.pid]).count == 3)
  }

  @Test func `a copy outlives its zygote, and ends with its socket`() throws {
    let zygote = try prepared()
    let copy = try zygote.fork()
    zygote.closeControl()
    #expect(try zygote.owned.end() == .code(0))
    #expect(copy.owned.isRunning)
    copy.closeControl()
    #expect(try copy.owned.end() == .code(0))
  }

  @Test func `a copy has no descriptor of the zygote or of other copies`() throws {
    let zygote = try prepared()
    let before = try zygote.fork()
    let copy = try zygote.fork()
    try ready(copy)
    // It releases the memory that it was given after its answer.
    #expect(try Proc.eventually { try Proc.descriptors(copy.pid).filter { $0.key > 2 }.count == 2 })
    let descriptors = try Proc.descriptors(copy.pid)
    #expect(descriptors.filter { $0.key < 3 }.values.allSatisfy { $0 == "/dev/null" })
    let others = descriptors.filter { $0.key > 2 }.values.sorted()
    #expect(others[0].hasPrefix("pipe:") && others[1].hasPrefix("socket:"), "\(descriptors)")
    withExtendedLifetime(before) {}
  }

  @Test func `a zygote keeps no descriptor of its copies`() throws {
    let zygote = try prepared()
    let before = try Proc.descriptors(zygote.pid)
    for _ in 0..<8 {
      let copy = try zygote.fork()
      copy.closeControl()
      #expect(try copy.owned.end() == .code(0))
    }
    // It closes a copy's descriptors after its answer.
    #expect(try Proc.eventually { try Proc.descriptors(zygote.pid) == before })
  }

  @Test(.enabled(if: isRoot)) func `a copy takes on its identity completely and for good`() throws {
    let zygote = try prepared()
    let copy = try zygote.fork(Self.account)
    try ready(copy)
    let status = try Proc.status(copy.pid)
    // Real, effective, saved and file system id.
    #expect(status["Uid"] == [String](repeating: "54321", count: 4))
    #expect(status["Gid"] == [String](repeating: "54322", count: 4))
    #expect(status["Groups"] == ["54323", "54324"])
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
      #expect(status[capabilities] == ["0000000000000000"], "\(capabilities)")
    }
    #expect(try Proc.status(zygote.pid)["Uid"] == [String](repeating: "0", count: 4))
  }

  @Test(.enabled(if: isRoot)) func `a copy keeps no group of ours when its account has none`() throws {
    let zygote = try prepared()
    let copy = try zygote.fork(ForkIdentity(uid: 54321, gid: 54322, groups: []))
    try ready(copy)
    #expect(try Proc.status(copy.pid)["Groups"] == [])
  }

  @Test func `a copy leads a session of its own`() throws {
    let zygote = try prepared()
    let copy = try zygote.fork()
    try ready(copy)
    #expect(getsid(copy.pid) == copy.pid)
  }

  @Test func `ps shows the role of each process`() throws {
    let zygote = try prepared()
    #expect(try Proc.title(zygote.pid) == "bssh-session: zygote")
    let copy = try zygote.fork()
    try ready(copy)
    #expect(try Proc.title(copy.pid) == "bssh-session: look-up")
  }

  @Test(arguments: [
    ("a copy before it is prepared", [SupervisorToZygote.fork(number: 1, identity: nil).wireBytes], 1),
    (
      "a second preparation", [SupervisorToZygote.prepare(nil).wireBytes, SupervisorToZygote.prepare(nil).wireBytes], 0
    ),
    (
      "a copy without a socket",
      [SupervisorToZygote.prepare(nil).wireBytes, SupervisorToZygote.fork(number: 1, identity: nil).wireBytes], 0
    ),
    (
      "a copy with four descriptors",
      [SupervisorToZygote.prepare(nil).wireBytes, SupervisorToZygote.fork(number: 1, identity: nil).wireBytes], 4
    ),
    ("an unknown message", [[9]], 0), ("half a message", [[2, 0, 0]], 0),
  ]) func `a message that is not allowed ends the zygote`(_: String, _ messages: [[UInt8]], _ sockets: Int) throws {
    let zygote = try ZygoteUnderTest("bssh-session")
    for (i, message) in messages.enumerated() {
      let descriptors = try (0..<(i == messages.count - 1 ? sockets : 0)).map { _ in
        try MessageSocket.pair().0.descriptor
      }
      try zygote.send(message, descriptors)
    }
    #expect(try zygote.owned.end() == .code(ExitCode.software.rawValue))
  }

  @Test func `a closed socket ends an idle zygote`() throws {
    let zygote = try ZygoteUnderTest("bssh-session")
    zygote.closeControl()
    #expect(try zygote.owned.end() == .code(0))
  }

  /// Waits for an answer of the copy, which then is completely set up.
  private func ready(_ copy: Copy) throws {
    let memory = try Descriptor.memory(name: "keys", size: 1 << 20)
    try copy.control?.send(
      SupervisorToSession.lookUp(paths: [], home: "/").wireBytes, descriptors: [memory], wait: true)
    guard case .message(let bytes, _)? = try copy.control?.receive(wait: Owned.limit) else {
      throw Missing(description: "an answer to the look-up")
    }
    #expect(try SessionToSupervisor(wireBytes: bytes[...]) == .keys([]))
  }
}
