import Audit

/// What a client tried so far to log in, as far as no event told of it.
///
/// Decides only. Every attempt is told once. Asking for the methods, or whether a key would do, is none by itself; but
/// who leaves after nothing else has tried to log in, and failed: that is told at the end, once.
struct LoginTrial: Equatable, Sendable {
  /// Something that a client asked for.
  struct Try: Equatable, Sendable {
    /// By what, as the log calls it.
    var method: String
    /// Why it did not lead to a login.
    var reason: Reason?
    /// The fingerprint of its key; empty: none, or it is not known.
    var key = ""
    /// It proved nothing, and meant to prove nothing.
    var isQuestion: Bool
  }

  /// What came last and is not told.
  private var last: Try?
  /// Keys that were asked about.
  private var offers = 0
  private var hasTold = false

  /// The client asks for something.
  mutating func begin(_ method: String, isQuestion: Bool) {
    if method == "publickey", isQuestion { offers += 1 }
    last = Try(method: method, reason: Reason(LoginFailure.abandoned), isQuestion: isQuestion)
  }

  /// What came of it, when that was no event.
  mutating func concludeQuestion(_ reason: Reason?, key: String = "") {
    last?.reason = reason
    last?.key = key
  }

  /// An event told of the last attempt.
  mutating func tell() {
    hasTold = true
    last = nil
  }

  /// A step of a login was proven, which is told with the login, or with its end.
  mutating func prove() { last = nil }

  /// What is to be told when the client ends without a login; nil: everything was told.
  ///
  /// - Parameter proven: the steps that it has proven.
  func rest(proven: [String]) -> (attempt: Try, details: String?)? {
    if let last, !last.isQuestion { return (last, nil) }
    if !proven.isEmpty {
      let method = proven.joined(separator: ",")
      return (Try(method: method, reason: Reason(LoginFailure.incomplete), isQuestion: false), nil)
    }
    guard let last, !hasTold else { return nil }
    return (last, offers > 0 ? "\(offers) \(offers == 1 ? "key" : "keys") offered" : nil)
  }
}
