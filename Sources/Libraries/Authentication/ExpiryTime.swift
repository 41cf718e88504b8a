/// A time in `expiry-time=`: `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, in the system's time zone, or in UTC if
/// `Z` or `UTC` follows. sshd(8)
public struct ExpiryTime: Equatable, Sendable {
  /// 0…9999.
  public let year: Int
  /// 1…12.
  public let month: Int
  /// 1…31, valid in the month.
  public let day: Int
  /// 0…23.
  public let hour: Int
  /// 0…59.
  public let minute: Int
  /// 0…60, where 60 is a leap second.
  public let second: Int
  /// True if the text ends in `Z` or `UTC`, in either case.
  public let isUTC: Bool

  /// nil if the text has another form, or the date or time does not exist.
  public init?(_ text: ArraySlice<UInt8>) {
    var digits = text
    let suffix = ["z", "utc"].first { text.suffix($0.utf8.count).lowercased.elementsEqual($0.utf8) }
    digits = digits.dropLast(suffix?.utf8.count ?? 0)
    isUTC = suffix != nil
    guard [8, 12, 14].contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    var rest = digits
    func number(_ count: Int) -> Int {
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    (year, month, day) = (number(4), number(2), number(2))
    (hour, minute, second) = (number(2), number(2), number(2))
    guard (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
  }

  /// Seconds since 1970, with the time taken as UTC.
  public var secondsInUTC: Int64 {
    // A year that begins in March has its leap day at the end.
    let years = Int64(month > 2 ? year : year - 1)
    let monthsSinceMarch = Int64((month + 9) % 12)
    let dayOfYear = (153 * monthsSinceMarch + 2) / 5 + Int64(day) - 1
    let days = years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear - 719_468
    return ((days * 24 + Int64(hour)) * 60 + Int64(minute)) * 60 + Int64(second)
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension Collection<UInt8> {
  /// The bytes with ASCII letters in lower case.
  var lowercased: [UInt8] { map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 } }
}
