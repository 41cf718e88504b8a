import Audit
import IPC
import System
import Testing

@testable import Session

@Suite struct TransferReportsTests {
  private func told(_ messages: [TransferToSession]) throws -> TransferReports.DrainResult {
    let (ours, theirs) = try MessageSocket.pair()
    var reports = TransferReports()
    reports.add(ours, of: 3, .sftp, token: 1)
    for message in messages { try theirs.send(message.wireBytes) }
    return reports.drain(1)
  }

  @Test(arguments: EventType.allCases)
  func `a transfer may report file events and no others`(type: EventType) throws {
    let name = type.rawValue
    let isOfFiles =
      ["file_", "directory_", "transfer_"].contains { name.hasPrefix($0) }
      || ["attributes_changed", "link_created", "suspicious_activity"].contains(name)
    let told = try told([.records(AuditBatch([AuditRecord(.fileRead), AuditRecord(type)])), .log("more")])
    #expect(told.isOver == !isOfFiles)
    #expect(told.records.map(\.type) == (isOfFiles ? [.fileRead, type] : []))
    #expect(told.notes.count == 1)
    #expect(told.records.allSatisfy { $0.channel == 3 && $0.protocol == .sftp })
  }
}
