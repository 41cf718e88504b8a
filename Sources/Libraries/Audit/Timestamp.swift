/// Times in the format of the journal: RFC 3339, UTC, microseconds, such as `2026-11-20T20:37:17.123456Z`.
public enum Timestamp {
  /// The range of times that have this format, in microseconds since 1970: the years 0000 to 9999.
  public static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

  /// The text of a time in microseconds since 1970; values outside of ``range`` are clamped.
  public static func text(_ microseconds: Int64) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(27)
    append(microseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends ``text(_:)`` to `bytes`.
  static func append(_ microseconds: Int64, to bytes: inout [UInt8]) {
    let time = min(max(microseconds, range.lowerBound), range.upperBound) - range.lowerBound
    let (days, rest) = time.quotientAndRemainder(dividingBy: day)
    let date = CalendarDate(day: Int(days))
    let seconds = Int(rest / 1_000_000)
    for (number, width, separator) in [
      (date.year, 4, UInt8(ascii: "-")), (date.month, 2, UInt8(ascii: "-")), (date.day, 2, UInt8(ascii: "T")),
      (seconds / 3600, 2, UInt8(ascii: ":")), (seconds / 60 % 60, 2, UInt8(ascii: ":")),
      (seconds % 60, 2, UInt8(ascii: ".")), (Int(rest % 1_000_000), 6, UInt8(ascii: "Z")),
    ] {
      digits(number, width, to: &bytes)
      bytes.append(separator)
    }
  }

  /// Parses ``text(_:)``; nil if the text has another format or the time does not exist. The result is in microseconds
  /// since 1970.
  public static func microseconds(_ text: some StringProtocol) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 27 else { return nil }
    var numbers: [Int] = []
    var place = 0
    for (width, separator) in [(4, "-"), (2, "-"), (2, "T"), (2, ":"), (2, ":"), (2, "."), (6, "Z")] {
      var number = 0
      for byte in bytes[place..<place + width] {
        guard (0x30...0x39).contains(byte) else { return nil }
        number = number * 10 + Int(byte - 0x30)
      }
      guard bytes[place + width] == separator.utf8.first else { return nil }
      numbers.append(number)
      place += width + 1
    }
    guard numbers[3] < 24, numbers[4] < 60, numbers[5] < 60,
      let date = CalendarDate(year: numbers[0], month: numbers[1], day: numbers[2])
    else { return nil }
    let seconds = numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
    return range.lowerBound + Int64(date.daysFromYearZero) * day + Int64(seconds) * 1_000_000 + Int64(numbers[6])
  }

  /// Microseconds per day.
  private static let day: Int64 = 86_400_000_000

  private static func digits(_ number: Int, _ width: Int, to bytes: inout [UInt8]) {
    var factor = 1
    for _ in 1..<width { factor *= 10 }
    while factor > 0 {
      bytes.append(0x30 + UInt8(number / factor % 10))
      factor /= 10
    }
  }
}

/// A date in the Gregorian calendar, in the years 0000 to 9999.
private struct CalendarDate {
  let year: Int
  let month: Int
  let day: Int

  /// nil for a date that does not exist.
  init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1, day <= Self.length(of: month, in: year) else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// The date `count` days after January 1 of the year 0.
  init(day count: Int) {
    // Every 400 years have the same number of days; within them, the estimate is at most one too high.
    let (cycles, rest) = count.quotientAndRemainder(dividingBy: Self.start(of: 400))
    var year = rest / 365
    if Self.start(of: year) > rest { year -= 1 }
    var left = rest - Self.start(of: year)
    var month = 1
    while left >= Self.length(of: month, in: year) {
      left -= Self.length(of: month, in: year)
      month += 1
    }
    (self.year, self.month, day) = (cycles * 400 + year, month, left + 1)
  }

  var daysFromYearZero: Int {
    (1..<month).reduce(Self.start(of: year) + day - 1) { $0 + Self.length(of: $1, in: year) }
  }

  /// Days from the year 0 to this year. Leap years are those divisible by 4, except those divisible by 100 and not by
  /// 400.
  private static func start(of year: Int) -> Int {
    year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400
  }

  private static func length(of month: Int, in year: Int) -> Int {
    switch month {
    case 2: start(of: year + 1) - start(of: year) == 366 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
