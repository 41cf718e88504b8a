import AccessControl
import Audit
import IPC
import System

/// The resolvers and sockets of forwards that are not connected yet, by their tokens in the event loop.
struct ForwardWork {
  fileprivate var resolvers: [UInt64: (forward: UInt64, resolver: NameResolver)] = [:]
  fileprivate var connections: [UInt64: (attempt: Forwards.Attempt, connection: OutgoingConnection)] = [:]
  /// The keys of `connections`.
  fileprivate var tokens: [Forwards.Attempt: UInt64] = [:]

  /// True when the token belongs to one of them.
  func has(_ token: UInt64) -> Bool { resolvers[token] != nil || connections[token] != nil }

  /// The login is over: nothing new begins.
  private(set) var isOver = false

  /// Ends all of them.
  mutating func end() {
    isOver = true
    for (_, resolver) in resolvers.values { resolver.cancel() }
  }
}

// Forwarded channels: ``Forwards`` decides, and this carries it out.
extension LoginSession {
  /// Lets the state machine of forwards decide, and carries out its actions.
  mutating func handle(_ event: Forwards.Event) {
    var events = [event]
    while !events.isEmpty {
      for action in forwards.handle(events.removeFirst(), at: Clock.milliseconds) {
        if let result = perform(action) { events.append(result) }
      }
    }
  }

  /// Handles the client's request to open a forwarded channel. False: the transport may not ask for it now.
  mutating func open(_ request: RequestedForward) -> Bool {
    guard channels[request.channel] == nil, !forwards.has(request.channel) else { return false }
    handle(.open(request))
    return true
  }

  /// Handles an event on a resolver or on a socket that is being connected.
  mutating func forwardReady(_ token: UInt64) {
    if let (forward, resolver) = forwardWork.resolvers.removeValue(forKey: token) {
      loop.remove(resolver.process.descriptor)
      handle(.resolved(forward, resolver.finish().compactMap { IPAddress(bytes: $0) }))
    } else if let (attempt, connection) = forwardWork.connections[token] {
      guard let failure = connection.failure else { return handle(.connected(attempt)) }
      drop(attempt)
      handle(.failed(attempt, failure))
    }
  }

  private mutating func perform(_ action: Forwards.Action) -> Forwards.Event? {
    switch action {
    case .resolve where forwardWork.isOver, .connect where forwardWork.isOver, .connectSocket where forwardWork.isOver:
      break
    case .resolve(let forward, let host): return resolve(forward, host)
    case .stopResolving(let forward):
      for (number, resolver) in forwardWork.resolvers.values where number == forward { resolver.cancel() }
    case .connect(let attempt, let address, let port):
      do throws(SystemError) {
        let connection = try OutgoingConnection(to: SocketAddress(address: "\(address)", port: port))
        try loop.add(connection.socket, .write, token: nextToken)
        keep(connection, attempt)
      } catch { return .failed(attempt, error) }
    case .connectSocket(let attempt, let path):
      do throws(SystemError) { keep(try OutgoingConnection(toPath: path), attempt) } catch {
        return .failed(attempt, error)
      }
      return .connected(attempt)
    case .abandon(let attempt): drop(attempt)
    case .handOver(let channel, let attempt):
      if let connection = drop(attempt) { send(.connected(channel: channel), [connection.socket]) }
    case .refuse(let channel, let refusal, let text): send(.openFailed(channel: channel, refusal, text))
    case .record(let record): supervisor.add(record)
    }
    return nil
  }

  private mutating func resolve(_ forward: UInt64, _ host: [UInt8]) -> Forwards.Event? {
    do throws(SystemError) {
      let resolver = try NameResolver(host: host)
      do throws(SystemError) { try loop.add(resolver.process.descriptor, .read, token: nextToken) } catch {
        resolver.abandon()
        throw error
      }
      forwardWork.resolvers[nextToken] = (forward, resolver)
      nextToken += 1
      return nil
    } catch { return .notResolving(forward, error) }
  }

  private mutating func keep(_ connection: OutgoingConnection, _ attempt: Forwards.Attempt) {
    forwardWork.connections[nextToken] = (attempt, connection)
    forwardWork.tokens[attempt] = nextToken
    nextToken += 1
  }

  /// Stops watching the socket of an attempt, and returns it.
  @discardableResult
  private mutating func drop(_ attempt: Forwards.Attempt) -> OutgoingConnection? {
    guard let token = forwardWork.tokens.removeValue(forKey: attempt) else { return nil }
    let connection = forwardWork.connections.removeValue(forKey: token)?.connection
    if let connection { loop.remove(connection.socket) }
    return connection
  }
}
