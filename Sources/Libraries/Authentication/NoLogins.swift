/// While nobody but root is let in: nologin(5).
///
/// The daemon asks once a user has proven who they are, because the answer is for them alone; `bssh-server explain`
/// asks as one of the ``LoginRules``. Both ask here.
public enum NoLogins {
  /// Bytes of a notice at most; a DISCONNECT has room for 1,024.
  private static let limit = 1000

  /// What a user is told who is not let in; nil: they are.
  ///
  /// - Parameters:
  ///   - text: what the file says; nil: there is none.
  ///   - kind: whose rights the login would have.
  public static func notice(_ text: String?, for kind: AuthenticationMachine.AccountKind) -> String? {
    guard let text, kind != .root else { return nil }
    let shown = String(
      String.UnicodeScalarView(text.unicodeScalars.filter { $0 == "\n" || $0.properties.generalCategory != .control }))
    // The last character may be cut and become U+FFFD.
    return shown.isEmpty ? "Nobody but root may log in now" : String(decoding: shown.utf8.prefix(limit), as: UTF8.self)
  }
}
