import AccessControl
import Authentication
import Filter
import Wire

// Settings travel from bssh-server, which reads the configuration, to the processes that act on it. The
// decoder refuses what no loader would have written, but does not repeat the loader's checks.

extension Settings: WireCodable {
  public func encode(to writer: inout WireWriter) {
    encodeSections(to: &writer)
    writer.list(matches) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    try readSections(from: &reader)
    matches = try reader.list(minimumSize: 20) { (r: inout WireReader) throws(WireError) in try Match(from: &r) }
    guard matches.count <= Match.most else { throw .tooLong }
  }

  /// Everything but ``matches``.
  func encodeSections(to writer: inout WireWriter) {
    server.encode(to: &writer)
    auth.encode(to: &writer)
    shell.encode(to: &writer)
    sftp.encode(to: &writer)
    scp.encode(to: &writer)
    filter.encode(to: &writer)
    audit.encode(to: &writer)
    security.encode(to: &writer)
  }

  mutating func readSections(from reader: inout WireReader) throws(WireError) {
    server = try Server(from: &reader)
    auth = try Auth(from: &reader)
    shell = try Shell(from: &reader)
    sftp = try SFTP(from: &reader)
    scp = try SCP(from: &reader)
    filter = try TransferFilter(from: &reader)
    audit = try Audit(from: &reader)
    security = try Security(from: &reader)
  }
}

extension Settings.BindAddress: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(address)
    writer.uint32(UInt32(port))
  }

  public init(from reader: inout WireReader) throws(WireError) {
    address = try reader.text(limit: 64)
    guard let port = UInt16(exactly: try reader.uint32()) else { throw .malformed }
    self.port = port
  }
}

extension Settings.Server: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.list(bindAddresses) { $1.encode(to: &$0) }
    writer.list(hostKeys) { $0.text($1) }
    writer.number(maxConnections)
    writer.number(maxUnauthenticated)
    writer.number(maxUnauthenticatedPerSource)
    writer.list(trustedProxies) { $1.encode(to: &$0) }
    writer.boolean(ignoresProxyChecks)
    writer.number(loginGrace)
    writer.number(keepaliveInterval)
    writer.number(keepaliveCountMax)
    writer.boolean(compression)
    writer.number(maximumPacketSize)
    writer.number(windowSize)
    writer.number(maxChannels)
    writer.optional(banner) { $0.text($1) }
    writer.text(logLevel.rawValue)
    writer.number(spareTransports)
    writer.nameList(ciphers)
    writer.nameList(keyExchanges)
    writer.nameList(macs)
    writer.nameList(hostKeyAlgorithms)
    writer.nameList(publicKeyAlgorithms)
    writer.uint64(rekeyBytes)
    writer.number(rekeyInterval)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    bindAddresses = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      try Settings.BindAddress(from: &r)
    }
    hostKeys = try reader.texts(limit: 4096)
    maxConnections = try reader.number()
    maxUnauthenticated = try reader.number()
    maxUnauthenticatedPerSource = try reader.number()
    trustedProxies = try reader.ranges()
    ignoresProxyChecks = try reader.boolean()
    loginGrace = try reader.number()
    keepaliveInterval = try reader.number()
    keepaliveCountMax = try reader.number()
    compression = try reader.boolean()
    maximumPacketSize = try reader.number()
    windowSize = try reader.number()
    maxChannels = try reader.number()
    banner = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    logLevel = try reader.choice()
    spareTransports = try reader.number()
    ciphers = try reader.nameList()
    keyExchanges = try reader.nameList()
    macs = try reader.nameList()
    hostKeyAlgorithms = try reader.nameList()
    publicKeyAlgorithms = try reader.nameList()
    rekeyBytes = try reader.uint64()
    rekeyInterval = try reader.number()
  }
}

extension Settings.Auth: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.nameList(methods.map(\.rawValue))
    writer.list(required) { $0.nameList($1.map(\.rawValue)) }
    writer.text(permitRoot.rawValue)
    writer.text(lockedAccounts.rawValue)
    for users in [allowUsers, denyUsers] { writer.list(users) { $0.text($1.description) } }
    for groups in [allowGroups, denyGroups] { writer.list(groups) { $0.text($1.description) } }
    writer.optional(authorizedKeysDirectory) { $0.text($1) }
    writer.optional(authorizedKeysPattern) { $0.text($1) }
    writer.optional(trustedUserCAKeys) { $0.string($1) }
    writer.optional(revokedKeys) { $0.string($1) }
    writer.optional(authorizedPrincipalsPattern) { $0.text($1) }
    writer.list(permittedUserEnvironment) { $0.text($1) }
    writer.list(users) { $1.encode(to: &$0) }
    writer.number(minimumPasswordTime)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    methods = try reader.methods()
    required = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      var sequence: [AuthenticationMachine.Step] = []
      for name in try r.nameList() {
        guard let step = AuthenticationMachine.Step(rawValue: name) else { throw .malformed }
        sequence.append(step)
      }
      return sequence
    }
    guard let permitRoot = AuthenticationMachine.PermitRoot(rawValue: try reader.text(limit: 16)) else {
      throw .malformed
    }
    self.permitRoot = permitRoot
    guard let lockedAccounts = LoginRules.LockedAccounts(rawValue: try reader.text(limit: 16)) else { throw .malformed }
    self.lockedAccounts = lockedAccounts
    allowUsers = try reader.userPatterns()
    denyUsers = try reader.userPatterns()
    allowGroups = try reader.texts().map { NamePattern($0) }
    denyGroups = try reader.texts().map { NamePattern($0) }
    authorizedKeysDirectory = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    authorizedKeysPattern = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    trustedUserCAKeys = try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) }
    revokedKeys = try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) }
    authorizedPrincipalsPattern = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    permittedUserEnvironment = try reader.texts()
    users = try reader.list(minimumSize: 16) { (r: inout WireReader) throws(WireError) in
      try Settings.User(from: &r)
    }
    minimumPasswordTime = try reader.number()
  }
}

extension Settings.User: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.optional(passwordHash) { $0.text($1) }
    writer.optional(totpSecret) { $0.text($1) }
    writer.text(totpAlgorithm.rawValue)
    writer.number(totpDigits.rawValue)
    writer.list(authorizedKeys) { $0.text($1) }
    writer.optional(shell) { $0.text($1) }
    writer.optional(home) { $0.text($1) }
    writer.list(environment) { $1.encode(to: &$0) }
    writer.optional(runAs) { $0.text($1) }
    writer.boolean(sftpOnly)
    writer.optional(root) { $0.text($1) }
    writer.boolean(isDisabled)
    writer.list(allowedAddresses) { $1.encode(to: &$0) }
    writer.optional(methods) { $0.nameList($1.map(\.rawValue)) }
    writer.list(groups) { $0.text($1) }
    writer.optional(maxSessions) { $0.number($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init(name: try reader.text())
    passwordHash = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    totpSecret = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    guard let algorithm = OneTimeSecret.Algorithm(rawValue: try reader.text(limit: 16)),
      let digits = OneTimeSecret.Digits(rawValue: try reader.number())
    else { throw .malformed }
    (totpAlgorithm, totpDigits) = (algorithm, digits)
    authorizedKeys = try reader.texts()
    shell = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    home = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    environment = try reader.environment()
    runAs = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    sftpOnly = try reader.boolean()
    root = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    isDisabled = try reader.boolean()
    allowedAddresses = try reader.ranges()
    methods = try reader.optional { (r: inout WireReader) throws(WireError) in try r.methods() }
    groups = try reader.texts()
    maxSessions = try reader.optional { (r: inout WireReader) throws(WireError) in try r.number() }
  }
}

extension Settings.Shell: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(defaultShell)
    writer.list(environment) { $1.encode(to: &$0) }
    writer.list(acceptEnvironment) { $0.text($1) }
    writer.boolean(enabled)
    writer.boolean(pty)
    writer.uint32(umask)
    writer.optional(motd) { $0.text($1) }
    writer.number(maxProcesses)
    writer.number(commandTimeout)
    writer.list(allowedCommands) { $0.text($1) }
    writer.list(blockedCommands) { $0.text($1) }
    writer.optional(forcedCommand) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    defaultShell = try reader.text()
    environment = try reader.environment()
    acceptEnvironment = try reader.texts()
    enabled = try reader.boolean()
    pty = try reader.boolean()
    umask = try reader.uint32()
    motd = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    maxProcesses = try reader.number()
    commandTimeout = try reader.number()
    allowedCommands = try reader.texts()
    blockedCommands = try reader.texts()
    forcedCommand = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
  }
}

extension Settings.SFTP: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.boolean(enabled)
    writer.optional(root) { $0.text($1) }
    writer.boolean(readOnly)
    writer.optional(umask) { $0.uint32($1) }
    writer.optional(maxFileSize) { $0.uint64($1) }
    writer.number(maxHandles)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    enabled = try reader.boolean()
    root = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    readOnly = try reader.boolean()
    umask = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint32() }
    maxFileSize = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    maxHandles = try reader.number()
  }
}

extension Settings.SCP: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.boolean(enabled)
    writer.optional(root) { $0.text($1) }
    writer.optional(maxFileSize) { $0.uint64($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    enabled = try reader.boolean()
    root = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text() }
    maxFileSize = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
  }
}

extension WireWriter {
  /// `uint32`. The loader's ranges keep every number of the settings within it.
  mutating func number(_ value: Int) { uint32(UInt32(value)) }
}

extension WireReader {
  fileprivate mutating func methods() throws(WireError) -> [AuthenticationMachine.Method] {
    var methods: [AuthenticationMachine.Method] = []
    for name in try nameList() {
      guard let method = AuthenticationMachine.Method(rawValue: name) else { throw .malformed }
      methods.append(method)
    }
    return methods
  }

  fileprivate mutating func userPatterns() throws(WireError) -> [UserPattern] {
    var patterns: [UserPattern] = []
    for text in try texts() {
      guard let pattern = try? UserPattern(text) else { throw .malformed }
      patterns.append(pattern)
    }
    return patterns
  }

  mutating func number() throws(WireError) -> Int { Int(try uint32()) }

  mutating func texts(limit: Int = .max) throws(WireError) -> [String] {
    try list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: limit) }
  }

  fileprivate mutating func environment() throws(WireError) -> [EnvironmentVariable] {
    try list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in try EnvironmentVariable(from: &r) }
  }
}
