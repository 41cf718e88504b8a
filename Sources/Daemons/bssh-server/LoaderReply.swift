import AccessControl
import Configuration
import Glibc
import IPC
import System

/// What bssh-supervisor gets when a configuration has loaded: one message with descriptors.
struct LoaderReply {
  /// Limit in bytes for the text of problems and warnings in one message.
  private static let textLimit = 100 << 10

  private let settings: Settings
  private let warnings: [Diagnostic]
  /// At most one for each key type, so that a message can hold them all.
  private let hostKeys: [[UInt8]]
  private let listeners: [Descriptor]
  /// Bans saved before a restart; nil: this is a reload, or there is no file.
  private let bans: [Ban]?
  private let accounts: ServiceAccounts?
  /// The directories of the journal and of recordings.
  private let places: AuditPlaces

  /// Loads the configuration, and prepares everything else that the daemon needs.
  ///
  /// - Parameter readsBans: true at the start, when the daemon has no bans yet and needs the saved ones.
  /// - Throws: `Rejected` if the configuration has an error, if a service account is missing, or if a directory cannot
  ///   be used.
  init(
    _ file: ConfigurationFile, _ arguments: Arguments, listeners: [Descriptor], readsBans: Bool
  ) throws(Rejected) {
    let machine = HostInspector()
    let loaded = try file.load(arguments, on: machine)
    var problems: [Diagnostic] = []
    accounts = Hardening.isRoot ? Self.serviceAccounts(&problems) : nil
    if !problems.isEmpty { throw Rejected(problems: problems, warnings: loaded.warnings) }
    settings = loaded.settings
    places = AuditPlaces(loaded, AuditDirectories(accounts, makes: true))
    let (bans, warning) = readsBans ? Self.bans(settings.security.banStateFile) : (nil, nil)
    self.bans = bans
    warnings = loaded.warnings + (warning.map { [$0] } ?? []) + places.warnings
    if !places.problems.isEmpty { throw Rejected(problems: places.problems, warnings: warnings) }
    hostKeys = loaded.settings.server.hostKeys.compactMap { machine.hostKeys[$0] }
    self.listeners = listeners
  }

  /// Sends the message. The descriptors stay open here as well.
  ///
  /// - Throws: `SystemError` if memory cannot be sealed or the socket does not take the message.
  func send(over socket: MessageSocket) throws(SystemError) {
    var descriptors = [try Descriptor.sealedMemory(name: "settings", settings.wireBytes)]
    for key in hostKeys { descriptors.append(try Descriptor.sealedMemory(name: "host-key", key)) }
    descriptors += listeners
    if let bans { descriptors.append(try Descriptor.sealedMemory(name: "bans", BanList(bans).wireBytes)) }
    descriptors += (places.journal.map { [$0.descriptor] } ?? []) + places.recordings.map(\.descriptor)
    var configuration = LoadedConfiguration(
      warnings: Self.lines(warnings), hostKeyCount: UInt32(hostKeys.count), listenerCount: UInt32(listeners.count),
      hasBans: bans != nil, serviceAccounts: accounts)
    configuration.journal = places.journal?.directory
    configuration.recordings = places.recordings.map(\.directory)
    try Self.send(.loaded(configuration), descriptors, over: socket)
  }

  /// Sends the problems instead.
  static func send(_ problems: [Diagnostic], over socket: MessageSocket) throws(SystemError) {
    try send(.rejected(lines(problems)), [], over: socket)
  }

  private static func send(
    _ message: LoaderResult, _ descriptors: [Descriptor], over socket: MessageSocket
  ) throws(SystemError) {
    switch try socket.send(message.wireBytes, descriptors: descriptors, wait: true) {
    case .bytes: return
    case .wouldBlock: throw SystemError("send", code: EAGAIN)
    case .ended: throw SystemError("send", code: EPIPE)
    }
  }

  /// As many lines as a message can hold; the last one says how many more there are.
  static func lines(_ problems: [Diagnostic]) -> [String] {
    var lines: [String] = []
    var size = 0
    for problem in problems {
      let line = Log.printable(problem.description)
      size += line.utf8.count + 4
      if size > textLimit { return lines + ["… and \(problems.count - lines.count) more"] }
      lines.append(line)
    }
    return lines
  }

  /// The bans of a file, and a warning about it, if there is one.
  static func bans(_ path: String?) -> ([Ban]?, Diagnostic?) {
    guard let path else { return (nil, nil) }
    switch BanFile.read(path) {
    case .none: return (nil, nil)
    case .bans(let bans): return (bans, nil)
    case .unusable(let line, let reason):
      let position = line.map { Node.Position(line: $0, column: 1) }
      return (
        nil,
        Diagnostic(
          source: .file(path), position: position, key: "security.ban_state_file",
          reason: "\(reason); starting without the earlier bans")
      )
    }
  }

  /// The accounts of the unprivileged processes; they must exist if the daemon runs as root.
  static func serviceAccounts(_ problems: inout [Diagnostic]) -> ServiceAccounts? {
    func account(_ name: String) -> ServiceAccount? {
      guard let account = HostInspector.account(named: name) else {
        let reason = "the system has no account '\(name)'; 'useradd --system --no-create-home \(name)' creates it"
        problems.append(Diagnostic(source: nil, key: "", reason: reason))
        return nil
      }
      guard account.uid != 0, account.gid != 0 else {
        problems.append(
          Diagnostic(source: nil, key: "", reason: "the account '\(name)' must not have root's privileges"))
        return nil
      }
      return ServiceAccount(uid: account.uid, gid: account.gid)
    }
    // All are looked up, so that all missing ones are reported at once.
    let accounts = ["bssh-transport", "bssh-authority", "bssh-audit"].map(account)
    guard let transport = accounts[0], let authority = accounts[1], let audit = accounts[2] else { return nil }
    guard Set([transport.uid, authority.uid, audit.uid]).count == 3 else {
      let reason = "the accounts 'bssh-transport', 'bssh-authority' and 'bssh-audit' must be three different users"
      problems.append(Diagnostic(source: nil, key: "", reason: reason))
      return nil
    }
    var all = ServiceAccounts(transport: transport, authority: authority, audit: audit)
    all.loginRecords = (try? SystemAccounts().group(named: "utmp"))?.id
    if all.loginRecords == .max { all.loginRecords = nil }
    return all
  }
}
