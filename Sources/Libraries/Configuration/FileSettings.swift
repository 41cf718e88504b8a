import Filter

extension Settings {
  /// `sftp:`.
  public struct SFTP: Equatable, Sendable {
    public var enabled = true
    /// What clients see as `/`, with `%h`, `%u` and `%%`; nil for everything that the account can see.
    public var root: String?
    /// True: nothing can be changed.
    public var readOnly = false
    /// Permissions that new files do not get; nil for those of the session.
    public var umask: UInt32?
    /// Bytes; nil for no limit.
    public var maxFileSize: UInt64?
    /// Files and directories that one client has open.
    public var maxHandles = 1024
  }

  /// `scp:`.
  public struct SCP: Equatable, Sendable {
    public var enabled = true
    /// As ``SFTP/root``, which holds when there is none.
    public var root: String?
    /// Bytes; nil for no limit.
    public var maxFileSize: UInt64?
  }
}

extension KeyTable {
  static let sftp: [Key] = [
    Key(
      "sftp.enabled", .boolean, \.settings.sftp.enabled,
      "Whether files are transferred by SFTP."),
    Key(
      "sftp.root", ValueType.rootPattern.optional, \.settings.sftp.root,
      "The directory that clients see as /, and that no path or link leads out of: %h is the home,",
      "%u the name, %% a percent sign; null for none."),
    Key(
      "sftp.read_only", .boolean, \.settings.sftp.readOnly,
      "Whether files can be read alone, and nothing changed; for SCP as well."),
    Key(
      "sftp.umask", ValueType.umask.optional, \.settings.sftp.umask,
      "Permissions, in octal, that new files do not get, also by SCP; null for what shell.umask says."),
    Key(
      "sftp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.sftp.maxFileSize,
      "The size that no file can be made to exceed; null for none."),
    Key(
      "sftp.max_handles", .integer(1...65536), \.settings.sftp.maxHandles,
      "Files and directories that one client can have open."),
  ]

  static let scp: [Key] = [
    Key(
      "scp.enabled", .boolean, \.settings.scp.enabled,
      "Whether files are transferred by SCP; false refuses the command scp as well."),
    Key(
      "scp.root", ValueType.rootPattern.optional, \.settings.scp.root,
      "The directory that clients of SCP see as /; null for that of sftp.root, / for none."),
    Key(
      "scp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.scp.maxFileSize,
      "The size that no file can be made to exceed; null for none."),
  ]

  static let filter: [Key] = [
    Key(
      "filter.enabled", .boolean, \.settings.filter.isEnabled,
      "Whether the rules below decide which files may be transferred, by SFTP and by SCP."),
    Key(
      "filter.default_action", ValueType.choice().null(meaning: .allow), \.settings.filter.defaultAction,
      "What becomes of files that no rule matches: allow, deny, log (which allows and leaves a record)."),
    Key(
      "filter.rules", .filterRules, \.settings.filter.rules,
      "Rules, of which the first that matches decides. All that one says must hold. The keys of each:"),
  ]
}
