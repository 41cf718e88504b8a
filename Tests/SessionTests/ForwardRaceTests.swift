import AccessControl
import Testing

@testable import Session

@Suite struct ForwardRaceTests {
  private static func addresses(_ texts: String...) throws -> [IPAddress] {
    try texts.map { try #require(IPAddress($0)) }
  }

  /// All attempts, when each fails as soon as the next may begin.
  private static func order(_ race: ForwardRace) -> [String] {
    var race = race
    var now: Int64 = 0
    var order: [String] = []
    while let (number, address) = race.next(at: now) {
      order.append("\(address)")
      now += 1
      race.failed(number)
    }
    return order
  }

  @Test func `families alternate, beginning with the first address`() throws {
    let race = ForwardRace(try Self.addresses("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"))
    #expect(Self.order(race) == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"])
    let other = ForwardRace(try Self.addresses("192.0.2.1", "2001:db8::1"))
    #expect(Self.order(other) == ["192.0.2.1", "2001:db8::1"])
  }

  @Test func `the next attempt begins 250 ms after one that goes on, and not before`() throws {
    var race = ForwardRace(try Self.addresses("2001:db8::1", "192.0.2.1", "2001:db8::2"))
    #expect(race.next(at: 1000)?.attempt == 0)
    #expect(race.nextStart == 1250)
    #expect(race.next(at: 1249) == nil)
    #expect(race.next(at: 1250)?.attempt == 1)
    #expect(race.nextStart == 1500)
    #expect(race.next(at: 1500)?.attempt == 2)
    #expect(race.nextStart == nil && race.next(at: 9999) == nil)
    #expect(race.running.keys.sorted() == [0, 1, 2])
  }

  @Test func `a failure lets the next begin at once, and a race without attempts is lost`() throws {
    var race = ForwardRace(try Self.addresses("2001:db8::1", "192.0.2.1"))
    _ = race.next(at: 1000)
    race.failed(0)
    #expect(!race.isLost)
    #expect(race.next(at: 1000)?.attempt == 1)
    race.failed(0)
    #expect(!race.isLost)
    race.failed(1)
    #expect(race.isLost)
  }
}
