import Filter

/// The checked and complete values of a configuration.
public struct Settings: Equatable, Sendable {
  /// `server:`
  public var server = Server()
  /// `auth:`
  public var auth = Auth()
  /// `shell:`
  public var shell = Shell()
  /// `sftp:`
  public var sftp = SFTP()
  /// `scp:`
  public var scp = SCP()
  /// `filter:`: rules for file transfers by SFTP and SCP.
  public var filter = TransferFilter()
  /// `forwarding:`
  public var forwarding = Forwarding()
  /// `audit:`
  public var audit = Audit()
  /// `security:`
  public var security = Security()
  /// `match:`: keys with other values for some logins. Only ``effective(for:)`` applies them.
  public var matches: [Match] = []

  /// The defaults of every key.
  public init() {}
}
