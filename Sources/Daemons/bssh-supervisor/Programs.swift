import Glibc
import IPC
import System

/// How the other processes are started: their privileges, limits and descriptors.
struct Programs {
  /// The executables.
  let executables: Executables
  /// /dev/null.
  let null: Descriptor

  /// All executables that a supervisor or its session processes start, opened when the supervisor starts. An upgrade
  /// replaces files while logins continue, and executables of different builds are incompatible.
  struct Executables {
    let authority, transport, session, transfer, journal, recorder, exporter, server: Executable

    /// Opens the executables.
    ///
    /// - Parameters:
    ///   - folder: the directory of all executables except `bssh-server`.
    ///   - server: the path of `bssh-server`.
    /// - Throws: `SystemError` when one cannot be opened.
    init(in folder: String, server: String) throws(SystemError) {
      func open(_ name: ExecutableName) throws(SystemError) -> Executable {
        try Executable.open("\(folder)/\(name.rawValue)")
      }
      authority = try open(.authority)
      transport = try open(.transport)
      session = try open(.session)
      transfer = try open(.transfer)
      journal = try open(.journal)
      recorder = try open(.recorder)
      exporter = try open(.exporter)
      self.server = try Executable.open(server)
    }
  }

  /// A process's ends of its standard error and of its connection to the supervisor, which become its descriptors 2, 3 and,
  /// except for a loader, 4.
  struct Ends {
    let standardError: Descriptor
    let supervisor: [Descriptor]
  }

  /// The limit of open files with which the supervisor was started; logins get it.
  let openFiles: ResourceLimit
  /// The limit of core files with which the supervisor was started; logins get it. Our other processes write no core files.
  let coreFiles: ResourceLimit
  /// The value of oom_score_adj with which the supervisor was started, which all other processes get; nil: the supervisor
  /// has not changed its own. proc_pid_oom_score_adj(5)
  let outOfMemoryScore: Int?

  /// Why accounts other than root cannot execute our programs: one line for each reason.
  var obstacles: [String] {
    let programs = [
      executables.authority, executables.transport, executables.session, executables.transfer, executables.journal,
      executables.recorder, executables.exporter,
    ]
    let all = programs.compactMap { System.Executables.obstacle(toUsersStarting: $0.path) }
    // A directory that cannot be searched is the reason for all programs.
    return all.enumerated().filter { !all[..<$0].contains($1) }.map(\.element)
  }

  /// An authority.
  func authority(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.authority, ends)
    request.identity = accounts.map { identity($0.authority) }
    request.limits = [.coreFile(0), openFiles]
    request.environment += timeZone
    return request
  }

  /// An exporter, with the account of the journal, and access to the network.
  func exporter(
    _ accounts: ServiceAccounts?, ends: Ends, settings: Descriptor, journal: Descriptor
  ) -> ChildProcess.Request {
    var request = base(executables.exporter, ends)
    request.descriptors += [settings, journal]
    request.identity = accounts.map { identity($0.audit) }
    request.limits = [.coreFile(0), .openFiles(256), .addressSpace(1 << 30)]
    return request
  }

  /// The journal process, with its own account, which owns only the files of the journal.
  func journal(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.journal, ends)
    request.identity = accounts.map { identity($0.audit) }
    request.limits = [.coreFile(0), .openFiles(64), .addressSpace(1 << 30)]
    return request
  }

  /// Descriptors of a transport: four for each session channel and one for each forwarded connection, at the upper bounds
  /// of `server.max_channels` and `forwarding.max_channels`, and its own.
  static let transportDescriptors: UInt64 = 4 * 1024 + 4096 + 64

  /// The zygote of transports, which are exposed to the network: with its own account and minimal limits.
  func transportZygote(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.transport, ends)
    request.identity = accounts.map { identity($0.transport) }
    request.keepsChroot = accounts != nil
    request.limits = [.coreFile(0), openFiles.lowered(to: Self.transportDescriptors), .addressSpace(1 << 30)]
    request.arguments.append(ThisProcess.titleRoom)
    return request
  }

  /// The zygote of session processes, with root's privileges, because each of its copies changes to the account of its user.
  func sessionZygote(ends: Ends) -> ChildProcess.Request {
    var request = base(executables.session, ends)
    request.limits = [openFiles, coreFiles]
    request.arguments.append(ThisProcess.titleRoom)
    // Logins get the time zone from our environment, as with sshd.
    request.environment += timeZone
    return request
  }

  /// The process that talks to systemd, as root.
  func scopes(ends: Ends) -> ChildProcess.Request {
    var request = base(executables.session, ends)
    request.arguments += ["scopes", ThisProcess.titleRoom]
    request.limits = [.coreFile(0), .openFiles(1024), .addressSpace(1 << 30)]
    request.environment += bus
    return request
  }

  /// The address of the system bus, if it is not the default.
  private var bus: [String] {
    ProcessEnvironment.value(of: "DBUS_SYSTEM_BUS_ADDRESS").map { ["DBUS_SYSTEM_BUS_ADDRESS=\($0)"] } ?? []
  }

  /// The daemon's time zone, if it is not the system's. Authorities interpret times in authorized_keys in it.
  private var timeZone: [String] { ProcessEnvironment.value(of: "TZ").map { ["TZ=\($0)"] } ?? [] }

  /// The loader: `bssh-server load`.
  func loader(_ arguments: [String], directory: String?, ends: Ends) -> ChildProcess.Request {
    var request = server(["load"] + arguments, ends)
    request.environment = ProcessEnvironment.all
    request.directory = directory
    return request
  }

  /// The recorder, with the account of the journal, and the group of the login records.
  func recorder(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.recorder, ends)
    request.identity = accounts.map {
      Identity(uid: $0.audit.uid, gid: $0.audit.gid, groups: $0.loginRecords.map { [$0] } ?? [])
    }
    request.limits = [.coreFile(0), .openFiles(1024), .addressSpace(1 << 30)]
    return request
  }

  /// `bssh-server open-journal`, which opens the directory of the journal.
  func journalOpener(_ settings: JournalSettings, ends: Ends) -> ChildProcess.Request {
    server(["open-journal", "\(String(settings.mode, radix: 8)):\(settings.path)"], ends)
  }

  /// `bssh-server save-bans`, which writes the list of bans in `memory` to `file`.
  func banWriter(
    _ file: String, _ memory: Descriptor, ends: Ends
  ) -> ChildProcess.Request {
    var request = server(["save-bans", file], ends)
    request.descriptors.append(memory)
    return request
  }

  /// bssh-server with an internal command.
  private func server(_ arguments: [String], _ ends: Ends) -> ChildProcess.Request {
    var request = base(executables.server, ends)
    request.arguments = ["bssh-server"] + arguments
    request.limits = [openFiles]
    return request
  }

  /// The properties of all processes that the supervisor starts.
  private func base(_ executable: Executable, _ ends: Ends) -> ChildProcess.Request {
    var request = ChildProcess.Request(
      executable, arguments: [executable.name], descriptors: [null, null, ends.standardError] + ends.supervisor)
    request.environment = ProcessEnvironment.fixed
    request.outOfMemoryScore = outOfMemoryScore
    request.directory = "/"
    // Signals from keys at the supervisor's terminal are only for the supervisor.
    request.newSession = true
    return request
  }

  private func identity(_ account: ServiceAccount) -> Identity {
    Identity(uid: account.uid, gid: account.gid, groups: [])
  }
}
