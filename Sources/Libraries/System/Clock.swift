import Glibc

/// The time of day and the monotonic clock.
public enum Clock {
  /// Milliseconds of a clock that never goes back. CLOCK_MONOTONIC
  public static var milliseconds: Int64 { microseconds / 1000 }

  /// Microseconds of a clock that never goes back. CLOCK_MONOTONIC
  public static var microseconds: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
  }

  /// Seconds since 1970, UTC. CLOCK_REALTIME
  public static var secondsSince1970: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec)
  }

  /// Microseconds since 1970, UTC. CLOCK_REALTIME
  public static var microsecondsSince1970: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
  }

  /// Seconds since 1970 of a local time; nil when it cannot be represented, or the year is not 1 to 9999.
  ///
  /// The zone is that of `TZ` or /etc/localtime, tzset(3). The C library chooses when a local time occurs twice.
  /// mktime(3)
  public static func secondsSince1970(
    localYear year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
  ) -> Int64? {
    guard (1...9999).contains(year) else { return nil }
    var parts = tm()
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(clamping: month - 1)
    parts.tm_mday = Int32(clamping: day)
    parts.tm_hour = Int32(clamping: hour)
    parts.tm_min = Int32(clamping: minute)
    parts.tm_sec = Int32(clamping: second)
    parts.tm_isdst = -1
    // -1 is also a valid result; mktime(3) has set the day of the week then.
    parts.tm_wday = -1
    let seconds = mktime(&parts)
    return seconds == -1 && parts.tm_wday == -1 ? nil : Int64(seconds)
  }

  /// Hours and minutes for people: `20:37 UTC`.
  public static var timeOfDay: String { "\(timestamp.dropFirst(11).prefix(5)) UTC" }

  /// The time in RFC 3339 format, UTC, with milliseconds: `2026-11-20T20:37:17.123Z`.
  public static var timestamp: String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ value: Int32, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return
      "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))T"
      + "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))."
      + "\(padded(Int32(now.tv_nsec / 1_000_000), 3))Z"
  }
}
