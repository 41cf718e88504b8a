import Audit

/// What a client has tried to log in by, as far as no event reports it yet.
///
/// Every attempt is reported once. A question (which methods there are, whether a key would be accepted) is no attempt by
/// itself; but a client that only asks questions and leaves has tried to log in and failed, which is reported once, at the
/// end.
struct AuthAttemptLog: Equatable, Sendable {
  /// The last attempt, if it is not reported.
  private var last: AuthAttempt?
  /// Keys that were asked about.
  private var offers = 0
  private var hasReported = false

  /// The client asks for something.
  mutating func begin(_ method: String, isQuestion: Bool) {
    if method == "publickey", isQuestion { offers += 1 }
    last = AuthAttempt(method: method, reason: Reason(LoginFailure.abandoned), isQuestion: isQuestion)
  }

  /// A question was answered.
  mutating func questionAnswered(_ reason: Reason?, key: String = "") {
    last?.reason = reason
    last?.key = key
  }

  /// An event reports the last attempt.
  mutating func reported() {
    hasReported = true
    last = nil
  }

  /// A step of a login was proven, which is reported with the login or with the end.
  mutating func proved() { last = nil }

  /// What is to be reported when the client ends without a login; nil: everything was reported.
  ///
  /// - Parameter proven: the steps that it has proven.
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

/// Something that a client asked for on its way to a login.
struct AuthAttempt: Equatable, Sendable {
  /// The method, or the step, as the log calls it.
  var method: String
  /// Why it did not lead to a login.
  var reason: Reason?
  /// The fingerprint of its key; empty: it has none, or it is not known.
  var key = ""
  /// It proves nothing, and was not meant to.
  var isQuestion: Bool
}
