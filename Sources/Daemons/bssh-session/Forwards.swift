import AccessControl
import Audit
import IPC
import Model
import System
import Wire

/// The state machine of a login's forwarded channels: rules, limits, names and addresses. The transport moves their data.
///
/// Decides only: ``LoginSession`` carries out the actions that it returns, and reports what came of them. Times are in
/// milliseconds of the monotonic clock.
struct Forwards {
  /// Limit of names that are looked up at the same time; others wait.
  static let resolverLimit = 8
  /// Limit of a host name, which must be UTF-8, in bytes. RFC 1035, section 2.3.4
  static let nameLimit = 255

  /// An attempt to connect: its forward, and its number among the attempts for that.
  struct Attempt: Hashable {
    let forward: UInt64
    let number: Int
  }

  enum Event {
    /// The client opens a channel.
    case open(RequestedForward)
    /// A resolver has ended, with these addresses.
    case resolved(UInt64, [IPAddress])
    /// A resolver could not be started.
    case notResolving(UInt64, SystemError)
    /// An attempt has succeeded.
    case connected(Attempt)
    /// An attempt has failed.
    case failed(Attempt, SystemError)
    /// The channel has ended, after so many bytes of data.
    case closed(channel: UInt32, bytesIn: UInt64, bytesOut: UInt64)
    /// Time has passed.
    case clock
    /// The client is gone.
    case end
  }

  enum Action: Equatable {
    /// Look up a name, and report the end as `resolved`.
    case resolve(UInt64, host: [UInt8])
    /// End the resolver of a forward; its end is still reported.
    case stopResolving(UInt64)
    /// Begin to connect, and report the result.
    case connect(Attempt, IPAddress, port: UInt16)
    /// Connect to a Unix socket, and report the result.
    case connectSocket(Attempt, path: [UInt8])
    /// Close the socket of an attempt.
    case abandon(Attempt)
    /// Give the transport the attempt's socket for this channel.
    case handOver(channel: UInt32, Attempt)
    /// Refuse the channel.
    case refuse(channel: UInt32, OpenRefusal, String)
    case record(AuditRecord)
  }

  private struct Pending {
    let request: RequestedForward
    let deadline: Int64
    var state: State
  }

  private enum State {
    /// Waits until fewer names are looked up.
    case waiting(Name)
    case resolving(Name)
    case racing(ForwardRace, port: UInt16)
    case connectingSocket
  }

  private struct Name {
    let host: [UInt8]
    let port: UInt16
  }

  private struct Open {
    let request: RequestedForward
    let address: IPAddress?
    let since: Int64
  }

  private let rights: ForwardingRights
  private var pending: [UInt64: Pending] = [:]
  /// The keys of `pending` by channel.
  private var forwardsByChannel: [UInt32: UInt64] = [:]
  /// The forwards that are connected, by channel.
  private var open: [UInt32: Open] = [:]
  /// Forwards whose names wait for a resolver; some may be over.
  private var queue = FIFO<UInt64>()
  /// Resolvers that have not ended.
  private var resolvers = 0
  private var nextForward: UInt64 = 0

  init(_ rights: ForwardingRights) { self.rights = rights }

  /// True when the channel is forwarded.
  func has(_ channel: UInt32) -> Bool {
    open[channel] != nil || forwardsByChannel[channel] != nil
  }

  /// When ``Event/clock`` is due; nil: it is not.
  var nextTime: Int64? {
    pending.values.map { pending in
      guard case .racing(let race, _) = pending.state, let start = race.nextStart else { return pending.deadline }
      return min(pending.deadline, start)
    }.min()
  }

  /// Returns the actions for an event, in their order.
  mutating func handle(_ event: Event, at now: Int64) -> [Action] {
    switch event {
    case .open(let request): return open(request, now)
    case .resolved(let forward, let addresses):
      let name = resolverEnded(forward)
      return (name.map { resolved(forward, addresses, $0, now) } ?? []) + startResolvers()
    case .notResolving(let forward, let error):
      resolverEnded(forward)
      return fail(forward, .noResources, SystemError.message(error.code)) + startResolvers()
    case .connected(let attempt): return connected(attempt, now)
    case .failed(let attempt, let error): return failed(attempt, error, now)
    case .closed(let channel, let bytesIn, let bytesOut): return closed(channel, bytesIn, bytesOut, now)
    case .clock: return pending.keys.sorted().flatMap { checkTime($0, now) }
    case .end:
      let over = pending.keys.sorted().flatMap { abandon($0) }
      return over + open.keys.sorted().flatMap { closed($0, nil, nil, now) }
    }
  }

  // MARK: Opening

  private mutating func open(_ request: RequestedForward, _ now: Int64) -> [Action] {
    guard pending.count + open.count < Int(rights.maxChannels) else {
      return deny(request, ForwardRefusal(.tooMany, rule: "forwarding.max_channels"))
    }
    switch request.target {
    case .socket(let path):
      if let refusal = rights.socketRefusal { return deny(request, refusal) }
      guard !path.isEmpty, path.count <= OutgoingConnection.pathLimit, !path.contains(0) else {
        return deny(request, ForwardRefusal(.malformed))
      }
      let forward = begin(request, .connectingSocket, now)
      return [.connectSocket(Attempt(forward: forward, number: 0), path: path)]
    case .tcp(let host, let number):
      guard let port = UInt16(exactly: number), port > 0, (1...Self.nameLimit).contains(host.count), !host.contains(0),
        String(validating: host, as: UTF8.self) != nil
      else { return deny(request, ForwardRefusal(.malformed)) }
      if case .denied(let refusal) = rights.decision(host: host, port: port) { return deny(request, refusal) }
      let name = Name(host: host, port: port)
      let forward = begin(request, .waiting(name), now)
      if let address = IPAddress(String(decoding: host, as: UTF8.self)) { return race(forward, [address], name, now) }
      queue.append(forward)
      return startResolvers()
    }
  }

  private mutating func begin(_ request: RequestedForward, _ state: State, _ now: Int64) -> UInt64 {
    nextForward += 1
    let deadline = now + Int64(rights.connectTimeout) * 1000
    pending[nextForward] = Pending(request: request, deadline: deadline, state: state)
    forwardsByChannel[request.channel] = nextForward
    return nextForward
  }

  private mutating func startResolvers() -> [Action] {
    var actions: [Action] = []
    while resolvers < Self.resolverLimit, let forward = queue.first {
      queue.removeFirst()
      guard case .waiting(let name)? = pending[forward]?.state else { continue }
      pending[forward]?.state = .resolving(name)
      resolvers += 1
      actions.append(.resolve(forward, host: name.host))
    }
    return actions
  }

  /// Notes that a resolver has ended, and returns the name; nil when nobody waits for it.
  @discardableResult
  private mutating func resolverEnded(_ forward: UInt64) -> Name? {
    resolvers -= 1
    guard case .resolving(let name)? = pending[forward]?.state else { return nil }
    pending[forward]?.state = .waiting(name)
    return name
  }

  private mutating func resolved(
    _ forward: UInt64, _ addresses: [IPAddress], _ name: Name, _ now: Int64
  ) -> [Action] {
    guard addresses.isEmpty else { return race(forward, addresses, name, now) }
    return fail(forward, .notResolved, "the name has no address")
  }

  /// Tries the addresses that the rules permit.
  private mutating func race(_ forward: UInt64, _ addresses: [IPAddress], _ name: Name, _ now: Int64) -> [Action] {
    var permitted: [IPAddress] = []
    var refusal: ForwardRefusal?
    for address in addresses {
      // The kernel connects to the loopback address instead of the unspecified one.
      let reached = address.isUnspecified ? address.loopback : address
      if let denied = rights.refusal(ofHost: name.host, port: name.port, at: reached) {
        refusal = denied
      } else if !permitted.contains(reached) {
        permitted.append(reached)
      }
    }
    if permitted.isEmpty, let refusal, let request = remove(forward)?.request { return deny(request, refusal) }
    pending[forward]?.state = .racing(ForwardRace(permitted), port: name.port)
    return run(forward, now)
  }

  /// Begins the attempt that is due.
  private mutating func run(_ forward: UInt64, _ now: Int64) -> [Action] {
    guard case .racing(var race, let port)? = pending[forward]?.state,
      let (number, address) = race.next(at: now)
    else { return [] }
    pending[forward]?.state = .racing(race, port: port)
    return [.connect(Attempt(forward: forward, number: number), address, port: port)]
  }

  // MARK: Results

  private mutating func connected(_ attempt: Attempt, _ now: Int64) -> [Action] {
    guard let done = remove(attempt.forward) else { return [.abandon(attempt)] }
    var address: IPAddress?
    var losers: [Action] = []
    if case .racing(let race, _) = done.state {
      address = race.running[attempt.number]
      losers = race.running.keys.sorted().filter { $0 != attempt.number }.map {
        .abandon(Attempt(forward: attempt.forward, number: $0))
      }
    }
    open[done.request.channel] = Open(request: done.request, address: address, since: now)
    return losers
      + [.record(.opened(done.request, at: address)), .handOver(channel: done.request.channel, attempt)]
  }

  private mutating func failed(_ attempt: Attempt, _ error: SystemError, _ now: Int64) -> [Action] {
    let forward = attempt.forward
    switch pending[forward]?.state {
    case .racing(var race, let port):
      race.failed(attempt.number)
      pending[forward]?.state = .racing(race, port: port)
      return race.isLost ? fail(forward, error) : run(forward, now)
    case .connectingSocket: return fail(forward, error)
    case .waiting, .resolving, nil: return []
    }
  }

  private mutating func checkTime(_ forward: UInt64, _ now: Int64) -> [Action] {
    guard let waiting = pending[forward], waiting.deadline <= now else { return run(forward, now) }
    switch waiting.state {
    case .waiting, .resolving: return fail(forward, .notResolved, "the name was not resolved in time")
    case .racing, .connectingSocket: return fail(forward, .timedOut, "no connection was made in time")
    }
  }

  private mutating func closed(
    _ channel: UInt32, _ bytesIn: UInt64?, _ bytesOut: UInt64?, _ now: Int64
  ) -> [Action] {
    guard let ended = open.removeValue(forKey: channel) else {
      return forwardsByChannel[channel].map { abandon($0) } ?? []
    }
    return [
      .record(
        .closed(
          ended.request, at: ended.address, bytesIn: bytesIn, bytesOut: bytesOut,
          milliseconds: UInt64(max(now - ended.since, 0))))
    ]
  }

  // MARK: Refusals

  private func deny(_ request: RequestedForward, _ refusal: ForwardRefusal) -> [Action] {
    let (reason, text) = refusal.reason.answer
    return [.refuse(channel: request.channel, reason, text), .record(.denied(request, refusal))]
  }

  private mutating func fail(_ forward: UInt64, _ error: SystemError) -> [Action] {
    fail(forward, ForwardFailure(error.connectFailure), SystemError.message(error.code))
  }

  private mutating func fail(_ forward: UInt64, _ failure: ForwardFailure, _ text: String) -> [Action] {
    guard let request = pending[forward]?.request else { return [] }
    let reason: OpenRefusal = failure == .noResources ? .shortage : .connectFailed
    return stop(forward)
      + [.refuse(channel: request.channel, reason, text), .record(.failed(request, failure, text))]
  }

  /// Forgets a forward that nobody waits for any more.
  private mutating func abandon(_ forward: UInt64) -> [Action] {
    guard let request = pending[forward]?.request else { return [] }
    return stop(forward) + [.record(.failed(request, .abandoned))]
  }

  private mutating func remove(_ forward: UInt64) -> Pending? {
    guard let removed = pending.removeValue(forKey: forward) else { return nil }
    forwardsByChannel[removed.request.channel] = nil
    return removed
  }

  /// Forgets a forward that is not connected, and ends what is done for it.
  private mutating func stop(_ forward: UInt64) -> [Action] {
    switch remove(forward)?.state {
    case .resolving: [.stopResolving(forward)]
    case .racing(let race, _): race.running.keys.sorted().map { .abandon(Attempt(forward: forward, number: $0)) }
    case .waiting, .connectingSocket, nil: []
    }
  }
}

extension ForwardDenial {
  /// What the client is told. RFC 4254, section 5.1
  fileprivate var answer: (OpenRefusal, text: String) {
    switch self {
    case .notPermitted: (.prohibited, "forwarding is not permitted")
    case .targetNotPermitted: (.prohibited, "this target is not permitted")
    // As by sshd.
    case .malformed: (.connectFailed, "there is no such target")
    case .tooMany: (.shortage, "too many forwarded channels")
    }
  }
}

extension ForwardFailure {
  fileprivate init(_ failure: ConnectFailure) {
    self =
      switch failure {
      case .refused: .refused
      case .unreachable: .unreachable
      case .timedOut: .timedOut
      case .permissionDenied: .permissionDenied
      case .noSocket: .noSocket
      case .noResources: .noResources
      case .other: .failed
      }
  }
}

extension IPAddress {
  /// `0.0.0.0` and `::`.
  fileprivate var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

  /// The loopback address of the same family.
  fileprivate var loopback: IPAddress { (isIPv4 ? IPAddress("127.0.0.1") : IPAddress("::1")) ?? self }
}
