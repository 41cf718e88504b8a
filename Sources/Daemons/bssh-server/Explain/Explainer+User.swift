import Audit
import Authentication
import Configuration
import Filter
import IPC
import Model

extension Explainer {
  typealias Step = AuthenticationMachine.Step

  /// The account, the `match` blocks, and the rules that apply whatever is proven.
  mutating func explainUser() throws(BackendError) -> KnownUser {
    let answer = try backends.account(question.user, from: question.address)
    let kind = AuthenticationMachine.AccountKind(name: question.user, uid: answer.login?.uid)
    explainAccount(answer)
    var attempt = LoginAttempt(
      user: question.user, address: question.address, groups: Set(answer.groups.map { NamePattern($0) }))
    let blocks = loaded.settings.matching(attempt)
    explainBlocks(attempt)
    if let name = answer.systemName, answer.login != nil {
      attempt.account = try backends.status(of: name)
    } else {
      attempt.account = AccountStatus()
    }
    attempt.kind = kind
    attempt.noLogins = answer.noLogins
    let user = KnownUser(
      answer: answer, attempt: attempt, blocks: blocks, settings: loaded.settings.applying(blocks), kind: kind)
    explainRules(user)
    return user
  }

  private mutating func explainAccount(_ answer: AccountReply) {
    let place = place(ofUserKey: configured?.runAs == nil ? "name" : "run_as")
    guard let account = answer.login else {
      let text =
        switch answer.refusal {
        case .noSuchUser: "there is no user of this name"
        case .noSuchAccount: "there is no account '\(configured?.runAs ?? question.user)'"
        case .badShell: "the account's shell is not an executable file"
        case .tooManyGroups: "the account is in too many groups"
        case .lookUpFailed, .accountDiffers, nil: "the account could not be looked up"
        }
      return report.add(.user, .refuses((answer.refusal ?? .lookUpFailed).rawValue), "account", text, at: place)
    }
    report.add(
      .user, .passes, "account",
      "uid \(account.uid), gid \(account.gid), home \(account.home), shell \(account.shell)", at: place)
    let shell = configured?.shell == nil ? nil : self.place(ofUserKey: "shell")
    switch account.shellKind {
    case .listed: break
    case .unlisted:
      report.add(
        .user, .notes, "shells(5)", "/etc/shells does not list \(account.shell); it is started nevertheless", at: shell)
    case .none:
      report.add(
        .user, .notes, "shells(5)",
        "\(account.shell) allows no interactive login; file transfers only if allowed explicitly: see Permissions",
        at: shell)
    }
  }

  private mutating func explainBlocks(_ attempt: LoginAttempt) {
    for (number, block) in loaded.settings.matches.enumerated() {
      let conditions = Match.conditions.filter { !Self.isEmpty($0, of: block) }
      let failed = conditions.filter { !Self.only($0, of: block).holds(for: attempt) }
      let place = conditions.first.flatMap { loaded.sourceMap.location(of: $0, inBlock: number) }
      let text =
        failed.isEmpty
        ? "applies, and sets \(block.paths.joined(separator: ", "))"
        : "does not apply: \(failed.joined(separator: ", "))"
      report.add(.user, .notes, "match[\(number)]", text, at: place)
    }
  }

  private static func isEmpty(_ condition: String, of block: Match) -> Bool {
    switch condition {
    case "users": block.users.isEmpty
    case "groups": block.groups.isEmpty
    default: block.addresses.isEmpty
    }
  }

  /// A block with only one of the conditions.
  private static func only(_ condition: String, of block: Match) -> Match {
    var only = Match()
    switch condition {
    case "users": only.users = block.users
    case "groups": only.groups = block.groups
    default: only.addresses = block.addresses
    }
    return only
  }

  // MARK: Rules

  /// Rules with the same result for every step; ``stepRules(_:_:)`` has the others.
  private mutating func explainRules(_ user: KnownUser) {
    let rules = user.settings.loginRules(for: question.user)
    let steps = steps(user)
    let all = steps.map { rules.decisions(of: user.attempt, by: $0) }
    for decision in all.first ?? [] where all.allSatisfy({ $0.contains(decision) }) {
      if decision.rule != .account || user.answer.login != nil { add(decision, .user, user) }
    }
    let lists: [LoginRules.Rule] = [.denyUsers, .denyGroups, .allowUsers, .allowGroups]
    let missing = lists.filter { rule in all.first?.contains { $0.rule == rule } != true }
    if !missing.isEmpty {
      report.add(.user, .notes, "lists", "not given: \(missing.map(\.rawValue).joined(separator: ", "))")
    }
  }

  /// The rules that forbid this step, or apply to it only.
  mutating func explainRules(of step: Step, _ user: KnownUser) {
    let rules = user.settings.loginRules(for: question.user)
    let others = steps(user).filter { $0 != step }.map { rules.decisions(of: user.attempt, by: $0) }
    for decision in rules.decisions(of: user.attempt, by: step)
    where others.contains(where: { !$0.contains(decision) }) {
      add(decision, .credentials, user, of: step)
    }
  }

  /// The steps that a login can have here.
  private func steps(_ user: KnownUser) -> [Step] {
    let auth = user.settings.auth
    if !auth.required.isEmpty { return Step.allCases.filter(auth.required.joined().contains) }
    return Step.allCases.filter { step in step.enabling.map { auth.methods.contains($0) } ?? false }
  }

  private mutating func add(
    _ decision: LoginRules.RuleDecision, _ part: Report.Part, _ user: KnownUser, of step: Step? = nil
  ) {
    let mark = decision.refusal.map { RuleResult.Mark.refuses($0.rawValue) } ?? .passes
    let place =
      switch decision.rule {
      case .denyUsers, .denyGroups, .allowUsers, .allowGroups:
        place(of: decision.rule.rawValue, entry: decision.entry, for: user)
      case .disabled, .allowedAddresses, .methods:
        place(ofUserKey: decision.rule.rawValue, entry: decision.entry)
      case .account:
        decision.refusal == .accountLocked ? self.place(of: "auth.locked_accounts", for: user) : nil
      case .noLogins: String?.none
      }
    let name = step.map { "\($0.rawValue): \(decision)" } ?? "\(decision)"
    report.add(part, mark, name, text(of: decision, user, step), at: place)
  }

  private func text(of decision: LoginRules.RuleDecision, _ user: KnownUser, _ step: Step?) -> String {
    let (name, auth) = (question.user, user.settings.auth)
    func entry(of list: [some CustomStringConvertible]) -> String {
      decision.entry.map { "'\(list[$0])'" } ?? ""
    }
    switch decision.rule {
    case .disabled: return "logins under this name are refused"
    case .denyUsers:
      return decision.entry == nil ? "does not name '\(name)'" : "\(entry(of: auth.denyUsers)) names '\(name)'"
    case .allowUsers:
      return decision.entry == nil ? "does not name '\(name)'" : "\(entry(of: auth.allowUsers)) names '\(name)'"
    case .denyGroups:
      return decision.entry == nil
        ? "names no group of '\(name)'" : "\(entry(of: auth.denyGroups)) names a group of '\(name)'"
    case .allowGroups:
      return decision.entry == nil
        ? "names no group of '\(name)'" : "\(entry(of: auth.allowGroups)) names a group of '\(name)'"
    case .allowedAddresses:
      let ranges = configured?.allowedAddresses ?? []
      return "\(question.address) is in " + (decision.entry == nil ? "none of them" : entry(of: ranges))
    case .account: return accountText(decision.refusal, user)
    case .noLogins:
      return decision.refusal != nil
        ? "only root may log in now"
        : user.attempt.noLogins != nil ? "only root may log in now, and this is root" : "all users may log in"
    case .methods:
      return decision.entry == nil
        ? "of the user does not have \(step?.rawValue ?? "these")" : "of the user has \(step?.rawValue ?? "these")"
    }
  }

  private func accountText(_ refusal: LoginRules.Refusal?, _ user: KnownUser) -> String {
    guard let name = user.answer.systemName else { return "is not read, because this is not root" }
    return switch refusal {
    case .accountLocked:
      "'\(name)' is locked: its password begins with '!' or '*LK*', and auth.locked_accounts is "
        + user.settings.auth.lockedAccounts.rawValue
    case .accountExpired: "'\(name)' has expired"
    case .passwordExpired: "the password of '\(name)' has expired"
    case .lookUpFailed: "could not be read"
    default:
      user.attempt.account?.isLocked == true
        ? "'\(name)' has a locked password: it may log in only with a key (auth.locked_accounts)"
        : "'\(name)' is neither locked nor expired"
    }
  }
}
