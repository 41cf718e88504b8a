/// What one rule says about a login.
struct Finding: Equatable {
  enum Mark: Equatable {
    /// The rule lets the login through.
    case passes
    /// It does not; with the code that the daemon's log has for it.
    case refuses(String)
    /// Something to know, that decides nothing.
    case notes
  }

  var mark: Mark
  /// As it is called in the configuration: `auth.deny_users[2]`.
  var rule: String
  var text: String
  /// Where it is written: `server.yaml:12:5`; nil: nowhere, as a default.
  var place: String?
}

/// An explanation: what each rule says, in the order in which the daemon asks them, and what comes of it.
struct Report: Equatable {
  /// The parts, in their order.
  enum Part: String, CaseIterable {
    case connection = "Connection"
    case user = "User"
    case credentials = "Credentials"
    case permissions = "Permissions"
  }

  private(set) var findings: [Part: [Finding]] = [:]
  /// The steps of a login that is let in.
  var steps: [String]?

  /// Adds a finding to the others of its part.
  mutating func add(_ part: Part, _ mark: Finding.Mark, _ rule: String, _ text: String, at place: String? = nil) {
    findings[part, default: []].append(Finding(mark: mark, rule: rule, text: text, place: place))
  }

  /// What refuses the login; nil: it is let in.
  ///
  /// Every rule about the connection and the user must let it through. Of the credentials one way is enough, so what
  /// they refuse decides only when there is none.
  var refusal: Finding? {
    let parts: [Part] = steps == nil ? [.connection, .user, .credentials] : [.connection, .user]
    return parts.flatMap { findings[$0] ?? [] }.first { $0.code != nil }
  }

  /// True when the daemon would let the login in.
  var isLetIn: Bool { steps != nil && refusal == nil }

  /// All of it, for people.
  func text(_ question: LoginQuestion) -> String {
    var lines: [String] = []
    for part in Part.allCases where part != .permissions || isLetIn {
      guard let findings = findings[part] else { continue }
      lines.append(part.rawValue)
      let width = min(findings.map(\.rule.count).max() ?? 0, 40)
      lines += findings.map { $0.line(width) }
      lines.append("")
    }
    return (lines + [verdict(question)]).joined(separator: "\n") + "\n"
  }

  /// The last line: what it comes to, and what decided.
  private func verdict(_ question: LoginQuestion) -> String {
    let who = "'\(question.user)' from \(question.address)"
    if isLetIn { return "let in: \(who), by \((steps ?? []).joined(separator: ", then "))" }
    guard let refusal, let code = refusal.code else { return "refused: \(who)" }
    return "refused: \(who), \(code), by \(refusal.rule)" + (refusal.place.map { " (\($0))" } ?? "")
  }
}

extension Finding {
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
