import Filter
import IPC
import Model
import Testing

@testable import Configuration

@Suite struct TransferRightsTests {
  private static func rights(_ change: (inout Settings) -> Void = { _ in }) -> TransferRights {
    var settings = Settings()
    change(&settings)
    return TransferRights(settings, user: "bob", home: "/home/bob")
  }

  private static func configured(_ settings: inout Settings, _ change: (inout Settings.User) -> Void) {
    var user = Settings.User(name: "bob")
    change(&user)
    settings.auth.users = [Settings.User(name: "anna"), user]
  }

  @Test func `by default all files of the account can be transferred`() {
    let everything = TransferSettings(
      root: "", readOnly: false, umask: nil, maxFileSize: nil, maxHandles: 1024, user: "bob",
      filter: TransferFilter())
    let rights = TransferRightsTests.rights()
    #expect(rights.sftp == everything && rights.scp == everything)
    #expect(!rights.isOnlyTransfer && rights.impossibleRoots.isEmpty)
  }

  @Test func `each protocol is disabled separately`() {
    let withoutSFTP = TransferRightsTests.rights { $0.sftp.enabled = false }
    #expect(withoutSFTP.sftp == nil && withoutSFTP.scp != nil)
    let withoutSCP = TransferRightsTests.rights { $0.scp.enabled = false }
    #expect(withoutSCP.sftp != nil && withoutSCP.scp == nil)
  }

  /// The protocols that are refused to a login whose shell is nologin(8).
  private static func closed(
    keyCommand: String? = nil, blocks: [Match] = [], _ change: (inout Settings) -> Void = { _ in }
  ) -> ClosedProtocols {
    var settings = Settings()
    change(&settings)
    settings.matches = blocks
    let numbers = Array(blocks.indices)
    let rights = TransferRights(
      settings.applying(numbers), user: "bob", home: "/home/bob", shell: .none, blocks: numbers,
      keyCommand: keyCommand.map { Array($0.utf8) })
    #expect((rights.sftp == nil) == (rights.closedByShell.contains(.sftp) || !settings.applying(numbers).sftp.enabled))
    #expect((rights.scp == nil) == (rights.closedByShell.contains(.scp) || !settings.applying(numbers).scp.enabled))
    return rights.closedByShell
  }

  private static func block(_ paths: [String], _ change: (inout Settings) -> Void) -> Match {
    var block = Match()
    block.users = [.init(NamePattern("bob"))]
    block.paths = paths
    change(&block.values)
    return block
  }

  @Test func `nologin refuses file transfers unless the configuration allows them explicitly`() {
    #expect(Self.closed() == [.sftp, .scp])
    #expect(Self.closed { Self.configured(&$0) { $0.sftpOnly = true } } == [])
    // A root or a limit does not allow transfers.
    #expect(Self.closed { $0.sftp.root = "/srv" } == [.sftp, .scp])
    #expect(Self.closed { Self.configured(&$0) { $0.root = "/srv" } } == [.sftp, .scp])
    #expect(Self.closed { $0.shell.enabled = false } == [.sftp, .scp])
    // SFTP that is forced by the configuration or by the key allows it; other commands do not.
    for line in ["internal-sftp", "internal-sftp -R"] {
      #expect(Self.closed { $0.shell.forcedCommand = line } == [])
      #expect(Self.closed(keyCommand: line) == [])
      // The forced command of the configuration overrides that of the key.
      #expect(Self.closed(keyCommand: line) { $0.shell.forcedCommand = "date" } == [.sftp, .scp])
    }
    for line in ["scp -t .", "internal-sftp; id", "/usr/lib/openssh/sftp-server"] {
      #expect(Self.closed { $0.shell.forcedCommand = line } == [.sftp, .scp])
      #expect(Self.closed(keyCommand: line) == [.sftp, .scp])
    }
    // A protocol that is disabled is refused for that reason.
    #expect(Self.closed { $0.sftp.enabled = false } == [.scp])
  }

  @Test func `a match block can allow file transfers despite nologin`() {
    let forced = Self.block(["shell.forced_command"]) { $0.shell.forcedCommand = "internal-sftp" }
    #expect(Self.closed(blocks: [forced]) == [])
    #expect(Self.closed(blocks: [Self.block(["sftp.enabled"]) { $0.sftp.enabled = true }]) == [.scp])
    #expect(Self.closed(blocks: [Self.block(["scp.enabled"]) { $0.scp.enabled = true }]) == [.sftp])
    #expect(Self.closed(blocks: [Self.block(["shell.enabled"]) { $0.shell.enabled = false }]) == [])
    #expect(Self.closed(blocks: [Self.block(["shell.enabled"]) { $0.shell.enabled = true }]) == [.sftp, .scp])
    #expect(Self.closed(blocks: [Self.block(["sftp.root"]) { $0.sftp.root = "/srv" }]) == [.sftp, .scp])
    // The last block wins.
    let on = Self.block(["sftp.enabled"]) { $0.sftp.enabled = true }
    let off = Self.block(["sftp.enabled"]) { $0.sftp.enabled = false }
    #expect(Self.closed(blocks: [off, on]) == [.scp])
    #expect(Self.closed(blocks: [on, off]) == [.scp])
    let rights = TransferRights(
      {
        var settings = Settings()
        settings.matches = [on, off]
        return settings.applying([0, 1])
      }(), user: "bob",
      home: "/home/bob", shell: .none, blocks: [0, 1])
    #expect(rights.sftp == nil)
  }

  @Test(arguments: [ShellKind.listed, .unlisted]) func `other shells refuse nothing`(shell: ShellKind) {
    let rights = TransferRights(Settings(), user: "bob", home: "/home/bob", shell: shell)
    #expect(rights.closedByShell == [] && rights.sftp != nil && rights.scp != nil)
  }

  @Test func `SCP has the root of SFTP unless it has its own`() {
    let shared = TransferRightsTests.rights { $0.sftp.root = "/a" }
    #expect(shared.sftp?.root == "/a" && shared.scp?.root == "/a")
    let own = TransferRightsTests.rights { $0.scp.root = "/b" }
    #expect(own.sftp?.root == "" && own.scp?.root == "/b")
  }

  @Test func `rules know the groups that the configuration gives a user`() {
    let rights = TransferRightsTests.rights { TransferRightsTests.configured(&$0) { $0.groups = ["staff"] } }
    #expect(rights.sftp?.groups == ["staff"] && rights.scp?.groups == ["staff"])
  }

  @Test func `each key sets its own right`() {
    let rights = TransferRightsTests.rights {
      $0.sftp.root = "/srv/%u"
      $0.scp.root = "%h/in"
      $0.sftp.readOnly = true
      $0.sftp.umask = 0o027
      $0.sftp.maxFileSize = 5
      $0.scp.maxFileSize = 6
      $0.sftp.maxHandles = 7
      $0.filter.isEnabled = true
      $0.filter.defaultAction = .deny
    }
    var filter = TransferFilter()
    filter.isEnabled = true
    filter.defaultAction = .deny
    #expect(
      rights.sftp
        == TransferSettings(
          root: "/srv/bob", readOnly: true, umask: 0o027, maxFileSize: 5, maxHandles: 7, user: "bob", filter: filter))
    #expect(
      rights.scp
        == TransferSettings(
          root: "/home/bob/in", readOnly: true, umask: 0o027, maxFileSize: 6, maxHandles: 7, user: "bob",
          filter: filter))
  }

  @Test func `the root of a user overrides both others for that user only`() {
    let rights = TransferRightsTests.rights {
      $0.sftp.root = "/srv/sftp"
      $0.scp.root = "/srv/scp"
      TransferRightsTests.configured(&$0) { $0.root = "/srv/own" }
    }
    #expect(rights.sftp?.root == "/srv/own" && rights.scp?.root == "/srv/own")
    let other = TransferRightsTests.rights {
      $0.sftp.root = "/srv/sftp"
      var user = Settings.User(name: "anna")
      user.root = "/srv/anna"
      $0.auth.users = [user]
    }
    #expect(other.sftp?.root == "/srv/sftp")
  }

  @Test func `sftp_only applies to the user it names`() {
    #expect(
      TransferRightsTests.rights { TransferRightsTests.configured(&$0) { $0.sftpOnly = true } }.isOnlyTransfer)
    #expect(
      !TransferRightsTests.rights {
        var user = Settings.User(name: "anna")
        user.sftpOnly = true
        $0.auth.users = [user]
      }.isOnlyTransfer)
  }

  @Test(arguments: [
    ("/srv/%u", "/srv/bob"), ("%h", "/home/bob"), ("%h/%u/x", "/home/bob/bob/x"), ("/a%%u", "/a%u"), ("/", ""),
    ("//", ""), ("/srv/%u%u", "/srv/bobbob"),
  ]) func `a root is expanded in one pass`(pattern: String, root: String) {
    #expect(TransferRights.expand(pattern, user: "bob", home: "/home/bob") == root)
  }

  @Test(arguments: ["", ".", "..", "a/b", "../etc", "a\0b"])
  func `a user name that is no file name is not part of a root`(name: String) {
    #expect(TransferRights.expand("/srv/%u", user: name, home: "/") == nil)
    #expect(TransferRights.expand("/srv", user: name, home: "/") == "/srv")
  }

  @Test(arguments: ["%u", "srv", "/srv/%x", "/srv/%", "/srv/..", ""])
  func `a pattern that is not an absolute path is no root`(pattern: String) {
    #expect(TransferRights.expand(pattern, user: "bob", home: "/home/bob") == nil)
  }

  @Test func `a home that is not absolute or contains .. is no root`() {
    for home in ["", "home", "/home/../etc"] {
      #expect(TransferRights.expand("%h", user: "bob", home: home) == nil)
    }
  }

  @Test func `a root that cannot be expanded refuses transfers and is never ignored`() {
    var settings = Settings()
    settings.sftp.root = "/srv/%u"
    settings.scp.root = "/srv/%u"
    let rights = TransferRights(settings, user: "..", home: "/")
    #expect(rights.sftp == nil && rights.scp == nil && rights.impossibleRoots == ["/srv/%u"])
  }
}
