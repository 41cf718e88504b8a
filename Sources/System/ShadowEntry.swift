import CLinux
import Glibc

/// What shadow(5) says about an account, but for its password. Days are counted from 1970-01-01; nil: none is given.
public struct ShadowEntry: Equatable, Sendable {
  /// The password begins with `!`, as useradd(8) without a password, passwd(1) -l and usermod(8) -L leave it, or with
  /// `*LK*`.
  public var isLocked = false
  /// The day of the last change of the password; 0: it has to be changed.
  public var lastChange: Int?
  /// Days that a password is good for.
  public var maximumAge: Int?
  /// Days after that until the account is out of use.
  public var inactivity: Int?
  /// The first day on which the account is out of use.
  public var expiration: Int?

  public init() {}

  /// The entry of the account with this name; nil when the system has none. Only root may ask, and name services may
  /// take their time. getspnam(3)
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

  /// The day it is, in UTC as everywhere in shadow(5).
  public static var today: Int { Int(time(nil)) / 86_400 }

  /// True when nobody is to log in: the account's day has come, or its password was left unchanged for too long.
  public func isExpired(on day: Int) -> Bool {
    if let expiration, day >= expiration { return true }
    guard let lastChange, lastChange > 0, let maximumAge, let inactivity else { return false }
    return day - lastChange > maximumAge + inactivity
  }

  /// True when the password is to be changed before it is used.
  public func isPasswordExpired(on day: Int) -> Bool {
    guard let lastChange else { return false }
    if lastChange == 0 { return true }
    guard let maximumAge else { return false }
    return day - lastChange > maximumAge
  }

  /// Bounded, so that days can be added.
  private static func days(_ value: Int) -> Int? { value < 0 ? nil : min(value, 1 << 40) }
}
