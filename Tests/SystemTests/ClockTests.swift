import Foundation
import System
import Testing

@Suite struct ClockTests {
  @Test func `a timestamp is in RFC 3339 format, in UTC, with milliseconds`() throws {
    let text = Clock.timestamp
    #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(text)")
    let before = Date()
    let time = try Date(Clock.timestamp, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    #expect(time.timeIntervalSince(before) > -0.01 && time <= Date())
  }

  @Test func `the monotonic clock never goes back`() {
    var last = Clock.microseconds
    for _ in 0..<1000 {
      let now = Clock.microseconds
      #expect(now >= last)
      last = now
    }
    #expect(Clock.milliseconds >= last / 1000)
  }

  @Test func `the time of day is the one of the system`() {
    let before = Int64(Date().timeIntervalSince1970)
    let now = Clock.secondsSince1970
    #expect((before...Int64(Date().timeIntervalSince1970)).contains(now))
  }

  @Test func `a local time converts back to the same date and time`() throws {
    // A date in winter and one in summer, for daylight saving time in whatever zone this machine is.
    for (month, day) in [(1, 15), (7, 15)] {
      let seconds = try #require(
        Clock.secondsSince1970(localYear: 2026, month: month, day: day, hour: 13, minute: 14, second: 15))
      var parts = tm()
      var time = time_t(seconds)
      localtime_r(&time, &parts)
      #expect((parts.tm_year, parts.tm_mon, parts.tm_mday) == (126, Int32(month - 1), Int32(day)))
      #expect((parts.tm_hour, parts.tm_min, parts.tm_sec) == (13, 14, 15))
    }
  }

  @Test(arguments: [0, -1, 10000, .max, .min]) func `a year out of range gives nil`(year: Int) {
    #expect(Clock.secondsSince1970(localYear: year, month: 1, day: 1, hour: 0, minute: 0, second: 0) == nil)
  }
}
