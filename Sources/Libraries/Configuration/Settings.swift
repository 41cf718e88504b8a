import AccessControl
import Authentication
import Filter
import IPC

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

  /// An address to listen on.
  public struct BindAddress: Equatable, Sendable {
    /// An IPv4 or IPv6 address without brackets.
    public var address: String
    public var port: UInt16

    public init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// True for every address of IPv4, or of IPv6: a machine that does not have that family has none of them.
    public var isEveryAddress: Bool { ["0.0.0.0", "::"].contains(IPAddress(address).map { "\($0)" }) }
  }

  /// `server:`: listening, the protocol, and limits on connections.
  public struct Server: Equatable, Sendable {
    public var bindAddresses = [BindAddress(address: "0.0.0.0", port: 2222), BindAddress(address: "::", port: 2222)]
    /// Files with OpenSSH private keys, in the order in which they are offered.
    public var hostKeys: [String] = []
    /// Open connections, counted at accept.
    public var maxConnections = 500
    /// Open connections without a login.
    public var maxUnauthenticated = 100
    /// Of them, those from one source.
    public var maxUnauthenticatedPerSource = 32
    /// Load balancers, from which a PROXY header comes first, and is believed.
    public var trustedProxies: [AddressRange] = []
    /// True: connections by which these only look whether the server is there leave no event.
    public var ignoresProxyChecks = false
    /// Seconds from accept to a finished login; 0 for no limit.
    public var loginGrace = 120
    /// Seconds; 0 for no keepalives.
    public var keepaliveInterval = 60
    public var keepaliveCountMax = 3
    public var compression = false
    /// Bytes of data in one packet that a client may send us.
    public var maximumPacketSize = 32768
    /// Bytes that a client may have under way on one channel.
    public var windowSize = 2 << 20
    /// Channels that a connection may have at a time.
    public var maxChannels = 50
    /// The text shown before login, read from the file of `server.banner` while loading.
    public var banner: String?
    /// The least important lines of the log that are written, unless the command line says something else.
    public var logLevel = LogLevel.info
    public var spareTransports = 2
    public var ciphers = Algorithms.ciphers
    public var keyExchanges = Algorithms.defaultKeyExchanges
    public var macs = Algorithms.macs
    public var hostKeyAlgorithms = Algorithms.hostKeys
    public var publicKeyAlgorithms = Algorithms.publicKeys
    /// Bytes either way after which keys are exchanged again.
    public var rekeyBytes: UInt64 = 1 << 30
    /// Seconds after which keys are exchanged again; 0 for never.
    public var rekeyInterval = 3600
  }

  /// How important a line of the log is.
  public enum LogLevel: String, CaseIterable, Sendable {
    case error, warning, info, debug
  }

  /// `auth:`: who may log in, and how they prove it.
  public struct Auth: Equatable, Sendable {
    public var methods: [AuthenticationMachine.Method] = [.publicKey]
    /// Sequences of steps, one of which a login takes whole and in order; none: any one method.
    public var required: [[AuthenticationMachine.Step]] = []
    public var permitRoot = AuthenticationMachine.PermitRoot.publicKey
    /// How accounts log in whose password is locked.
    public var lockedAccounts = LoginRules.LockedAccounts.keys
    /// Empty: everyone.
    public var allowUsers: [UserPattern] = []
    /// Wins over the lists of those who are allowed.
    public var denyUsers: [UserPattern] = []
    /// Empty: everyone.
    public var allowGroups: [NamePattern] = []
    /// Wins as ``denyUsers``.
    public var denyGroups: [NamePattern] = []
    /// A directory that holds `{user}/authorized_keys`.
    public var authorizedKeysDirectory: String?
    /// `%h` home, `%u` or `{user}` name, `%%` percent; absolute once expanded, no `..`. Or ``noPattern``; nil: see
    /// ``effectiveKeysPattern``.
    public var authorizedKeysPattern: String? = defaultKeysPattern
    /// The content of the file `auth.publickey.trusted_user_ca_keys`; nil: no authority is trusted for every user.
    public var trustedUserCAKeys: [UInt8]?
    /// The content of the file `auth.publickey.revoked_keys`; nil: no key is revoked.
    public var revokedKeys: [UInt8]?
    /// Each user's file of principals, as ``authorizedKeysPattern``; nil: a certificate must name the user.
    public var authorizedPrincipalsPattern: String?
    /// Patterns for the names of variables that a line of authorized_keys may set.
    public var permittedUserEnvironment: [String] = []
    /// The users of `auth.password.users` and of the file `auth.password.users_file`.
    public var users: [User] = []
    /// Milliseconds that every answer to a password or a one-time code takes at least.
    public var minimumPasswordTime = 100

    /// As of sshd and bssh.
    static let defaultKeysPattern = "%h/.ssh/authorized_keys"
    /// In place of a pattern: there is no such file. sshd_config(5), AuthorizedKeysFile
    static let noPattern = "none"

    /// The pattern that is searched; nil: none is. With neither a directory nor a pattern it is the default, as with
    /// bssh, whose files say null for both.
    var effectiveKeysPattern: String? {
      let pattern = authorizedKeysPattern ?? (authorizedKeysDirectory == nil ? Self.defaultKeysPattern : nil)
      return pattern == Self.noPattern ? nil : pattern
    }
  }

  /// A user whom the configuration defines.
  public struct User: Equatable, Sendable {
    public var name: String
    /// Argon2id (PHC string) or bcrypt.
    public var passwordHash: String?
    /// Base32 of what makes the user's one-time codes; RFC 6238.
    public var totpSecret: String?
    public var totpAlgorithm: OneTimeSecret.Algorithm = .sha1
    public var totpDigits: OneTimeSecret.Digits = .six
    /// Lines in the format of authorized_keys.
    public var authorizedKeys: [String] = []
    public var shell: String?
    public var home: String?
    public var environment: [EnvironmentVariable] = []
    /// The system account whose rights the login has; without it, the account of the same name.
    public var runAs: String?
    /// True: files alone, by SFTP and SCP; no shell, no other commands, no forwarding.
    public var sftpOnly = false
    /// What the login sees as `/` of files, over ``SFTP/root`` and ``SCP/root``.
    public var root: String?
    /// True: nobody logs in by this name.
    public var isDisabled = false
    /// Where this user may come from. Empty: from anywhere.
    public var allowedAddresses: [AddressRange] = []
    /// Of the methods that ``Auth/methods`` says, those by which this user logs in; nil: all.
    public var methods: [AuthenticationMachine.Method]?
    /// Groups that rules know this user by, beside those of the account. They give no rights to files.
    public var groups: [String] = []
    /// Logins that this user has at a time; nil: what holds for everyone.
    public var maxSessions: Int?

    public init(name: String) { self.name = name }
  }

  /// `shell:`: what a logged-in user may start, and in which surroundings.
  public struct Shell: Equatable, Sendable {
    /// For accounts that have no shell of their own.
    public var defaultShell = "/bin/sh"
    public var environment: [EnvironmentVariable] = []
    /// Names or globs (`*`, `?`) of variables that a client may set.
    public var acceptEnvironment = ["LANG", "LC_*", "COLORTERM", "TERM_PROGRAM*", "NO_COLOR"]
    /// False: neither shells nor commands.
    public var enabled = true
    /// False: no terminals.
    public var pty = true
    public var umask: UInt32 = 0o022
    /// A file shown on the terminal before an interactive shell.
    public var motd: String?
    /// Processes and threads that an account may have, all its logins together; 0 for what the daemon was started with.
    public var maxProcesses = 4096
    /// Seconds that a command of an `exec` request may run; 0 for no limit.
    public var commandTimeout = 0
    /// ``CommandPattern``s; empty: everything.
    public var allowedCommands: [String] = []
    /// ``CommandPattern``s.
    public var blockedCommands: [String] = []
    /// What runs instead of every shell, command and subsystem; nil: whatever the client asks for.
    public var forcedCommand: String?
  }

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
