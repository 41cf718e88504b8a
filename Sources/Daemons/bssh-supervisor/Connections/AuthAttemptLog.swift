import Audit

/// The login attempts of a client that no event has reported yet.
///
/// Every attempt is reported once. A query (for the list of methods, or whether a key would be accepted) is not an attempt
/// by itself, but a client that only sends queries and leaves has failed to log in, which is reported once at the end.
struct AuthAttemptLog: Equatable, Sendable {
  /// The last attempt; nil: it was reported.
  private var last: AuthAttempt?
  /// The number of keys that were queried.
  private var offers = 0
  private var hasReported = false

  /// Handles a request.
  mutating func begin(_ method: String, isQuestion: Bool) {
    if method == "publickey", isQuestion { offers += 1 }
    last = AuthAttempt(method: method, reason: Reason(LoginFailure.abandoned), isQuestion: isQuestion)
  }

  /// Handles the reply to a query.
  mutating func questionAnswered(_ reason: Reason?, key: String = "") {
    last?.reason = reason
    last?.key = key
  }

  /// Handles that an event has reported the last attempt.
  mutating func reported() {
    hasReported = true
    last = nil
  }

  /// Handles that a step was completed, which is reported with the login or at the end.
  mutating func proved() { last = nil }

  /// The attempt to report when the connection ends without a login; nil: all were reported.
  ///
  /// - Parameter proven: the completed steps.
  func unreported(proven: [String]) -> (attempt: AuthAttempt, details: String?)? {
    if let last, !last.isQuestion { return (last, nil) }
    if !proven.isEmpty {
      let method = proven.joined(separator: ",")
      return (AuthAttempt(method: method, reason: Reason(LoginFailure.incomplete), isQuestion: false), nil)
    }
    guard let last, !hasReported else { return nil }
    return (last, offers > 0 ? "\(offers) \(offers == 1 ? "key" : "keys") offered" : nil)
  }
}

/// A login attempt or query of a client.
struct AuthAttempt: Equatable, Sendable {
  /// The name of the method or the step in the log.
  var method: String
  /// Why it failed.
  var reason: Reason?
  /// The fingerprint of the key; empty: none, or not known.
  var key = ""
  /// True for a query, which proves nothing.
  var isQuestion: Bool
}
