import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System

/// The shell around the machines: waits for sockets, processes, signals and times, tells the machines, and does what
/// they say. Never waits for anything else.
final class Supervisor {
  /// Where the server is in its life.
  enum State: Equatable {
    /// Not everything works yet that must work at first.
    case starting
    case running
    /// Takes no connections, and ends with the last one.
    case ending
  }

  /// Settings that apply once their first authority is ready.
  struct Candidate {
    let loaded: LoadedSettings
    let listeners: [ListeningSocket]
    let absent: [AbsentAddress]
  }

  /// An address of the configuration that the system does not give us now.
  struct AbsentAddress {
    let configured: Settings.BindAddress
    let error: SystemError

    var address: SocketAddress { SocketAddress(address: configured.address, port: configured.port) }
  }

  /// A socket that connections come from.
  struct ListeningSocket {
    let number: UInt64
    /// Nil: it came from systemd.
    let configured: Settings.BindAddress?
    let listener: Listener
  }

  /// Milliseconds that connections have when the server ends.
  static let shutDownTime: Int64 = 4500
  /// Milliseconds that a loader may take.
  static let loadTime: Int64 = 60_000
  let arguments: Arguments
  let programs: Programs
  let isRoot: Bool
  /// Where it was started, for the loader.
  let directory: String?
  let runtime: ProcessRuntime
  var service: ServiceManager?
  var report: Daemon.Report?
  var hasPidFile = false

  var state: State = .starting
  var exitCode: ExitCode?
  var loaded: LoadedSettings
  /// Warnings about what connections share: each is told once, and at most 1,024 are.
  var toldWarnings: Set<String> = []
  /// What the transports of the settings that apply are told.
  var transportSettings: TransportSettings?
  var candidate: Candidate?
  var shallReloadAgain = false
  /// Processes that asked for a reload, and wait for what comes of it.
  var reloadAskers: [Int32] = []
  /// Since when the configuration is one that does not apply, for people; nil: the one that was loaded last applies.
  var refusedSince: String?
  var connections: [UInt64: Connection] = [:]
  /// Connections of load balancers that have not said yet whose they are.
  var proxied: [UInt64: ProxiedConnection] = [:]
  /// Where load balancers are.
  var proxies: RangeTrie
  var sessionCounts = SessionCounts()
  var listeners: [ListeningSocket] = []
  /// Addresses of the settings that apply on which it cannot listen yet.
  var absentAddresses: [AbsentAddress] = []
  var listenBackoff = Backoff(first: 1000, longest: 30_000)
  let transportZygotes: ZygoteService
  let sessionZygotes: ZygoteService
  let transports: TransportService
  let scopes: ScopeService
  let journal: JournalService
  let recorders: RecorderService
  let recordings: RecordingService
  let logins: LoginRecordService
  let audit: AuditService
  let exporters: ExporterService
  let admission: AdmissionService
  let bans: BanService
  let authorities: AuthorityService
  /// All but the journal works.
  var isReadyButForJournal = false
  /// The end of this process waits for the journal alone.
  var isDraining = false
  /// The journal has the end of the service.
  var hasRecordedStop = false
  /// Lets go as soon as bans are saved.
  var isLettingGo = false
  var throttleLog = LogThrottle(burst: 10, interval: 10_000)
  var acceptThrottle = LogThrottle(interval: 10_000)

  init(
    _ arguments: Arguments, _ loaded: LoadedSettings, log: Log, programs: Programs, directory: String?,
    report: Daemon.Report?
  ) throws(SystemError) {
    self.arguments = arguments
    self.loaded = loaded
    self.programs = programs
    self.directory = directory
    self.report = report
    isRoot = Hardening.isRoot
    proxies = RangeTrie(loaded.settings.server.trustedProxies)
    runtime = try ProcessRuntime(programs, log: log)
    transportZygotes = ZygoteService(runtime, of: .transport, .transportZygote(loaded.accounts))
    sessionZygotes = ZygoteService(
      runtime, of: .session, .sessionZygote, [programs.executables.transfer.descriptor])
    transports = TransportService(runtime, transportZygotes)
    let service = arguments.isForeground ? ServiceManager() : nil
    scopes = ScopeService(runtime, isRoot: isRoot, isService: service?.isPresent ?? false)
    self.service = service
    journal = JournalService(runtime, loaded, hostName: ThisProcess.hostName)
    recorders = RecorderService(runtime)
    recordings = RecordingService(runtime, recorders)
    logins = LoginRecordService(runtime, recorders)
    audit = AuditService(runtime, journal, recorders, recordings, logins)
    exporters = ExporterService(runtime, audit, journal)
    admission = AdmissionService(runtime, audit, loaded.settings)
    bans = BanService(runtime, admission, loaded.settings)
    authorities = AuthorityService(runtime, singleUser: isRoot ? nil : Daemon.userID)
  }

  /// Serves until it is told to end; returns the exit code.
  func run() throws(SystemError) -> ExitCode {
    try runtime.run { event in
      handle(event)
      return exitCode == nil
    }
    audit.endRecorders()
    journal.end()
    exporters.end()
    runtime.killAll()
    if hasPidFile, let path = arguments.pidFile { Daemon.removePidFile(path) }
    return exitCode ?? .success
  }

  private func handle(_ event: SupervisorEvent) {
    switch event {
    case .start: start()
    case .signal(let signal, let process, let user): take(signal, process, user)
    case .timer(let key): time(key)
    case .readable(let number):
      if listeners.contains(where: { $0.number == number }) {
        accept(number, left: Self.acceptLimit)
      } else {
        readHeader(number)
      }
    case .message(let bytes, let descriptors, let child): take(bytes, descriptors, from: child)
    case .ended(let child, let status): ended(child, status)
    case .accept(let listener, let left): accept(listener, left: left)
    case .connection(let event, let number): deliver(event, to: number)
    case .letGo: letGoOnceBansAreSaved()
    case .drain: drain()
    case .sessionsRead: sessionsRead()
    case .made(let child):
      if child.role == .transport { transports.made(child) }
      scopes.made(child)
    case .transportAssigned(let child, let number): assign(child, to: number)
    case .transportReady: if state == .starting { started() }
    case .candidateReady(let authority, let hostKeys): activate(authority, hostKeys)
    case .candidateFailed(let why): candidateFailed(why)
    case .bansChanged: bans.changed()
    case .bansSaved: finishLettingGo()
    case .audit(let fact): audit.record(fact)
    case .statusChanged: service?.status(status)
    case .failed(let code): fail(code)
    case .journalHolds: hold()
    case .journalReleases: release()
    case .journalOpened: journalOpened()
    case .journalNotOpened(let reason): journal.notOpened(reason)
    case .journalDirectoryOpened: exporters.apply(loaded)
    case .journalDrained: exitCode = exitCode ?? .success
    case .terminalEntered(let number): terminalEntered(number)
    }
  }

  private func take(_ signal: Int32, _ process: UInt32, _ user: UInt32) {
    let sender = "by pid \(process), uid \(user)"
    switch signal {
    case SIGTERM, SIGINT:
      asked(.shutdown, sender)
      shutDown()
    case SIGHUP:
      asked(.reload, sender)
      reload(for: user == 0 ? Int32(clamping: process) : nil)
    case SIGUSR1:
      asked(.letGo, sender)
      letGo()
    default: break
    }
  }

  private func time(_ key: TimerKey) {
    switch key {
    case .connection(let number, let timer): post(.timer(timer), to: number)
    case .authorityAnswer(let number): authorities.isLate(number)
    case .authorityRestart: authorities.restartTime()
    case .transportRestart: transports.restartTime()
    // The runtime's own.
    case .errors, .made, .kill: break
    case .acceptAgain: acceptAgain()
    case .listenAgain: listenAgain()
    case .banEnd(let source): admission.banEnds(source)
    case .proxyHeader(let number): proxyHeaderIsLate(number)
    case .saveBans: bans.time()
    case .letGo: finishLettingGo()
    case .journalAnswer: journal.handle(.answer)
    case .journalRestart: journal.handle(.restart)
    case .journalRetry: journal.handle(.retry)
    case .loginRecords: logins.tellRecorder()
    case .exporterRestart(let name): exporters.restartTime(name)
    case .exporterLoss(let name): exporters.lossTime(name)
    case .drain: exitCode = exitCode ?? .success
    case .refusals: admission.recordRefusals()
    case .countedEvents: audit.recordCounted()
    case .throttle(let number): throttleEnds(number)
    case .shutDown:
      for number in Array(connections.keys) { post(.transportEnded(.unknown), to: number) }
      runtime.post(.drain)
    }
  }
}
