import Audit
import System
import Testing

@testable import Supervisor

/// The programs of a login whose end was not reported.
@Suite struct UnfinishedCommandsTests {
  private func start(_ command: String, on channel: UInt32 = 0) -> AuditRecord {
    var record = AuditRecord(.commandStarted, .success, .exec)
    (record.command, record.channel) = (Array(command.utf8), channel)
    return record
  }

  private func end(_ command: String, on channel: UInt32 = 0) -> AuditRecord {
    var record = start(command, on: channel)
    (record.type, record.result, record.exitStatus, record.details) = (.commandExecuted, .failure, 3, "on /dev/pts/1")
    return record
  }

  /// A collection with these programs, which do not exceed the limit.
  private func taking(_ starts: [AuditRecord]) -> UnfinishedCommands {
    var commands = UnfinishedCommands()
    for record in starts {
      let isTaken = commands.start(record)
      #expect(isTaken)
    }
    return commands
  }

  @Test func `an ended program is removed, however it ended`() {
    var commands = taking([start("ls")])
    #expect(!commands.isEmpty)
    commands.handle(end("ls"))
    #expect(commands.isEmpty)
  }

  @Test func `an end matches the same command on the same channel`() {
    var commands = taking([start("a"), start("b"), start("a", on: 1)])
    commands.handle(end("a", on: 1))
    commands.handle(end("c"))
    var other = end("b")
    other.type = .fileUploaded
    commands.handle(other)
    #expect(commands.summary == "2 commands without an end: channel 0: exec 'a'; channel 0: exec 'b'")
    commands.handle(end("a"))
    #expect(commands.summary == "1 command without an end: channel 0: exec 'b'")
  }

  @Test func `ends of long commands match too`() {
    let long = String(repeating: "x", count: 100_000)
    var commands = taking([start(long)])
    #expect(commands.summary.utf8.count < 300)
    commands.handle(end(long))
    #expect(commands.isEmpty)
  }

  @Test func `the number of programs is limited, and few of them are shown`() {
    var commands = taking((0..<UnfinishedCommands.limit).map { start("sleep \($0)") })
    let isTaken = commands.start(start("one more"))
    #expect(!isTaken)
    #expect(commands.summary.hasPrefix("1024 commands without an end: channel 0: exec 'sleep 0'; "))
    #expect(commands.summary.hasSuffix("'sleep 15'; 1008 more"))
  }

  @Test(arguments: [
    (System.ExitStatus.signal(9, coreDumped: false), false, SessionLoss.killed),
    (.signal(9, coreDumped: false), true, .endedByDaemon), (.code(0), false, .ended), (.code(70), true, .ended),
    (.unknown, false, .ended),
  ]) func `the reason of a lost session depends on its exit status`(
    status: System.ExitStatus, isOurs: Bool, loss: SessionLoss
  ) {
    #expect(SessionLoss(status, isOurs: isOurs) == loss)
  }
}
