import Filter

extension Settings {
  /// `sftp:`: file transfers by SFTP. ``readOnly``, ``umask`` and ``maxHandles`` apply to SCP too.
  public struct SFTP: Equatable, Sendable {
    /// True: SFTP is allowed.
    public var enabled = true
    /// The directory that clients see as `/`, with `%h`, `%u` and `%%`; nil: that of the system.
    public var root: String?
    /// True: nothing can be changed.
    public var readOnly = false
    /// The umask; nil: that of the session.
    public var umask: UInt32?
    /// Maximum size of a file, in bytes; nil: no limit.
    public var maxFileSize: UInt64?
    /// Maximum number of open files and directories of a client.
    public var maxHandles = 1024
  }

  /// `scp:`: file transfers by SCP.
  public struct SCP: Equatable, Sendable {
    /// True: SCP is allowed.
    public var enabled = true
    /// The directory that clients see as `/`; nil: ``SFTP/root``.
    public var root: String?
    /// Maximum size of a file, in bytes; nil: no limit.
    public var maxFileSize: UInt64?
  }
}

extension KeyTable {
  static let sftp: [Key] = [
    Key(
      "sftp.enabled", .boolean, \.settings.sftp.enabled,
      "Whether SFTP is allowed."),
    Key(
      "sftp.root", ValueType.rootPattern.optional, \.settings.sftp.root,
      "The directory that clients see as /, and that no path or link can leave: %h is the home directory,",
      "%u the name, %% a percent sign; null for none."),
    Key(
      "sftp.read_only", .boolean, \.settings.sftp.readOnly,
      "Whether files can only be read; for SCP too."),
    Key(
      "sftp.umask", ValueType.umask.optional, \.settings.sftp.umask,
      "The umask of file transfers, in octal; for SCP too. null for that of shell.umask."),
    Key(
      "sftp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.sftp.maxFileSize,
      "Maximum size of files that are written; null for none."),
    Key(
      "sftp.max_handles", .integer(1...65536), \.settings.sftp.maxHandles,
      "Maximum number of open files and directories of a client."),
  ]

  static let scp: [Key] = [
    Key(
      "scp.enabled", .boolean, \.settings.scp.enabled,
      "Whether SCP is allowed; false also refuses the command scp."),
    Key(
      "scp.root", ValueType.rootPattern.optional, \.settings.scp.root,
      "The directory that clients of SCP see as /; null for that of sftp.root, / for none."),
    Key(
      "scp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.scp.maxFileSize,
      "Maximum size of files that are written; null for none."),
  ]

  static let filter: [Key] = [
    Key(
      "filter.enabled", .boolean, \.settings.filter.isEnabled,
      "Whether the rules below decide which files may be transferred by SFTP and SCP."),
    Key(
      "filter.default_action", ValueType.choice().null(meaning: .allow), \.settings.filter.defaultAction,
      "The action for files that no rule matches: allow, deny, log (which allows and records)."),
    Key(
      "filter.rules", .filterRules, \.settings.filter.rules,
      "Rules, of which the first that matches decides. All keys of a rule must match. The keys of each:"),
  ]
}
