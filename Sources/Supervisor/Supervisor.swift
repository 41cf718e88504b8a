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

  /// What has a time.
  enum TimerKey: Hashable, Sendable {
    case connection(UInt64, ConnectionMachine.Timer)
    case authorityAnswer(UInt64)
    case authorityRestart(UInt64)
    case transportRestart
    /// What a process writes to its standard error is read again.
    case errors(UInt64)
    /// A zygote has had its time to make the process.
    case made(UInt64)
    /// The process has had its time to end.
    case kill(UInt64)
    case acceptAgain
    /// Addresses that were not there are tried again.
    case listenAgain
    /// The journal has had its time to write.
    case journalAnswer
    case journalRestart
    case journalRetry
    /// There may be a recorder again for what is to go into the login records.
    case loginRecords
    /// By its name.
    case exporterRestart(String)
    /// What was held back of its losses is due.
    case exporterLoss(String)
    /// What was left has had its time to be written.
    case drain
    case banEnd(ClientSource)
    /// A load balancer has had its time to send a PROXY header.
    case proxyHeader(UInt64)
    case saveBans
    /// The process that saves bans has had its time to end, and logins go on without this process.
    case letGo
    /// Connections that were refused are counted until then.
    case refusals
    /// Events of logins are counted until then.
    case countedEvents
    /// The login has waited for its user's budget of events.
    case throttle(UInt64)
    case shutDown
  }

  /// Settings that apply once their first authority is ready.
  struct Candidate {
    let loaded: LoadedSettings
    let authority: UInt64
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

  /// Milliseconds that a zygote may take to make a process; the first takes longest, for the zygote has to start.
  static let makeTime: Int64 = 10_000
  /// Milliseconds that a session process has after its connection.
  static let sessionEndTime: Int64 = 5000
  /// Milliseconds that connections have when the server ends.
  static let shutDownTime: Int64 = 4500
  /// Milliseconds that a loader may take.
  static let loadTime: Int64 = 60_000
  /// Messages of a process that are taken at a time.
  static let readLimit = 16
  /// What a descriptor of a process, or of anything else with a number, is for.
  enum TokenKind: UInt64 {
    case messages = 0
    case end, errors, room
  }

  /// The token of signals.
  static let signalToken: UInt64 = 0

  /// All other tokens.
  static func token(_ number: UInt64, _ kind: TokenKind = .messages) -> UInt64 { number << 2 | kind.rawValue }

  let arguments: Arguments
  let programs: Programs
  let isRoot: Bool
  /// Where it was started, for the loader.
  let directory: String?
  let loop: EventLoop
  let signals: SignalSource
  var log: Log
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
  var timers = Timers<TimerKey>()
  var children: [UInt64: Child] = [:]
  /// Makes the next transport; nil: a new one has to be started first.
  var transportZygote: Child?
  /// Makes the next session process; nil: a new one has to be started first.
  var sessionZygote: Child?
  /// Speaks with systemd; nil: none runs.
  var scopes: Child?
  /// When another one may be started.
  var scopesStart: Int64 = 0
  /// Why a login was not moved into a scope last, as it was logged.
  var toldScopeProblem: String?
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
  var authorities = AuthorityPool()
  var codes = CodeLedger()
  var transports: TransportPool
  /// The name of this machine, for events.
  let hostName: String
  /// Events on their way to the journal.
  var events: AuditQueue
  /// Programs that wait for their events to be written, in the order of the events.
  var starts: [AwaitedStart] = []
  /// The process that writes them; nil: none runs.
  var journal: Child?
  /// What it was told; nil: there is to be no journal.
  var journalSettings: JournalSettings?
  /// Where it works; nil: the directory has to be opened again first.
  var journalDirectory: LoadedSettings.OpenDirectory?
  /// The start waits until the journal is open.
  var awaitsJournal = false
  /// All but that works.
  var isReadyButForJournal = false
  /// Where recorders work or worked, by path.
  var recordingDirectories: [String: LoadedSettings.OpenDirectory] = [:]
  /// The process that makes recordings and keeps login records; nil: none runs.
  var recorder: Child?
  /// What it was told.
  var recorderTold: RecorderSettings?
  /// When another one may be started.
  var recorderStart: Int64 = 0
  /// How often another one takes over because the files of login records were replaced.
  var recorderRenewals = TokenBucket()
  /// Files that recorders were asked to make.
  var openings = RecordingOpenings()
  /// What is to go into the login records.
  var logins = LoginLedger()
  /// Why events cannot be written now.
  var journalProblem: String?
  /// What sends events away from the journal.
  var exporters = ExporterPool()
  /// For what each exporter has to say.
  var exporterThrottles: [String: LogThrottle] = [:]
  /// Of each exporter, the events that never arrive.
  var exporterLosses: [String: LossTally] = [:]
  /// The end of this process waits for the journal alone.
  var isDraining = false
  /// The journal has the end of the service.
  var hasRecordedStop = false
  var admission: AdmissionControl
  var banSaver = BanSaver()
  /// Why bans were not saved last.
  var toldBanProblem = ""
  /// Lets go as soon as bans are saved.
  var isLettingGo = false
  /// Another daemon may listen by now: bans are its to save.
  var hasLetGo = false
  var refusals = RefusalLedger()
  var budgets = EventBudgets(EventBudgets.Limits(kept: 0))
  var throttleLog = LogThrottle(burst: 10, interval: 10_000)
  /// For each reason.
  var refusalThrottles: [Reason: LogThrottle] = [:]
  var acceptThrottle = LogThrottle(interval: 10_000)
  var toldWeaknesses: Set<String> = []
  var nextNumber: UInt64 = 1

  init(
    _ arguments: Arguments, _ loaded: LoadedSettings, log: Log, programs: Programs, directory: String?,
    report: Daemon.Report?
  ) throws(SystemError) {
    self.arguments = arguments
    self.loaded = loaded
    self.log = log
    self.programs = programs
    self.directory = directory
    self.report = report
    isRoot = Hardening.isRoot
    admission = AdmissionControl(rules: loaded.settings.admissionRules)
    proxies = RangeTrie(loaded.settings.server.trustedProxies)
    hostName = ThisProcess.hostName
    events = AuditQueue(loaded.settings.audit.queueLimits)
    transports = TransportPool(spares: loaded.settings.server.spareTransports)
    loop = try EventLoop()
    signals = try SignalSource([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
    try loop.add(signals.descriptor, .read, token: Self.signalToken)
    service = arguments.isForeground ? ServiceManager() : nil
  }

  /// Serves until it is told to end; returns the exit code.
  func run() throws(SystemError) -> ExitCode {
    start()
    while exitCode == nil {
      let soonest = timers.soonest().map { max($0 - Clock.milliseconds, 0) } ?? -1
      for event in try loop.wait(milliseconds: Int32(clamping: soonest)) {
        handle(event)
        if exitCode != nil { break }
      }
      while exitCode == nil, let key = timers.next(at: Clock.milliseconds) { time(key) }
    }
    endRecorder()
    endJournal()
    endExporters()
    for child in children.values { child.signal(SIGKILL) }
    // What is killed is gone at once; reaped here, for where no init does.
    for child in children.values where child.process?.descriptor.wait(for: POLLIN, milliseconds: 100) == true {
      _ = child.process?.reap()
    }
    if hasPidFile, let path = arguments.pidFile { Daemon.removePidFile(path) }
    return exitCode ?? .success
  }

  /// A number that was never given before.
  func newNumber() -> UInt64 {
    defer { nextNumber += 1 }
    return nextNumber
  }

  private func handle(_ event: EventLoop.Event) {
    if event.token == Self.signalToken { return takeSignals() }
    let number = event.token >> 2
    if let child = children[number] {
      switch TokenKind(rawValue: event.token & 3) {
      case .end: ended(child)
      case .errors: readErrors(child)
      case .room: sent(child.flush(), to: child)
      case .messages, nil:
        if event.isWritable && child.hasBacklog { sent(child.flush(), to: child) }
        if event.isReadable { read(child, limit: Self.readLimit) }
      }
    } else if let socket = listeners.first(where: { $0.number == number }) {
      accept(socket)
    } else {
      readHeader(number)
    }
  }

  private func takeSignals() {
    while let (signal, process, user) = signals.nextWithSender() {
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
  }

  private func time(_ key: TimerKey) {
    switch key {
    case .connection(let number, let timer): deliver(.timer(timer), to: number)
    case .authorityAnswer(let number): authorityIsLate(number)
    case .authorityRestart: perform(authorities.restartTime())
    case .transportRestart: perform(transports.restartTime())
    case .errors(let number): if let child = children[number] { watchErrors(child) }
    case .made(let number):
      guard let zygote = children[number]?.maker.flatMap({ children[$0] }) else { return }
      log.write(.error, "\(zygote.role.name) \(zygote.pid) does not answer: killed")
      zygote.signal(SIGKILL)
    case .kill(let number):
      guard let child = children[number] else { return }
      // It has more to tell, and would be listened to if the journal kept up.
      // A process that its user has stopped does not use that time.
      if child.isHeld, child.process?.isStopped != true {
        return timers.set(key, at: Clock.milliseconds + Self.sessionEndTime)
      }
      child.loss = child.process?.isStopped == true ? .stopped : .silent
      log.write(.warning, "\(child.role.name) \(child.pid) takes too long: killed")
      child.signal(SIGKILL)
    case .acceptAgain: acceptAgain()
    case .listenAgain: listenAgain()
    case .banEnd(let source): banEnds(source)
    case .proxyHeader(let number): proxyHeaderIsLate(number)
    case .saveBans: perform(banSaver.time(at: Clock.milliseconds))
    case .letGo: finishLettingGo()
    case .journalAnswer: perform(events.hung())
    case .journalRestart: perform(events.restartTime())
    case .journalRetry: perform(events.retryTime())
    case .loginRecords: tellLogins()
    case .exporterRestart(let name): perform(exporters.restartTime(name))
    case .exporterLoss(let name): exporterLossTime(name)
    case .drain: exitCode = exitCode ?? .success
    case .refusals: tellRefusals()
    case .countedEvents: tellCounted()
    case .throttle(let number): throttleEnds(number)
    case .shutDown:
      for number in Array(connections.keys) { deliver(.transportEnded(.unknown), to: number) }
      drain()
    }
  }
}
