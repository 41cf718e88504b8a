import Audit
import Filter
import Wire

/// Which commands the configuration lets a login run: `shell.allowed_commands`, `shell.blocked_commands` and
/// `shell.forced_command`. Patterns were checked by the loader; one that is none forbids everything.
public struct CommandRules: WireCodable, Equatable {
  /// The name that SFTP has among commands, as in sshd_config(5).
  public static let sftp = Array("internal-sftp".utf8)
  /// True for a command line that is SFTP: the word ``sftp``, and options of sftp-server(8) behind it.
  public static func isSFTP(_ line: [UInt8]) -> Bool {
    guard let first = ShellWord.split(line)?.first else { return false }
    return first.bytes == sftp && first.isBare.allSatisfy(\.self)
  }

  /// Patterns of each list, at most.
  public static let listLimit = 256

  /// ``CommandPattern``s; empty: everything is allowed.
  public var allowed: [String]
  public var blocked: [String]
  /// What runs instead of every shell, command and subsystem; nil: whatever the client asks for.
  public var forced: String?

  public init(allowed: [String] = [], blocked: [String] = [], forced: String? = nil) {
    self.allowed = allowed
    self.blocked = blocked
    self.forced = forced
  }

  /// True when the login is to run nothing but what is named here. Lists of what is forbidden are no such promise.
  public var isRestricting: Bool { forced != nil || !allowed.isEmpty }

  /// Why this command line is not run; nil: it is. SFTP is the command ``sftp``.
  public func refusal(of line: [UInt8]) -> CommandDenial? {
    if blocked.contains(where: { (try? CommandPattern($0))?.forbids(line) ?? true }) { return .blocked }
    if !allowed.isEmpty, !allowed.contains(where: { (try? CommandPattern($0))?.allows(line) ?? false }) {
      return .notAllowed
    }
    return nil
  }

  /// Why no shell is started; nil: one is.
  ///
  /// Whoever has a shell runs what they like, so with rules there is none, unless the shell's path is an allowed
  /// command: then it could be run as one.
  public func refusal(ofShell path: String) -> CommandDenial? {
    if allowed.isEmpty && blocked.isEmpty { return nil }
    return allowed.isEmpty || refusal(of: Array(path.utf8)) != nil ? .noShell : nil
  }

  public func encode(to writer: inout WireWriter) {
    writer.list(allowed) { $0.text($1) }
    writer.list(blocked) { $0.text($1) }
    writer.optional(forced) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    allowed = try Self.patterns(from: &reader)
    blocked = try Self.patterns(from: &reader)
    forced = try reader.optional { (r: inout WireReader) throws(WireError) in
      try r.text(limit: KeyPermissions.commandLimit)
    }
  }

  private static func patterns(from reader: inout WireReader) throws(WireError) -> [String] {
    let patterns = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      try r.text(limit: CommandPattern.longest)
    }
    guard patterns.count <= listLimit else { throw .tooLong }
    return patterns
  }
}
