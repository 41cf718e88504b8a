import Configuration
import Glibc
import IPC
import System

/// What bssh-supervisor gets of a configuration that loaded: one message, with descriptors.
struct Answer {
  /// The text of problems and warnings that goes into one message, in bytes.
  private static let textLimit = 100 << 10

  private let settings: Settings
  private let warnings: [Problem]
  /// One for each type of key at most, so that a message holds them all.
  private let hostKeys: [[UInt8]]
  private let listeners: [Descriptor]
  private let accounts: ServiceAccounts?

  /// Loads the configuration, and looks up what else the daemon needs.
  init(_ file: ConfigurationFile, _ arguments: Arguments, listeners: [Descriptor]) throws(Rejected) {
    let machine = Machine()
    let loaded = try file.load(arguments, on: machine)
    var problems: [Problem] = []
    accounts = Hardening.isRoot ? Self.serviceAccounts(&problems) : nil
    if !problems.isEmpty { throw Rejected(problems: problems, warnings: loaded.warnings) }
    settings = loaded.settings
    warnings = loaded.warnings
    hostKeys = loaded.settings.server.hostKeys.compactMap { machine.hostKeys[$0] }
    self.listeners = listeners
  }

  /// Leaves the message in the socket.
  func send(over socket: MessageSocket) throws(SystemError) {
    var descriptors = [try Descriptor.sealedMemory(name: "settings", settings.wireBytes)]
    for key in hostKeys { descriptors.append(try Descriptor.sealedMemory(name: "host-key", key)) }
    let message = LoaderResult.loaded(
      LoadedConfiguration(
        warnings: Self.lines(warnings), hostKeyCount: UInt32(hostKeys.count), listenerCount: UInt32(listeners.count),
        serviceAccounts: accounts))
    try Self.send(message, descriptors + listeners, over: socket)
  }

  /// Leaves the problems in the socket instead.
  static func send(_ problems: [Problem], over socket: MessageSocket) throws(SystemError) {
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

  /// As many lines as a message holds; the last one tells how many more there are.
  static func lines(_ problems: [Problem]) -> [String] {
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

  /// The accounts of the processes that belong to nobody; they must be there when the daemon runs as root.
  static func serviceAccounts(_ problems: inout [Problem]) -> ServiceAccounts? {
    func account(_ name: String) -> ServiceAccount? {
      guard let account = SystemAccount(named: name) else {
        let reason = "the system has no account '\(name)'; 'useradd --system --no-create-home \(name)' makes it"
        problems.append(Problem(source: nil, key: "", reason: reason))
        return nil
      }
      guard account.uid != 0, account.gid != 0 else {
        problems.append(Problem(source: nil, key: "", reason: "the account '\(name)' must not have root's rights"))
        return nil
      }
      return ServiceAccount(uid: account.uid, gid: account.gid)
    }
    guard let transport = account("bssh-transport"), let authority = account("bssh-authority") else { return nil }
    guard transport.uid != authority.uid else {
      let reason = "the accounts 'bssh-transport' and 'bssh-authority' must not be one and the same user"
      problems.append(Problem(source: nil, key: "", reason: reason))
      return nil
    }
    return ServiceAccounts(transport: transport, authority: authority)
  }
}
