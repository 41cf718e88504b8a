import Glibc
import System
import Testing

@Suite struct ShadowEntryTests {
  /// The fields of an entry, and what they mean on day 20,000.
  static let rows: [(last: Int?, most: Int?, inactive: Int?, end: Int?, isExpired: Bool, isPasswordExpired: Bool)] = [
    (nil, nil, nil, nil, false, false),
    (19_999, 99_999, nil, nil, false, false),
    // The day before is the account's last one.
    (nil, nil, nil, 20_001, false, false), (nil, nil, nil, 20_000, true, false), (nil, nil, nil, 0, true, false),
    // A password valid for 90 days: on its last day and on the next.
    (19_910, 90, nil, nil, false, false), (19_909, 90, nil, nil, false, true),
    // After passwd -e.
    (0, 99_999, nil, nil, false, true), (0, 1, 1, nil, false, true),
    // With seven days of inactivity.
    (19_903, 90, 7, nil, false, true), (19_902, 90, 7, nil, true, true), (19_902, nil, 7, nil, false, false),
    (nil, 90, 7, nil, false, false), (20_001, 0, 0, nil, false, false),
    (1 << 40, 1 << 40, 1 << 40, 1 << 40, false, false),
  ]

  @Test func `an entry means what chage(1) says`() {
    for row in Self.rows {
      var entry = ShadowEntry()
      entry.lastChange = row.last
      entry.maximumAge = row.most
      entry.inactivity = row.inactive
      entry.expiration = row.end
      #expect(entry.isExpired(on: 20_000) == row.isExpired, "\(row)")
      #expect(entry.isPasswordExpired(on: 20_000) == row.isPasswordExpired, "\(row)")
    }
  }

  @Test func `today is a plausible day number`() { #expect((20_000...60_000).contains(ShadowEntry.today)) }

  @Test(.enabled(if: geteuid() == 0)) func `the system's entries are found, and no others`() throws {
    let root = try #require(try ShadowEntry(of: "root"))
    #expect(!root.isExpired(on: ShadowEntry.today))
    #expect(try ShadowEntry(of: "no-such-user-here") == nil)
    #expect(try ShadowEntry(of: "ro\0ot") == nil)
  }
}
