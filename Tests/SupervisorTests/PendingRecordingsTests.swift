import Testing

@testable import Supervisor

@Suite struct PendingRecordingsTests {
  /// Requests of connections 10 and 11 to recorder 1, and of 12 to recorder 2.
  private func asked() -> PendingRecordings {
    var openings = PendingRecordings()
    for (number, recorder, connection) in [(100, 1, 10), (101, 1, 11), (102, 2, 12)] as [(UInt64, UInt64, UInt64)] {
      #expect(openings.ask(number, of: recorder, for: connection, path: "/r/\(number)") == true)
    }
    return openings
  }

  @Test func `a reply is accepted once and only from the requested recorder`() {
    var openings = asked()
    #expect(openings.remove(100, by: 2) == nil)
    #expect(openings.remove(103, by: 1) == nil)
    let answer = openings.remove(100, by: 1)
    #expect(answer?.connection == 10)
    #expect(answer?.path == "/r/100")
    #expect(openings.remove(100, by: 1) == nil)
  }

  @Test func `the end of a recorder ends only its own requests`() {
    var openings = asked()
    #expect(openings.end(1) == [10, 11])
    #expect(openings.end(1) == [])
    #expect(openings.remove(100, by: 1) == nil)
    #expect(openings.remove(102, by: 2)?.connection == 12)
  }

  @Test func `a connection that gave up gets neither a late reply nor the end of the recorder`() {
    var openings = asked()
    #expect(openings.giveUp(10) == 1)
    #expect(openings.giveUp(10) == nil)
    // Its next request is to another recorder, and only waits for that one.
    #expect(openings.ask(103, of: 2, for: 10, path: "/r/103") == true)
    var late = openings
    #expect(late.remove(100, by: 1)?.path == "/r/100")
    #expect(openings.remove(100, by: 1).map(\.connection) == .some(nil))
    #expect(openings.end(1) == [11])
    #expect(late.end(1) == [11])
    #expect(openings.giveUp(10) == 2)
    #expect(late.remove(103, by: 2)?.connection == 10)
  }

  @Test func `the number of requests is limited`() {
    var openings = PendingRecordings()
    for number in 0..<UInt64(PendingRecordings.limit) {
      #expect(openings.ask(number, of: 1, for: number, path: "") == true)
    }
    #expect(openings.ask(.max, of: 1, for: 1, path: "") == false)
    #expect(openings.remove(7, by: 1) != nil)
    #expect(openings.ask(.max, of: 1, for: 1, path: "") == true)
  }
}
