/// The result of one rule for a login.
struct RuleResult: Equatable {
  enum Mark: Equatable {
    /// The rule permits the login.
    case passes
    /// The rule refuses it, with the code that the daemon logs.
    case refuses(String)
    /// A note that decides nothing.
    case notes
  }

  var mark: Mark
  /// Its name in the configuration: `auth.deny_users[2]`.
  var rule: String
  var text: String
  /// Where it is written: `server.yaml:12:5`; nil: nowhere, for example for a default.
  var place: String?
}

/// An explanation: the result of each rule, in the order in which the daemon applies them, and the outcome.
struct Report: Equatable {
  /// The sections, in order.
  enum Part: String, CaseIterable {
    case connection = "Connection"
    case user = "User"
    case credentials = "Credentials"
    case permissions = "Permissions"
  }

  private(set) var results: [Part: [RuleResult]] = [:]
  /// The steps of a login that is accepted.
  var steps: [String]?

  /// Adds a finding to its section.
  mutating func add(_ part: Part, _ mark: RuleResult.Mark, _ rule: String, _ text: String, at place: String? = nil) {
    results[part, default: []].append(RuleResult(mark: mark, rule: rule, text: text, place: place))
  }

  /// What refuses the login; nil: it is accepted.
  ///
  /// Every rule about the connection and the user must permit it. Of the credentials one way is enough, so their
  /// refusals decide only if there is none.
  var refusal: RuleResult? {
    let parts: [Part] = steps == nil ? [.connection, .user, .credentials] : [.connection, .user]
    return parts.flatMap { results[$0] ?? [] }.first { $0.code != nil }
  }

  /// True if the daemon would accept the login.
  var isLetIn: Bool { steps != nil && refusal == nil }

  /// The whole report as text.
  func text(_ question: LoginQuery) -> String {
    var lines: [String] = []
    for part in Part.allCases where part != .permissions || isLetIn {
      guard let results = results[part] else { continue }
      lines.append(part.rawValue)
      let width = min(results.map(\.rule.count).max() ?? 0, 40)
      lines += results.map { $0.line(width) }
      lines.append("")
    }
    return (lines + [verdict(question)]).joined(separator: "\n") + "\n"
  }

  /// The last line: the outcome, and what decided it.
  private func verdict(_ question: LoginQuery) -> String {
    let who = "'\(question.user)' from \(question.address)"
    if isLetIn { return "accepted: \(who), by \((steps ?? []).joined(separator: ", then "))" }
    guard let refusal, let code = refusal.code else { return "refused: \(who)" }
    return "refused: \(who), \(code), by \(refusal.rule)" + (refusal.place.map { " (\($0))" } ?? "")
  }
}

extension RuleResult {
  /// nil: it refuses nothing.
  var code: String? { if case .refuses(let code) = mark { code } else { nil } }

  /// `  no  auth.deny_users[2]   names anna: user_denied (server.yaml:12:5)`
  fileprivate func line(_ width: Int) -> String {
    let sign =
      switch mark {
      case .passes: "ok"
      case .refuses: "NO"
      case .notes: "--"
      }
    let padding = String(repeating: " ", count: max(0, width - rule.count))
    return "  \(sign)  \(rule)\(padding)  \(text)" + (code.map { ": \($0)" } ?? "") + (place.map { " (\($0))" } ?? "")
  }
}
