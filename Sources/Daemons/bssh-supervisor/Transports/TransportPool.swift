import AccessControl

/// Which transport serves which connection, and how many wait ready. Decides only.
///
/// A transport serves one connection. Some are started ahead (spares); a connection that finds none waits for the
/// next that becomes ready. Sources take turns, so that nobody waits for all of a crowd that came first.
struct TransportPool: Sendable {
  /// What to do now.
  enum Action: Equatable, Sendable {
    /// Start one, and say `started` or `startFailed`.
    case start
    /// Say `restartTime` after so many milliseconds.
    case restartAfter(milliseconds: Int64)
    /// Hand the connection to the transport.
    case serve(connection: UInt64, transport: UInt64)
    /// It is not needed: end it.
    case kill(transport: UInt64)
  }

  /// Transports that should be ready while nobody waits.
  private(set) var spares: Int
  private var starting: [UInt64] = []
  private var ready: [UInt64] = []
  /// With room for all connections that there can be.
  private var waiting = FairQueue<UInt64>(limit: 131_072)
  private var backoff = Backoff()
  /// After a failure nothing is started until `restartTime`.
  private var isHeldBack = false
  /// `start` actions that have not been answered.
  private var pendingStarts = 0
  private var isClosed = false

  init(spares: Int) { self.spares = max(spares, 0) }

  var readyCount: Int { ready.count }
  var startingCount: Int { starting.count }
  var waitingCount: Int { waiting.count }

  /// Starts the spares.
  mutating func open() -> [Action] { fill() }

  /// A connection needs a transport.
  mutating func serve(_ connection: UInt64, of source: ClientSource) -> [Action] {
    _ = waiting.add(connection, from: source)
    return assign() + fill()
  }

  /// A connection that may still be waiting is over.
  mutating func forget(connection: UInt64) { waiting.removeAll { $0 == connection } }

  mutating func started(_ transport: UInt64) -> [Action] {
    pendingStarts = max(pendingStarts - 1, 0)
    starting.append(transport)
    return []
  }

  mutating func startFailed() -> [Action] {
    pendingStarts = max(pendingStarts - 1, 0)
    return holdBack()
  }

  /// The time of `restartAfter` has come.
  mutating func restartTime() -> [Action] {
    isHeldBack = false
    return fill()
  }

  /// A transport is configured and waits. Nil: it was not starting.
  mutating func becameReady(_ transport: UInt64) -> [Action]? {
    guard let i = starting.firstIndex(of: transport) else { return nil }
    starting.remove(at: i)
    backoff.succeed()
    ready.append(transport)
    return assign() + fill()
  }

  /// A transport that served nobody yet has ended.
  mutating func ended(_ transport: UInt64) -> [Action] {
    let known = starting.contains(transport) || ready.contains(transport)
    starting.removeAll { $0 == transport }
    ready.removeAll { $0 == transport }
    return known ? holdBack() : []
  }

  /// There is a new configuration: those that serve nobody are replaced.
  mutating func replaceAll(spares: Int) -> [Action] {
    self.spares = max(spares, 0)
    let old = starting + ready
    starting = []
    ready = []
    return old.map { .kill(transport: $0) } + fill()
  }

  /// No connection comes any more.
  mutating func close() -> [Action] {
    isClosed = true
    let old = starting + ready
    starting = []
    ready = []
    return old.map { .kill(transport: $0) }
  }

  private mutating func assign() -> [Action] {
    var actions: [Action] = []
    while !ready.isEmpty, let connection = waiting.next({ _ in true }) {
      actions.append(.serve(connection: connection, transport: ready.removeFirst()))
    }
    return actions
  }

  private mutating func fill() -> [Action] {
    guard !isClosed, !isHeldBack else { return [] }
    let missing = spares + waiting.count - ready.count - starting.count - pendingStarts
    guard missing > 0 else { return [] }
    pendingStarts += missing
    return Array(repeating: .start, count: missing)
  }

  private mutating func holdBack() -> [Action] {
    guard !isClosed, !isHeldBack else { return [] }
    isHeldBack = true
    return [.restartAfter(milliseconds: backoff.fail())]
  }
}
