import Glibc
import System

/// Parses and formats times, in microseconds since 1970.
enum TimeText {
  /// `2026-11-20 20:37:17.123`, in the system's time zone, or in UTC with a `Z`.
  static func format(_ microseconds: Int64, inUTC: Bool) -> String {
    let (seconds, rest) = floorDivide(microseconds, 1_000_000)
    var time = time_t(seconds)
    var parts = tm()
    if inUTC { gmtime_r(&time, &parts) } else { localtime_r(&time, &parts) }
    let date = "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1))-\(padded(Int(parts.tm_mday)))"
    let clock = "\(padded(Int(parts.tm_hour))):\(padded(Int(parts.tm_min))):\(padded(Int(parts.tm_sec)))"
    return "\(date) \(clock).\(padded(Int(rest) / 1000, 3))\(inUTC ? "Z" : "")"
  }

  /// Hours and minutes, preceded by days if there are any: `00:42`, `2+03:15`.
  static func duration(_ microseconds: Int64) -> String {
    let minutes = Int(max(0, microseconds) / 60_000_000)
    let days = minutes / 1440
    return (days > 0 ? "\(days)+" : "") + "\(padded(minutes / 60 % 24)):\(padded(minutes % 60))"
  }

  /// Parses a time: `2026-11-20`, `2026-11-20 20:37`, `2026-11-20T20:37:17Z`, `20:37`, `today`, `yesterday`, `now`; or
  /// an elapsed time: `90s`, `15m`, `2h`, `1d`. Without a `Z` it is in the system's time zone.
  static func parse(_ text: String, now: Int64) -> Int64? {
    if let ago = ago(text) { return now - ago }
    let today = day(of: now)
    switch text {
    case "now": return now
    case "today": return time(of: today, 0, inUTC: false)
    case "yesterday":
      // An hour before midnight is in the previous day in every time zone.
      let midnight = time(of: today, 0, inUTC: false)
      return midnight.flatMap { time(of: day(of: $0 - 3_600_000_000), 0, inUTC: false) }
    default: break
    }
    var rest = Substring(text)
    let inUTC = rest.hasSuffix("Z")
    if inUTC { rest = rest.dropLast() }
    guard let separator = rest.firstIndex(where: { $0 == " " || $0 == "T" }) else {
      if let date = numbers(rest, separator: "-", [4, 2, 2]) { return time(of: date, 0, inUTC: inUTC) }
      return clock(rest).flatMap { time(of: today, $0, inUTC: inUTC) }
    }
    guard let date = numbers(rest[..<separator], separator: "-", [4, 2, 2]),
      let clock = clock(rest[rest.index(after: separator)...])
    else { return nil }
    return time(of: date, clock, inUTC: inUTC)
  }

  private static func ago(_ text: String) -> Int64? {
    let factors: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
    guard let unit = text.last, let factor = factors[unit], text.utf8.count <= 9, let number = Int64(text.dropLast()),
      number >= 0
    else { return nil }
    return number * factor * 1_000_000
  }

  /// Microseconds since midnight: `20:37`, `20:37:17`, `20:37:17.25`.
  private static func clock(_ text: Substring) -> Int64? {
    var text = text
    var fraction: Int64 = 0
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].utf8
      guard (1...6).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      for place in 0..<6 {
        let digit = digits.dropFirst(place).first.map { Int64($0 - 0x30) } ?? 0
        fraction = fraction * 10 + digit
      }
      text = text[..<dot]
      guard numbers(text, separator: ":", [2, 2, 2]) != nil else { return nil }
    }
    guard let parts = numbers(text, separator: ":", [2, 2, 2]) ?? numbers(text, separator: ":", [2, 2]),
      parts[0] < 24, parts[1] < 60, parts.count < 3 || parts[2] < 60
    else { return nil }
    return (Int64(parts[0]) * 3600 + Int64(parts[1]) * 60 + Int64(parts.count > 2 ? parts[2] : 0)) * 1_000_000
      + fraction
  }

  /// Numbers with these numbers of digits.
  private static func numbers(_ text: Substring, separator: Character, _ widths: [Int]) -> [Int]? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == widths, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { return nil }
    return parts.compactMap { Int($0) }
  }

  /// Year, month and day in the system's time zone.
  private static func day(of microseconds: Int64) -> [Int] {
    var time = time_t(floorDivide(microseconds, 1_000_000).quotient)
    var parts = tm()
    localtime_r(&time, &parts)
    return [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
  }

  private static func time(of date: [Int], _ clock: Int64, inUTC: Bool) -> Int64? {
    let lengths =
      [31, date[0].isMultiple(of: 4) && (!date[0].isMultiple(of: 100) || date[0].isMultiple(of: 400)) ? 29 : 28]
      + [31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1970...9999).contains(date[0]), (1...12).contains(date[1]), (1...lengths[date[1] - 1]).contains(date[2])
    else {
      return nil
    }
    let seconds = Int(clock / 1_000_000)
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(date[0] - 1900), Int32(date[1] - 1), Int32(date[2]))
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(seconds / 3600), Int32(seconds / 60 % 60), Int32(seconds % 60))
    parts.tm_isdst = -1
    let begin = inUTC ? timegm(&parts) : mktime(&parts)
    return begin < 0 ? nil : Int64(begin) * 1_000_000 + clock % 1_000_000
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func padded(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
