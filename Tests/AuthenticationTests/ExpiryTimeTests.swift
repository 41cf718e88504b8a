import Testing

@testable import Authentication

@Suite struct ExpiryTimeTests {
  private func read(_ text: String) -> ExpiryTime? { ExpiryTime(Array(text.utf8)[...]) }

  // Expected values from date(1): date -u -d '2026-11-20 20:37:17' +%s
  @Test(
    arguments: [
      ("19700101Z", 0), ("197001010001Z", 60), ("20261120203717Z", 1_795_207_037), ("20261120203717utc", 1_795_207_037),
      ("20261120203717z", 1_795_207_037), ("20000229Z", 951_782_400), ("20240229Z", 1_709_164_800),
      ("20240301Z", 1_709_251_200), ("21000228Z", 4_107_456_000), ("21000301Z", 4_107_542_400),
      ("99991231235959Z", 253_402_300_799), ("19691231235959Z", -1), ("20161231235960Z", 1_483_228_800),
    ] as [(String, Int64)])
  func `UTC times convert to the same seconds as with date(1)`(text: String, seconds: Int64) throws {
    let time = try #require(read(text))
    #expect(time.isUTC)
    #expect(time.secondsInUTC == seconds)
  }

  @Test(arguments: ["20261120", "202611202037", "20261120203717"])
  func `a time without Z is in the system's time zone`(text: String) throws {
    let time = try #require(read(text))
    #expect(!time.isUTC)
    #expect((time.year, time.month, time.day) == (2026, 11, 20))
    #expect(time.hour == (text.count > 8 ? 20 : 0))
    #expect(time.minute == (text.count > 8 ? 37 : 0))
    #expect(time.second == (text.count > 12 ? 17 : 0))
  }

  @Test(arguments: [
    "", "Z", "UTC", "2026", "2026112", "202611201", "2026112020", "2026112020371", "202611202037171", "20261320",
    "20260020", "20260230", "20230229", "21000229", "20260431", "20260100", "202611202437", "202611202060",
    "20261120203761", "2026-1-1", "+2026112", "20261120ZZ", "20261120 Z", " 20261120", "20261120U", "2026112\u{661}",
    "20261120GMT",
  ])
  func `text that is not a valid time is refused`(text: String) { #expect(read(text) == nil) }
}
