import AccessControl
import Authentication
import Foundation
import Testing

/// Codes of refusals: people's scripts look for them in the log.
@Suite struct RefusalCodeTests {
  private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized

  private static let rules = [
    "none", "method_not_enabled", "password_change", "wrong_number_of_responses", "credentials", "no_account",
    "root_not_permitted", "key_used_before", "user_disabled", "user_denied", "group_denied", "user_not_allowed",
    "group_not_allowed", "source_not_allowed", "method_not_allowed", "account_locked", "account_expired",
    "password_expired", "lookup_failed", "nologin",
  ]
  private static let keys = [
    "no_such_key", "expired_key", "wrong_source", "revoked_key", "unreadable_revocations", "untrusted_ca",
    "host_certificate", "certificate_not_yet_valid", "expired_certificate", "wrong_principal",
    "unknown_critical_option", "malformed_certificate_options", "forced_commands_differ",
  ]
  /// What other parts say, which this test does not link: their own tests have them.
  private static let others = [
    "blocked_ip", "not_allowed_ip", "banned", "rate_limited", "too_many_from_source", "too_many_unauthenticated",
    "max_connections", "made_room", "bad_proxy_header", "proxy_header_timeout", "no_such_user", "no_such_account",
    "bad_shell", "audit_unavailable",
    "too_many_groups", "wrong_password", "no_password", "wrong_code", "no_totp_secret", "code_used_before",
    "too_many_wrong_codes",
    "no_authority", "malformed", "key_type_refused", "rsa_key_too_small", "bad_certificate", "ca_key_refused",
    "bad_signature", "no_user_presence", "no_user_verification", "login_timeout", "too_many_sessions", "idle_timeout",
    "session_timeout", "no_terminal", "no_commands", "no_sftp", "no_scp", "nologin_shell", "transfer_on_terminal",
    "command_not_allowed", "command_blocked", "shell_not_allowed", "forced_command", "no_signals",
    "no_such_subsystem", "malformed_command", "too_many_failures", "too_many_keys", "malformed_request", "user_changed",
    "unknown_service", "unexpected_response", "request_before_answer", "impossible_verdict", "audit_unavailable",
  ]

  @Test func `codes stay what they are`() {
    #expect(AuthenticationMachine.Refusal.allCases.map(\.rawValue) == Self.rules)
    #expect(KeyRefusal.allCases.map(\.rawValue) == Self.keys)
  }

  @Test func `every code is in the manual, or where it says that they are`() throws {
    let texts = try ["man/bssh-server.yaml.5", "Documentation/KEYS.md", "Documentation/AUDIT.md"].map { path in
      try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    }
    let words = Set(
      texts.joined(separator: "\n").split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
    // These two are no reasons: how clients ask for the methods, and that the authority's verdict has the reason.
    for code in Self.rules + Self.keys + Self.others where !["none", "credentials"].contains(code) {
      #expect(words.contains(code), "\(code)")
    }
  }

  @Test func `every code of the sources is known here`() throws {
    let known = Set(Self.rules + Self.keys + Self.others)
    let pattern = /= "([a-z]+(?:_[a-z]+)+)"|reason: "([a-z]+(?:_[a-z]+)+)"/
    let files = [
      "Authentication/AuthenticationMachine", "Authentication/KeyRefusal", "Authority/UserDirectory",
      "Authority/PublicKeyProvider", "Authority/PasswordProvider", "Authority/ShownKey", "Session/Denial",
      "IPC/CommandRules", "Supervisor/CodeLedger", "Supervisor/ConnectionMachine+Authentication",
    ]
    var found = 0
    for file in files {
      let path = Self.root.appendingPathComponent("Sources/\(file).swift")
      for match in try String(contentsOf: path, encoding: .utf8).matches(of: pattern) {
        let code = String(match.1 ?? match.2 ?? "")
        found += 1
        #expect(known.contains(code), "\(file): \(code)")
      }
    }
    #expect(found > 40)
  }
}
