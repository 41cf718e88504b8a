/// What an authority decides about credentials.
public enum ProofOutcome: CaseIterable, Sendable {
  /// The credentials are not accepted.
  case rejected
  /// The key would be accepted, but nothing is signed yet. USERAUTH_PK_OK: RFC 4252, section 7
  case acceptable
  /// The credentials are valid.
  case accepted
}
