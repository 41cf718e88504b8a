import Filter
import Foundation
import IPC
import System
import Testing

@Suite struct TransferTests {
  private static let sftp = ChannelRequest.subsystem(Array("sftp".utf8))
  /// SSH_FXP_INIT, version 3.
  private static let hello: [UInt8] = [0, 0, 0, 5, 1, 0, 0, 0, 3]

  private static func filter() -> TransferFilter {
    var filter = TransferFilter()
    filter.isEnabled = true
    var rule = FilterRule(name: "nothing here", action: .deny)
    rule.matcher.pathPrefix = "/tmp"
    filter.rules = [rule]
    return filter
  }

  @Test func `the subsystem starts the SFTP server, which ends with its input`() throws {
    let session = try SessionUnderTest.loggedIn {
      $0.sftp = .sample
      $0.mayExecute = false
    }
    var ends = try session.start(TransferTests.sftp)
    #expect(ends.count == 3)
    #expect(try session.note().hasPrefix("channel 0: SFTP started, pid "))
    try ends[0].writeAll(TransferTests.hello)
    #expect(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
    #expect(Array(try ends[1].read(count: 9).bytes.dropFirst(4)) == [2, 0, 0, 0, 3])
    ends.removeFirst()
    #expect(try session.next().message == .exited(channel: 0, status: 0))
  }

  @Test func `a transfer's reports get its channel, and its end comes last`() throws {
    let session = try SessionUnderTest.loggedIn {
      $0.scp = .sample
      $0.scp?.filter = TransferTests.filter()
      $0.mayExecute = false
    }
    let ends = try session.start(.execute(Array("scp -f /tmp".utf8)), on: 3)
    try ends[0].writeAll([0])
    #expect(try SessionUnderTest.readToEnd(ends[1]).contains("Permission denied"))
    #expect(try session.next().message == .exited(channel: 3, status: 1))
    let records = try session.records(until: .commandExecuted)
    let denied = try #require(records.first)
    #expect(denied.type == .transferDenied && denied.rule == "nothing here" && denied.path == Array("/tmp".utf8))
    #expect(records.allSatisfy { $0.channel == 3 && $0.protocol == .scp })
    #expect(records.last?.exitStatus == 1 && records.last?.command == Array("scp -f /tmp".utf8))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: it looks into a process that nobody else may look into"))
  func `a transfer gets no variables of the client`() throws {
    let session = try SessionUnderTest.loggedIn { $0.sftp = .sample }
    let variable = ChannelRequest.environment(name: Array("LANG".utf8), value: Array("xx_XX".utf8))
    #expect(try session.ask(variable) == .done(channel: 0))
    let ends = try session.start(TransferTests.sftp)
    let pid = try #require(try session.note().split(separator: " ").last)
    try ends[0].writeAll(TransferTests.hello)
    #expect(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
    let variables = try String(contentsOfFile: "/proc/\(pid)/environ", encoding: .utf8).split(separator: "\0")
    #expect(variables.contains { $0.hasPrefix("HOME=") } && !variables.contains { $0.hasPrefix("LANG=") })
  }

  @Test func `neither protocol runs on a terminal, nor for a login that may not use it`() throws {
    let session = try SessionUnderTest.loggedIn { $0.sftp = .sample }
    let ends = try session.start(.execute(Array("scp -f /tmp".utf8)))
    #expect(try SessionUnderTest.readToEnd(ends[2]) == "bssh: SCP is not allowed for this login (no_scp)\n")
    #expect(try session.next().message == .exited(channel: 0, status: 126))
    #expect(try session.askForTerminal(on: 1) == .done(channel: 1))
    #expect(try session.ask(TransferTests.sftp, on: 1) == .refused(channel: 1))
    let other = try SessionUnderTest.loggedIn()
    #expect(try other.ask(TransferTests.sftp) == .refused(channel: 0))
  }

  @Test func `a transfer starts in the home directory with its descriptors`() throws {
    let session = try SessionUnderTest.loggedIn { $0.sftp = .sample }
    let ends = try session.start(TransferTests.sftp)
    let note = try session.note()
    let pid = try #require(note.split(separator: " ").last)
    try ends[0].writeAll(TransferTests.hello)
    #expect(ends[1].wait(for: POLLIN, milliseconds: SessionUnderTest.limit))
    #expect(
      Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")).isSuperset(of: ["0", "1", "2"]))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd") == "/tmp")
  }
}
