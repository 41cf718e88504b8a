/// The names of recordings: `20261120T203717Z-alice-f81d4fae-7dec-41d0-a765-00a0c91e6bf6-0.cast`.
enum RecordingName {
  /// A unique name that sorts by time and contains the user.
  ///
  /// - Parameters:
  ///   - time: RFC 3339, UTC: `2026-11-20T20:37:17.123Z`.
  ///   - user: the user name, cut to 64 bytes; bytes other than letters, digits, `.` and `_` become `_`.
  ///   - session: the UUID of the login.
  ///   - number: the number of the recording in the login.
  static func make(time: String, user: String, session: String, number: Int) -> String {
    let stamp = time.prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" }
    let name = user.utf8.prefix(64).map { byte -> Character in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
        Character(Unicode.Scalar(byte))
      default: "_"
      }
    }
    return "\(stamp)Z-\(String(name))-\(session)-\(number).cast"
  }
}
