import CLinux
import Glibc

/// The fields of shadow(5) about an account, without the password. Days are counted from 1970-01-01; nil means none is
/// set.
public struct ShadowEntry: Equatable, Sendable {
  /// The password begins with `!`, as after useradd(8) without a password, passwd(1) -l and usermod(8) -L, or with
  /// `*LK*`.
  public var isLocked = false
  /// The day of the last password change; 0: the password must be changed.
  public var lastChange: Int?
  /// Days until a password expires.
  public var maximumAge: Int?
  /// Days after that until the account is disabled.
  public var inactivity: Int?
  /// The first day on which the account is disabled.
  public var expiration: Int?

  /// An entry that sets nothing.
  public init() {}

  /// Looks up the entry of an account; nil when the system has none. For root only; may block on name services.
  /// getspnam_r(3)
  ///
  /// - Throws: `SystemError` with the errno of getspnam_r(3) or getpwnam_r(3), for instance when a name service fails.
  public init?(of name: String) throws(SystemError) {
    var raw = clinux_shadow()
    guard !name.utf8.contains(0) else { return nil }
    let found = try check("look up shadow(5)") { clinux_shadow_entry(name, &raw) }
    guard found == 1 else { return nil }
    isLocked = raw.is_locked != 0
    lastChange = ShadowEntry.days(raw.last_change)
    maximumAge = ShadowEntry.days(raw.maximum)
    inactivity = ShadowEntry.days(raw.inactive)
    expiration = ShadowEntry.days(raw.expiration)
  }

  /// Today, in UTC as everywhere in shadow(5).
  public static var today: Int { Int(time(nil)) / 86_400 }

  /// True when nobody may log in on this day: the account has expired, or its password was left unchanged for too long.
  public func isExpired(on day: Int) -> Bool {
    if let expiration, day >= expiration { return true }
    guard let lastChange, lastChange > 0, let maximumAge, let inactivity else { return false }
    return day - lastChange > maximumAge + inactivity
  }

  /// True when the password must be changed before it can be used.
  public func isPasswordExpired(on day: Int) -> Bool {
    guard let lastChange else { return false }
    if lastChange == 0 { return true }
    guard let maximumAge else { return false }
    return day - lastChange > maximumAge
  }

  /// Limited, so that additions cannot overflow.
  private static func days(_ value: Int) -> Int? { value < 0 ? nil : min(value, 1 << 40) }
}
