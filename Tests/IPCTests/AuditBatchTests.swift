import Audit
import IPC
import System
import Testing

@Suite struct AuditBatchTests {
  private func records(_ count: Int, pathLength: Int) -> [AuditRecord] {
    (0..<count).map { number in
      var record = AuditRecord(.fileUploaded)
      record.path = [UInt8](repeating: 0x61, count: pathLength)
      record.bytes = UInt64(number)
      return record
    }
  }

  @Test(arguments: [(0, 1), (1, 1), (64, 1), (65, 1), (1000, 10), (300, 4096)])
  func `all facts are sent in order, in messages of at most the limit`(count: Int, pathLength: Int) throws {
    var waiting = records(count, pathLength: pathLength)
    var taken: [AuditRecord] = []
    var messages = 0
    while !waiting.isEmpty {
      let batch = AuditBatch(takingFrom: &waiting)
      try #require(!batch.records.isEmpty)
      let bytes = SessionToSupervisor.records(batch).wireBytes
      #expect(bytes.count <= 64 << 10)
      #expect(try SessionToSupervisor(wireBytes: bytes[...]) == .records(batch))
      taken += batch.records
      messages += 1
    }
    #expect(taken == records(count, pathLength: pathLength))
    if pathLength == 1 { #expect(messages == (count + AuditBatch.countLimit - 1) / AuditBatch.countLimit) }
  }

  @Test func `the largest fact fits into a message`() throws {
    var record = AuditRecord(.commandExecuted)
    let bytes = [UInt8](repeating: 0xff, count: AuditRecord.textLimit)
    let text = String(repeating: "x", count: AuditRecord.textLimit)
    (record.path, record.destination, record.command) = (bytes, bytes, bytes)
    (record.details, record.signal, record.rule, record.reason) = (text, text, text, "malformed_certificate_options")
    var waiting = [AuditRecord](repeating: record, count: 3)
    let batch = AuditBatch(takingFrom: &waiting)
    #expect(batch.records == [record] && waiting.count == 2)
    #expect(SessionToSupervisor.records(batch).wireBytes.count < MessageSocket.limit)
  }
}
