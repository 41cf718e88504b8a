import Audit
import IPC
import System
import Testing

@Suite struct FactBatchTests {
  private func facts(_ count: Int, pathLength: Int) -> [Fact] {
    (0..<count).map { number in
      var fact = Fact(.fileUploaded)
      fact.path = [UInt8](repeating: 0x61, count: pathLength)
      fact.bytes = UInt64(number)
      return fact
    }
  }

  @Test(arguments: [(0, 1), (1, 1), (64, 1), (65, 1), (1000, 10), (300, 4096)])
  func `all facts are sent in order, in messages of at most the limit`(count: Int, pathLength: Int) throws {
    var waiting = facts(count, pathLength: pathLength)
    var taken: [Fact] = []
    var messages = 0
    while !waiting.isEmpty {
      let batch = FactBatch(takingFrom: &waiting)
      try #require(!batch.facts.isEmpty)
      let bytes = SessionToSupervisor.facts(batch).wireBytes
      #expect(bytes.count <= 64 << 10)
      #expect(try SessionToSupervisor(wireBytes: bytes[...]) == .facts(batch))
      taken += batch.facts
      messages += 1
    }
    #expect(taken == facts(count, pathLength: pathLength))
    if pathLength == 1 { #expect(messages == (count + FactBatch.countLimit - 1) / FactBatch.countLimit) }
  }

  @Test func `the largest fact fits into a message`() throws {
    var fact = Fact(.commandExecuted)
    let bytes = [UInt8](repeating: 0xff, count: Fact.textLimit)
    let text = String(repeating: "x", count: Fact.textLimit)
    (fact.path, fact.destination, fact.command) = (bytes, bytes, bytes)
    (fact.details, fact.signal, fact.rule, fact.reason) = (text, text, text, "malformed_certificate_options")
    var waiting = [Fact](repeating: fact, count: 3)
    let batch = FactBatch(takingFrom: &waiting)
    #expect(batch.facts == [fact] && waiting.count == 2)
    #expect(SessionToSupervisor.facts(batch).wireBytes.count < MessageSocket.limit)
  }
}
