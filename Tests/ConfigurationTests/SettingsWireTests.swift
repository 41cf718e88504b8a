import AccessControl
import Filter
import Testing
import Wire

@testable import Configuration

@Suite struct SettingsWireTests {
  /// Settings in which few values are defaults.
  static var unusual: Settings {
    var settings = Settings()
    settings.server.bindAddresses = [.init(address: "::1", port: 22), .init(address: "10.0.0.1", port: 65535)]
    settings.server.hostKeys = ["/k/one", "/k/two"]
    settings.server.maxConnections = 7
    settings.server.maxUnauthenticated = 8
    settings.server.maxUnauthenticatedPerSource = 9
    settings.server.trustedProxies = [range("192.0.2.0/24")]
    settings.server.loginGrace = 0
    settings.server.keepaliveInterval = 11
    settings.server.keepaliveCountMax = 12
    settings.server.compression = true
    settings.server.maximumPacketSize = 1024
    settings.server.windowSize = 64 << 20
    settings.server.maxChannels = 3
    settings.server.banner = "hello\n"
    settings.server.spareTransports = 0
    settings.server.ciphers = ["aes256-ctr"]
    settings.server.keyExchanges = ["diffie-hellman-group14-sha256"]
    settings.server.macs = ["hmac-sha2-512", "hmac-sha2-256"]
    settings.server.hostKeyAlgorithms = ["rsa-sha2-256"]
    settings.server.publicKeyAlgorithms = ["ssh-ed25519"]
    settings.server.rekeyBytes = 1 << 40
    settings.server.rekeyInterval = 0
    settings.auth.methods = [.keyboardInteractive, .password, .publicKey]
    settings.auth.required = [[.publicKey, .password], [.keyboardInteractive, .totp, .publicKey]]
    settings.auth.permitRoot = .no
    settings.auth.lockedAccounts = .no
    settings.auth.allowUsers = [users("anna"), users("*@192.0.2.0/24")]
    settings.auth.denyUsers = [users("anna@example.org")]
    settings.auth.allowGroups = [NamePattern("staff")]
    settings.auth.denyGroups = [NamePattern("*")]
    settings.auth.authorizedKeysDirectory = "/keys"
    settings.auth.authorizedKeysPattern = nil
    settings.auth.trustedUserCAKeys = [1, 2]
    settings.auth.revokedKeys = []
    settings.auth.authorizedPrincipalsPattern = "/p/%u"
    settings.auth.permittedUserEnvironment = ["LANG"]
    settings.auth.minimumPasswordTime = 250
    var user = Settings.User(name: "alice")
    user.passwordHash = "$2b$10$abc"
    user.totpSecret = "GEZDGNBVGY3TQOJQ"
    user.totpAlgorithm = .sha256
    user.totpDigits = .eight
    user.authorizedKeys = ["ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"]
    user.shell = "/bin/bash"
    user.home = "/srv/alice"
    user.environment = [.init(name: "A", value: "b=c"), .init(name: "B", value: "")]
    user.runAs = "www-data"
    user.sftpOnly = true
    user.root = "/srv"
    user.isDisabled = true
    user.allowedAddresses = [range("192.0.2.0/24"), range("::/0")]
    user.methods = []
    user.groups = ["staff", ""]
    user.maxSessions = 65536
    settings.auth.users = [user, .init(name: "bob")]
    settings.shell.defaultShell = "/bin/zsh"
    settings.shell.environment = [.init(name: "TZ", value: "UTC")]
    settings.shell.acceptEnvironment = []
    settings.shell.enabled = false
    settings.shell.pty = false
    settings.shell.umask = 0o077
    settings.shell.motd = "/etc/motd"
    settings.shell.maxProcesses = 77
    settings.sftp.enabled = false
    settings.sftp.root = "%h"
    settings.sftp.readOnly = true
    settings.sftp.umask = 0o077
    settings.sftp.maxFileSize = 1 << 50
    settings.sftp.maxHandles = 7
    settings.scp.enabled = false
    settings.scp.root = "/srv"
    settings.scp.maxFileSize = 1
    settings.filter.isEnabled = true
    settings.filter.defaultAction = .deny
    settings.filter.rules = [FilterRule(name: "all", action: .log)]
    settings.audit = AuditSettingsTests.unusual
    let ranges = ["10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"].compactMap { try? AddressRange($0) }
    settings.security.allowedIPs = ranges
    settings.security.blockedIPs = [ranges[1]]
    settings.security.whitelistIPs = Array(ranges[2...])
    settings.security.connectionsPerSecond = 0
    settings.security.connectionBurst = 1
    settings.security.maxAuthAttempts = 2
    settings.security.maxKeyFailures = 7
    settings.security.authWindow = 3
    settings.security.banTime = 4
    settings.security.banFactor = 5
    settings.security.banMax = 6
    settings.security.banStateFile = nil
    settings.matches = [Sample.block]
    return settings
  }

  @Test(arguments: [Settings(), unusual])
  func `settings survive encoding and decoding`(settings: Settings) throws {
    #expect(try Settings(wireBytes: settings.wireBytes[...]) == settings)
  }

  @Test func `truncated settings are refused`() {
    let bytes = Self.unusual.wireBytes
    for length in bytes.indices {
      #expect(throws: WireError.self) { try Settings(wireBytes: bytes[..<length]) }
    }
  }

  @Test(arguments: KeyTable.keys.map(\.path)) func `every key that is allowed in a block is encoded with it`(
    path: String
  )
    throws
  {
    var settings = Self.unusual
    let key = try #require(KeyTable.key(path))
    var block = Match()
    block.users = [.init(NamePattern("*"))]
    block.paths = [path]
    settings.matches = [block]
    if key.matchProblem == nil {
      #expect(try Settings(wireBytes: settings.wireBytes[...]) == settings)
    } else {
      #expect(throws: WireError.self) { try Settings(wireBytes: settings.wireBytes[...]) }
    }
  }

  @Test(arguments: [["shell.pty", "shell.enabled"], ["shell.pty", "shell.pty"], ["shell.pyt"]])
  func `a block with unknown, duplicate or unordered keys is refused`(paths: [String]) {
    var settings = Settings()
    settings.matches = [Sample.block]
    settings.matches[0].paths = paths
    #expect(throws: WireError.malformed) { try Settings(wireBytes: settings.wireBytes[...]) }
  }

  @Test func `too many blocks, rules or exporters are refused`() {
    var settings = Settings()
    settings.matches = Array(repeating: Sample.block, count: Match.countLimit + 1)
    #expect(throws: WireError.tooLong) { try Settings(wireBytes: settings.wireBytes[...]) }
    settings = Settings()
    settings.filter.rules = Array(repeating: FilterRule(action: .log), count: TransferFilter.ruleLimit + 1)
    #expect(throws: WireError.tooLong) { try Settings(wireBytes: settings.wireBytes[...]) }
    settings = Settings()
    settings.audit.exporters = Array(repeating: .file(.init()), count: 17)
    #expect(throws: WireError.tooLong) { try Settings(wireBytes: settings.wireBytes[...]) }
  }

  @Test func `bytes after the settings are refused`() {
    #expect(throws: WireError.trailingBytes) { try Settings(wireBytes: Settings().wireBytes + [0]) }
  }
}
