import Testing

@testable import Configuration

@Suite struct UnitsTests {
  @Test(arguments: [
    ("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400),
  ])
  func `durations are parsed`(text: String, seconds: UInt64) {
    #expect(Units.parse(text, Units.seconds, plain: 1) == seconds)
  }

  @Test(arguments: [
    ("100ms", 100), ("1", 1000), ("2s", 2000), ("1m", 60000),
  ])
  func `durations in milliseconds are parsed`(text: String, milliseconds: UInt64) {
    #expect(Units.parse(text, Units.milliseconds, plain: 1000) == milliseconds)
  }

  @Test(arguments: [
    ("0", 0), ("5", 5), ("5B", 5), ("64KiB", 65536), ("50MiB", 52_428_800), ("1GiB", 1 << 30), ("1TiB", 1 << 40),
  ])
  func `sizes are parsed`(text: String, bytes: UInt64) {
    #expect(Units.parse(text, Units.bytes, plain: 1) == bytes)
  }

  @Test(arguments: [
    "", "s", "-1", "+1", "1.5h", "1 h", " 1", "1hs", "1H", "99999999999999999999", "18446744073709551615d", "１s",
    "0x10",
  ])
  func `an invalid duration is refused`(text: String) {
    #expect(Units.parse(text, Units.seconds, plain: 1) == nil)
  }

  @Test(arguments: [0, 1, 59, 60, 90, 3600, 86400, 90000, UInt64.max])
  func `a duration survives formatting and parsing`(seconds: UInt64) {
    #expect(Units.parse(Units.format(seconds, Units.seconds), Units.seconds, plain: 1) == seconds)
  }
}
