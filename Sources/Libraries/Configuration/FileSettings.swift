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
