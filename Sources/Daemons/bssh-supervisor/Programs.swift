import Glibc
import IPC
import System

/// How the other processes are started: with which rights, limits and descriptors.
struct Programs {
  /// What is started.
  let executables: Executables
  /// /dev/null.
  let null: Descriptor

  /// Every executable that a supervisor, or a session process of it, ever starts: those that were there when it started.
  /// An upgrade replaces files while logins go on, and executables of two builds do not understand each other.
  struct Executables {
    let authority, transport, session, transfer, journal, recorder, exporter, server: Executable

    /// Opens them.
    ///
    /// - Parameters:
    ///   - folder: where all but `bssh-server` are.
    ///   - server: the path of `bssh-server`.
    init(in folder: String, server: String) throws(SystemError) {
      func open(_ name: String) throws(SystemError) -> Executable { try Executable.open("\(folder)/\(name)") }
      authority = try open("bssh-authority")
      transport = try open("bssh-transport")
      session = try open("bssh-session")
      transfer = try open("bssh-transfer")
      journal = try open("bssh-journal")
      recorder = try open("bssh-recorder")
      exporter = try open("bssh-exporter")
      self.server = try Executable.open(server)
    }
  }

  /// What a process of ours is started with: the other end of its standard error, and of its connection to us, which
  /// become its descriptors 2, 3 and, but for a loader, 4.
  struct Ends {
    let standardError: Descriptor
    let supervisor: [Descriptor]
  }

  /// The limit on open files that the supervisor was started with; a login gets it.
  let openFiles: ResourceLimit
  /// The limit on core files that it was started with; a login gets it, and no other process of ours has any.
  let coreFiles: ResourceLimit
  /// The score that the supervisor had for the time when memory runs out; nil: it has it still. Every other process gets
  /// it.
  let outOfMemoryScore: Int?

  /// Why other accounts than root, which are to start our programs, cannot do that: one line for each reason.
  var obstacles: [String] {
    let programs = [
      executables.authority, executables.transport, executables.session, executables.transfer, executables.journal,
      executables.recorder, executables.exporter,
    ]
    let all = programs.compactMap { System.Executables.obstacle(toUsersStarting: $0.path) }
    // A directory is in the way of all.
    return all.enumerated().filter { !all[..<$0].contains($1) }.map(\.element)
  }

  /// An authority, which may block.
  func authority(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.authority, ends)
    request.identity = accounts.map { identity($0.authority) }
    request.limits = [.coreFile(0), openFiles]
    request.environment += timeZone
    return request
  }

  /// What reads the journal and sends it to a receiver; it has the account of the journal, and the network.
  func exporter(
    _ accounts: ServiceAccounts?, ends: Ends, settings: Descriptor, journal: Descriptor
  ) -> ChildProcess.Request {
    var request = base(executables.exporter, ends)
    request.descriptors += [settings, journal]
    request.identity = accounts.map { identity($0.audit) }
    request.limits = [.coreFile(0), .openFiles(256), .addressSpace(1 << 30)]
    return request
  }

  /// What writes the journal: an account of its own, which has the journal's files and nothing else.
  func journal(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.journal, ends)
    request.identity = accounts.map { identity($0.audit) }
    request.limits = [.coreFile(0), .openFiles(64), .addressSpace(1 << 30)]
    return request
  }

  /// What makes transports, which face the network: an account of its own, and just enough to do that.
  func transportZygote(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.transport, ends)
    request.identity = accounts.map { identity($0.transport) }
    request.keepsChroot = accounts != nil
    request.limits = [.coreFile(0), .openFiles(4096), .addressSpace(1 << 30)]
    request.arguments.append(ThisProcess.titleRoom)
    return request
  }

  /// What makes session processes: each becomes the account that it is made for.
  func sessionZygote(ends: Ends) -> ChildProcess.Request {
    var request = base(executables.session, ends)
    request.limits = [openFiles, coreFiles]
    request.arguments.append(ThisProcess.titleRoom)
    // Of our environment a login gets the time zone, as from sshd.
    request.environment += timeZone
    return request
  }

  /// What speaks with systemd, as root.
  func scopes(ends: Ends) -> ChildProcess.Request {
    var request = base(executables.session, ends)
    request.arguments += ["scopes", ThisProcess.titleRoom]
    request.limits = [.coreFile(0), .openFiles(1024), .addressSpace(1 << 30)]
    request.environment += bus
    return request
  }

  /// The bus that systemd is to be found at, when it is not the usual one.
  private var bus: [String] {
    ProcessEnvironment.value(of: "DBUS_SYSTEM_BUS_ADDRESS").map { ["DBUS_SYSTEM_BUS_ADDRESS=\($0)"] } ?? []
  }

  /// The daemon's time zone, when it is not the system's; an authority reads times of authorized_keys in it.
  private var timeZone: [String] { ProcessEnvironment.value(of: "TZ").map { ["TZ=\($0)"] } ?? [] }

  /// bssh-server, to load the configuration again.
  func loader(_ arguments: [String], directory: String?, ends: Ends) -> ChildProcess.Request {
    var request = server(["load"] + arguments, ends)
    request.environment = ProcessEnvironment.all
    request.directory = directory
    return request
  }

  /// What makes recordings and keeps login records: the journal's account, in the group of those records.
  func recorder(_ accounts: ServiceAccounts?, ends: Ends) -> ChildProcess.Request {
    var request = base(executables.recorder, ends)
    request.identity = accounts.map {
      Identity(uid: $0.audit.uid, gid: $0.audit.gid, groups: $0.loginRecords.map { [$0] } ?? [])
    }
    request.limits = [.coreFile(0), .openFiles(1024), .addressSpace(1 << 30)]
    return request
  }

  /// bssh-server, to open the directory of the journal.
  func journalOpener(_ settings: JournalSettings, ends: Ends) -> ChildProcess.Request {
    server(["open-journal", "\(String(settings.mode, radix: 8)):\(settings.path)"], ends)
  }

  /// bssh-server, to write bans, which are in `memory`, into `file`.
  func banWriter(
    _ file: String, _ memory: Descriptor, ends: Ends
  ) -> ChildProcess.Request {
    var request = server(["save-bans", file], ends)
    request.descriptors.append(memory)
    return request
  }

  /// bssh-server, with a command of its own.
  private func server(_ arguments: [String], _ ends: Ends) -> ChildProcess.Request {
    var request = base(executables.server, ends)
    request.arguments = ["bssh-server"] + arguments
    request.limits = [openFiles]
    return request
  }

  /// What every process that the supervisor starts has.
  private func base(_ executable: Executable, _ ends: Ends) -> ChildProcess.Request {
    var request = ChildProcess.Request(
      executable, arguments: [executable.name], descriptors: [null, null, ends.standardError] + ends.supervisor)
    request.environment = ProcessEnvironment.fixed
    request.outOfMemoryScore = outOfMemoryScore
    request.directory = "/"
    // A key typed at the supervisor's terminal is for the supervisor.
    request.newSession = true
    return request
  }

  private func identity(_ account: ServiceAccount) -> Identity {
    Identity(uid: account.uid, gid: account.gid, groups: [])
  }
}
