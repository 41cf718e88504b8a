import Testing

@testable import Audit

@Suite struct JournalSeriesTests {
  @Test(arguments: [
    ("/var/log/bssh/audit.log", "/var/log/bssh/audit-files.log"), ("audit.log", "audit-files.log"),
    ("/a.b/audit", "/a.b/audit-files"), ("/a/.audit", "/a/.audit-files"), ("/a/x.y.log", "/a/x.y-files.log"),
  ])
  func `the files of the second series are beside those of the first`(journal: String, files: String) {
    #expect(JournalSeries.main.path(of: journal) == journal)
    #expect(JournalSeries.files.path(of: journal) == files)
    // Neither series mistakes the other's files for its own.
    #expect(JournalFileName(Array(files.utf8), of: Array(journal.utf8)) == nil)
    #expect(JournalFileName(Array((files + ".1.gz").utf8), of: Array(journal.utf8)) == nil)
    #expect(JournalFileName(Array((journal + ".1").utf8), of: Array(files.utf8)) == nil)
  }

  @Test func `logins, commands, denials and bans are in the first series and file operations in the second`() {
    let main: [EventType] = [
      .authSuccess, .authFailure, .sessionStart, .sessionEnd, .commandExecuted, .commandBlocked, .transferDenied,
      .forwardDenied, .ipBlocked, .suspiciousActivity, .auditGap, .adminAction,
    ]
    #expect(main.allSatisfy { $0.series == .main })
    #expect(EventType.allCases.filter { $0.rawValue.hasPrefix("file_") }.allSatisfy { $0.series == .files })
    #expect(EventType.directoryListed.series == .files && EventType.attributesChanged.series == .files)
  }

  @Test func `the head keeps its size with the largest numbers`() {
    let head = ChainHead(
      first: .max, last: .max, hash: LineHash(of: [1]), size: .max, removed: 9_999_999_999_999_999)
    #expect(head.json.count == ChainHead.size && ChainHead(json: head.json[...]) == head)
  }
}
