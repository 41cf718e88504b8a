import Foundation
import Testing

@testable import Server

@Suite struct TimeTextTests {
  /// 2026-03-04 05:06:07.25 UTC
  private let now: Int64 = 1_772_600_767_250_000

  @Test func `times are parsed as people write them`() {
    let rows: [(String, Int64?)] = [
      ("2026-03-04T05:06:07Z", 1_772_600_767_000_000), ("2026-03-04 05:06:07.25Z", 1_772_600_767_250_000),
      ("2026-03-04 05:06Z", 1_772_600_760_000_000), ("2026-03-04Z", 1_772_582_400_000_000), ("now", now),
      ("90s", now - 90_000_000), ("15m", now - 900_000_000), ("2h", now - 7_200_000_000), ("1d", now - 86_400_000_000),
      ("1w", now - 604_800_000_000), ("2024-02-29Z", 1_709_164_800_000_000), ("2023-02-29Z", nil), ("2026-13-01Z", nil),
      ("2026-00-01Z", nil), ("2026-04-31Z", nil), ("24:00", nil), ("12:60", nil), ("12:00:60", nil), ("12", nil),
      ("", nil), ("Z", nil), ("2026-3-4", nil), ("2026-03-04 ", nil), ("-5m", nil), ("5x", nil), ("m", nil),
      ("2026-03-04T05:06:07+01:00", nil), ("99999999999d", nil), ("1969-12-31Z", nil), ("12:30.5", nil), ("٣m", nil),
      ("2026-03-04 05:06:07.1234567Z", nil),
    ]
    for (text, time) in rows { #expect(TimeText.parse(text, now: now) == time, "\(text)") }
  }

  @Test func `a time formatted in the system's time zone is parsed to the same time`() throws {
    for time in stride(from: now, to: now + 400 * 86_400_000_000, by: 41_234_567_000) {
      let text = TimeText.format(time, inUTC: false)
      let read = try #require(TimeText.parse(text, now: now))
      // One hour of the year occurs twice.
      #expect(read == time / 1000 * 1000 || abs(read - time) < 3_600_001_000, "\(text)")
      #expect(TimeText.parse(TimeText.format(time, inUTC: true), now: now) == time / 1000 * 1000)
    }
    let today = try #require(TimeText.parse("today", now: now))
    let yesterday = try #require(TimeText.parse("yesterday", now: now))
    #expect(today <= now && now - today < 90_000_000_000)
    #expect((82_800_000_000...90_000_000_000).contains(today - yesterday))
    #expect(try #require(TimeText.parse("00:00", now: now)) == today)
  }

  @Test func `times before 1970 and in the far future are formatted too`() {
    #expect(TimeText.format(-1, inUTC: true) == "1969-12-31 23:59:59.999Z")
    #expect(TimeText.format(0, inUTC: true) == "1970-01-01 00:00:00.000Z")
    #expect(TimeText.format(253_402_300_799_999_999, inUTC: true) == "9999-12-31 23:59:59.999Z")
    #expect(TimeText.duration(59_999_999) == "00:00")
    #expect(TimeText.duration(3_720_000_000) == "01:02")
    #expect(TimeText.duration(2 * 86_400_000_000 + 3_600_000_000) == "2+01:00")
    #expect(TimeText.duration(-5) == "00:00")
  }
}
