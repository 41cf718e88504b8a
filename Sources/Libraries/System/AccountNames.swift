import Glibc

/// Names of users and groups, looked up once each and then cached. getpwuid(3), getgrgid(3)
///
/// A lookup can block on a name service, so processes that must not block do not use this.
public final class AccountNames {
  /// Limit of cached names of each kind; the cache is emptied when it is full.
  private static let limit = 4096

  private var users: [UInt32: [UInt8]?] = [:]
  private var groups: [UInt32: [UInt8]?] = [:]

  public init() {}

  /// The user's name, or nil when no user has this number.
  public func knownUser(_ id: UInt32) -> [UInt8]? {
    if let known = users[id] { return known }
    if users.count >= AccountNames.limit { users = [:] }
    let name = (try? SystemAccounts().user(id: id))?.name
    users[id] = .some(name)
    return name
  }

  /// The group's name, or nil when no group has this number.
  public func knownGroup(_ id: UInt32) -> [UInt8]? {
    if let known = groups[id] { return known }
    if groups.count >= AccountNames.limit { groups = [:] }
    let name = (try? SystemAccounts().group(id: id))?.name
    groups[id] = .some(name)
    return name
  }

  /// The user's name, or the number in decimal digits when there is no such user.
  public func user(_ id: UInt32) -> [UInt8] { knownUser(id) ?? Array(String(id).utf8) }

  /// The group's name, or the number in decimal digits when there is no such group.
  public func group(_ id: UInt32) -> [UInt8] { knownGroup(id) ?? Array(String(id).utf8) }

  /// The home directory of the named user, or of this process's effective user when `user` is nil.
  ///
  /// Returns nil when there is no such account. Can block on a name service. getpwnam(3), getpwuid(3)
  public static func home(of user: [UInt8]?) -> [UInt8]? {
    let accounts = SystemAccounts()
    let found = user.map { try? accounts.user(named: $0) } ?? (try? accounts.user(id: geteuid()))
    return found?.home
  }
}

/// Local time, in the system's time zone.
public enum LocalTime {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Seconds since 1970, UTC. time(2)
  public static var now: Int64 { Int64(time(nil)) }

  /// Local time as ls(1) prints it: `Nov 20 20:37`, or `Nov 20  2025` with the year; empty when it cannot be converted.
  ///
  /// - Parameter seconds: since 1970, UTC.
  public static func listing(_ seconds: Int64, withYear: Bool) -> [UInt8] {
    var moment = time_t(seconds)
    var parts = tm()
    guard localtime_r(&moment, &parts) != nil, months.indices.contains(Int(parts.tm_mon)) else { return [] }
    func two(_ value: Int32, _ pad: String) -> String { value < 10 ? pad + String(value) : String(value) }
    let day = "\(months[Int(parts.tm_mon)]) \(two(parts.tm_mday, " ")) "
    let rest =
      withYear ? " \(parts.tm_year + 1900)" : "\(two(parts.tm_hour, "0")):\(two(parts.tm_min, "0"))"
    return Array((day + rest).utf8)
  }
}
