import Filter

/// Everything that a configuration says, checked and complete: what `run` acts on and `check-config` prints.
public struct Settings: Equatable, Sendable {
  public var server = Server()
  public var auth = Auth()
  public var shell = Shell()
  public var sftp = SFTP()
  public var scp = SCP()
  /// `filter:`: which files may be transferred, by SFTP and by SCP.
  public var filter = TransferFilter()
  public var audit = Audit()
  public var security = Security()
  /// `match:`: what differs for some logins. Nothing but ``effective(for:)`` looks at these.
  public var matches: [Match] = []

  /// The defaults of every key.
  public init() {}
}
