/// Counts the logins of each user: `security.max_sessions_per_user`.
///
/// Names are compared byte by byte. Two names for one account are two users, as in the configuration.
struct SessionCounts: Equatable, Sendable {
  private var counts: [[UInt8]: Int] = [:]

  /// The number of logins of a user.
  func count(of user: String) -> Int { counts[Array(user.utf8)] ?? 0 }

  /// Counts a login; false: the user already has `limit` logins, and it is not counted.
  mutating func enter(_ user: String, limit: Int) -> Bool {
    let count = count(of: user)
    guard count < limit else { return false }
    counts[Array(user.utf8)] = count + 1
    return true
  }

  /// Handles the end of a counted login.
  mutating func leave(_ user: String) {
    let count = count(of: user)
    counts[Array(user.utf8)] = count > 1 ? count - 1 : nil
  }
}
