import AccessControl

/// Assigns transports to connections, and decides how many are started in advance.
///
/// A transport serves one connection. Some are started in advance (spares); a connection without a spare waits for the
/// next transport that becomes ready. Sources are served in turn, so that one with many connections does not delay others.
struct TransportPool: Sendable {
  /// What the caller must do.
  enum Action: Equatable, Sendable {
    /// Start a transport, and call `started` or `startFailed`.
    case start
    /// Call `restartTime` after this time.
    case restartAfter(milliseconds: Int64)
    /// Send the connection to the transport.
    case serve(connection: UInt64, transport: UInt64)
    /// End this transport, which is not needed.
    case kill(transport: UInt64)
  }

  /// The number of transports that should be ready while no connection waits.
  private(set) var spares: Int
  private var starting: [UInt64] = []
  private var ready: [UInt64] = []
  /// Waiting connections. The limit is the maximum number of connections.
  private var waiting = FairQueue<UInt64>(limit: 131_072)
  private var backoff = Backoff()
  /// True after a failure: nothing is started until `restartTime`.
  private var isHeldBack = false
  /// The number of `start` actions without `started` or `startFailed`.
  private var pendingStarts = 0
  private var isClosed = false

  init(spares: Int) { self.spares = max(spares, 0) }

  var readyCount: Int { ready.count }
  var startingCount: Int { starting.count }
  var waitingCount: Int { waiting.count }

  /// Starts the spares.
  mutating func open() -> [Action] { fill() }

  /// Requests a transport for a connection.
  mutating func serve(_ connection: UInt64, of source: ClientSource) -> [Action] {
    _ = waiting.add(connection, from: source)
    return assign() + fill()
  }

  /// Handles the end of a connection that may be waiting.
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

  /// Handles the end of `restartAfter`.
  mutating func restartTime() -> [Action] {
    isHeldBack = false
    return fill()
  }

  /// Handles that a transport is ready; nil: it was not starting.
  mutating func becameReady(_ transport: UInt64) -> [Action]? {
    guard let i = starting.firstIndex(of: transport) else { return nil }
    starting.remove(at: i)
    backoff.succeed()
    ready.append(transport)
    return assign() + fill()
  }

  /// Handles the end of a transport without a connection.
  mutating func ended(_ transport: UInt64) -> [Action] {
    let known = starting.contains(transport) || ready.contains(transport)
    starting.removeAll { $0 == transport }
    ready.removeAll { $0 == transport }
    return known ? holdBack() : []
  }

  /// Replaces the transports without a connection.
  mutating func replaceAll(spares: Int) -> [Action] {
    self.spares = max(spares, 0)
    let old = starting + ready
    starting = []
    ready = []
    return old.map { .kill(transport: $0) } + fill()
  }

  /// Ends the transports without a connection, because no more connections are accepted.
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
