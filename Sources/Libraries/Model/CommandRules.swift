import Audit
import Filter
import Wire

/// The commands that the configuration lets a login run: `shell.allowed_commands`, `shell.blocked_commands` and
/// `shell.forced_command`. The loader has checked the patterns; an invalid one forbids everything.
public struct CommandRules: WireFields, Equatable {
  /// The command name of the SFTP server, as in sshd_config(5).
  public static let sftp = Array("internal-sftp".utf8)
  /// True if a command line is the word ``sftp``, optionally followed by options of sftp-server(8).
  public static func isSFTP(_ line: [UInt8]) -> Bool {
    guard let first = ShellWord.split(line)?.first else { return false }
    return first.bytes == sftp && first.isBare.allSatisfy(\.self)
  }

  /// Limit of the patterns in each list.
  public static let listLimit = 256

  /// ``CommandPattern``s; empty: everything is allowed.
  public var allowed: [String]
  /// ``CommandPattern``s of commands that are refused.
  public var blocked: [String]
  /// Runs instead of every shell, command and subsystem; nil: what the client requests.
  public var forced: String?

  public init(allowed: [String] = [], blocked: [String] = [], forced: String? = nil) {
    self.allowed = allowed
    self.blocked = blocked
    self.forced = forced
  }

  /// True if the login may run only what is named here. ``blocked`` alone does not restrict a login.
  public var isRestricting: Bool { forced != nil || !allowed.isEmpty }

  /// Why this command line is refused; nil: it is allowed. SFTP is the command ``sftp``.
  public func refusal(of line: [UInt8]) -> CommandDenial? {
    if blocked.contains(where: { (try? CommandPattern($0))?.forbids(line) ?? true }) { return .blocked }
    if !allowed.isEmpty, !allowed.contains(where: { (try? CommandPattern($0))?.allows(line) ?? false }) {
      return .notAllowed
    }
    return nil
  }

  /// Why a shell is refused; nil: it is allowed.
  ///
  /// A shell runs any command, so rules refuse it, unless the path of the shell is an allowed command, as which it
  /// could be run anyway.
  public func refusal(ofShell path: String) -> CommandDenial? {
    if allowed.isEmpty && blocked.isEmpty { return nil }
    return allowed.isEmpty || refusal(of: Array(path.utf8)) != nil ? .noShell : nil
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    allowed = try coder.list(value?.allowed, max: Self.listLimit, length: CommandPattern.lengthLimit)
    blocked = try coder.list(value?.blocked, max: Self.listLimit, length: CommandPattern.lengthLimit)
    forced = try coder.text(value?.forced, max: KeyPermissions.commandLimit)
  }
}
