import Testing

@testable import Audit

@Suite struct TimestampTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
      (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"), (1_795_207_037_123_456, "2026-11-20T20:37:17.123456Z"),
      (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
      (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ] as [(Int64, String)])
  func `times are converted as in the calendar`(time: Int64, text: String) {
    #expect(Timestamp.text(time) == text)
    #expect(Timestamp.microseconds(text) == time)
  }

  /// Every day around the turns of centuries, and some of all other days.
  @Test(arguments: [("1899-01-01", 1500, 1), ("1999-01-01", 1500, 1), ("0000-01-01", 3652, 1000)])
  func `days survive printing and parsing and are consecutive`(first: String, count: Int, step: Int64) throws {
    let start = try #require(Timestamp.microseconds("\(first)T00:00:00.000000Z"))
    var last = ""
    for number in 0..<Int64(count) {
      let time = start + number * step * 86_400_000_000
      let text = Timestamp.text(time)
      guard text > last, Timestamp.microseconds(text) == time else {
        Issue.record("\(text) after \(last)")
        return
      }
      last = text
    }
  }

  @Test func `times outside of the range are clamped`() {
    #expect(Timestamp.text(.min) == "0000-01-01T00:00:00.000000Z")
    #expect(Timestamp.text(.max) == "9999-12-31T23:59:59.999999Z")
  }

  @Test(arguments: [
    "", "2026-11-20T20:37:17Z", "2026-11-20 20:37:17.123456Z", "2026-11-20T20:37:17.123456z",
    "2026-13-20T20:37:17.123456Z", "2026-00-20T20:37:17.123456Z", "2026-11-31T20:37:17.123456Z",
    "2026-11-00T20:37:17.123456Z", "2026-02-29T20:37:17.123456Z", "2026-11-20T24:37:17.123456Z",
    "2026-11-20T20:60:17.123456Z", "2026-11-20T20:37:60.123456Z", "+026-11-20T20:37:17.123456Z",
    "2026-11-20T20:37:17.123456+", "2026-11-20T20:37:17.1234567Z",
  ])
  func `an invalid time is refused`(text: String) { #expect(Timestamp.microseconds(text) == nil) }
}
