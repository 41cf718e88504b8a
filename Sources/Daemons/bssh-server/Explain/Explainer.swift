import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC

/// Applies each rule to a login, in the order in which the daemon does, and reports its result and where it is written.
struct Explainer {
  let loaded: Loaded
  let question: LoginQuery
  let backends: any LoginBackends
  var report = Report()

  init(loaded: Loaded, question: LoginQuery, backends: any LoginBackends) {
    self.loaded = loaded
    self.question = question
    self.backends = backends
  }

  /// The user, and what applies to the login.
  struct KnownUser {
    let answer: AccountReply
    let attempt: LoginAttempt
    /// The indexes of the `match` blocks that apply.
    let blocks: [Int]
    /// The settings with these blocks applied.
    let settings: Settings
    let kind: AuthenticationMachine.AccountKind
  }

  /// The whole explanation.
  ///
  /// - Throws: ``BackendError`` if a process does not reply.
  mutating func explain() throws(BackendError) -> Report {
    explainConnection()
    let user = try explainUser()
    if let way = try explainCredentials(user) {
      report.steps = way.steps.map(\.rawValue)
      explainPermissions(user, way.permissions)
    }
    return report
  }

  /// The place of the effective value of a key, or of an entry of its list; nil: it has its default.
  func place(of path: String, entry: Int? = nil, for user: KnownUser) -> String? {
    guard let block = user.settings.origin(of: path, in: user.blocks) else {
      return loaded.sourceMap.location(of: path, entry: entry)
    }
    return loaded.sourceMap.location(of: path, entry: entry, inBlock: block)
  }

  /// The place of a key in a user's entry; for users of a file of users, the place that names the file.
  func place(ofUserKey key: String, entry: Int? = nil) -> String? {
    loaded.sourceMap.location(ofUserKey: key, entry: entry, user: question.user)
      ?? (configured == nil ? nil : loaded.sourceMap.location(of: "auth.password.users_file"))
  }

  /// The user's entry in the configuration.
  var configured: Settings.User? { loaded.settings.auth.users.first { $0.name.hasSameBytes(as: question.user) } }

  // MARK: The connection

  /// Decided before a byte is sent.
  private mutating func explainConnection() {
    let (address, security) = (question.address, loaded.settings.security)
    var admission = AdmissionControl(rules: loaded.settings.admissionRules)
    let file = security.banStateFile.map { (path: $0, content: backends.bans(in: $0)) }
    if case .bans(let bans)? = file?.content { admission.restore(bans, at: 0) }
    var refusal: Refusal?
    if case .refuse(let reason) = admission.admit(address, number: 0, connections: 0, random: 0, at: 0) {
      refusal = reason
    }
    explainGate(address, security)
    if security.whitelistIPs.contains(where: { $0.contains(address) }) {
      let entry = security.whitelistIPs.firstIndex { $0.contains(address) }
      report.add(
        .connection, .notes, entryName("security.whitelist_ips", entry), "\(address) is never banned and not limited",
        at: loaded.sourceMap.location(of: "security.whitelist_ips", entry: entry))
    }
    if let file { explainBan(refusal, file.path, file.content) }
    if report.refusal == nil, let refusal {
      report.add(.connection, .refuses(refusal.reason.rawValue), "connection", "\(address) is refused")
    }
    report.add(
      .connection, .notes, "limits",
      "security.rate_limit and server.max_… depend on other connections, which are not checked; "
        + "a new address replaces a connection of another one")
  }

  private mutating func explainBan(_ refusal: Refusal?, _ path: String, _ content: BanFile.Content) {
    let (rule, source) = ("security.ban_state_file", ClientSource(question.address))
    switch (content, refusal) {
    case (.bans, .banned(let milliseconds)):
      report.add(
        .connection, .refuses(ConnectionRefusal.banned.rawValue), rule,
        "\(source) is banned for \((milliseconds + 999) / 1000) s more", at: path
      )
    case (.bans, _): report.add(.connection, .passes, rule, "\(source) is not banned", at: path)
    case (.none, _): report.add(.connection, .passes, rule, "the file does not exist, so there are no bans", at: path)
    case (.unusable(_, let reason), _):
      report.add(.connection, .notes, rule, "is not used, so bans are unknown: \(reason)", at: path)
    }
  }

  private mutating func explainGate(_ address: IPAddress, _ security: Settings.Security) {
    let (blocked, allowed) = ("security.blocked_ips", "security.allowed_ips")
    let verdict = loaded.settings.admissionRules.gate.verdict(on: address)
    if case .blocked(let range) = verdict {
      let entry = security.blockedIPs.firstIndex(of: range)
      return report.add(
        .connection, .refuses(ConnectionRefusal.blockedAddress.rawValue), entryName(blocked, entry),
        "\(address) is in \(range)",
        at: loaded.sourceMap.location(of: blocked, entry: entry))
    }
    if security.blockedIPs.isEmpty {
      report.add(.connection, .passes, blocked, "no addresses are blocked")
    } else {
      report.add(
        .connection, .passes, blocked, "\(address) is in none of them", at: loaded.sourceMap.location(of: blocked))
    }
    let entry = security.allowedIPs.firstIndex { $0.contains(address) }
    switch (verdict, entry) {
    case (.notAllowed, _), (.blocked, _):
      report.add(
        .connection, .refuses(ConnectionRefusal.addressNotAllowed.rawValue), allowed, "\(address) is in none of them",
        at: loaded.sourceMap.location(of: allowed))
    case (.open, let entry?):
      report.add(
        .connection, .passes, entryName(allowed, entry), "\(address) is in \(security.allowedIPs[entry])",
        at: loaded.sourceMap.location(of: allowed, entry: entry))
    case (.open, nil): report.add(.connection, .passes, allowed, "every address is allowed")
    }
  }

  /// `security.allowed_ips[2]`
  func entryName(_ path: String, _ entry: Int?) -> String { path + (entry.map { "[\($0)]" } ?? "") }
}
