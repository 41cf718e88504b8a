import AccessControl
import Configuration
import Glibc
import System

/// An accepted connection.
struct NewConnection {
  let descriptor: Descriptor
  let client: SocketAddress
  let server: SocketAddress
  /// The load balancer that forwards it; nil: it comes from the client.
  var proxy: SocketAddress?
  /// True if the client is a load balancer itself.
  var isOfProxy = false
}

/// The part of ``JournalService`` that a service needs to know whether connections may be accepted.
protocol JournalPressure: AnyObject {
  /// True while sources of events are paused, and no connections are accepted.
  var hasBackpressure: Bool { get }
}

/// Listens, accepts connections, and reads the PROXY headers of those from load balancers
/// (`server.proxy_protocol.trusted`). The header is read before anything else, and access is decided by its address.
final class ListenerService: SocketSource {
  /// Time limit for a PROXY header, in milliseconds. A load balancer knows the client before it connects.
  private static let proxyHeaderTime: Int64 = 5000
  /// Maximum number of connections that are accepted from a listening socket in one turn.
  private static let acceptLimit = 32

  /// A listening socket.
  struct Socket {
    let number: UInt64
    /// The configured address; nil: systemd passed the socket.
    let configured: Settings.BindAddress?
    let listener: Listener
  }

  /// A configured address on which listening is not possible at the moment.
  struct AbsentAddress {
    let configured: Settings.BindAddress
    let error: SystemError

    var address: SocketAddress { SocketAddress(address: configured.address, port: configured.port) }
  }

  /// Sockets for settings that are not applied yet.
  struct Prepared {
    let sockets: [Socket]
    let absent: [AbsentAddress]
  }

  /// A connection from a load balancer that has not sent the PROXY header yet.
  private struct ProxiedConnection {
    let descriptor: Descriptor
    /// The address of the load balancer.
    let proxy: SocketAddress
    let server: SocketAddress
    var parser = ProxyHeaderParser()
  }

  private let runtime: any Runtime
  private let admission: any ConnectionAdmission
  private let journal: any JournalPressure
  private var settings: Settings
  private var listeners: [Socket] = []
  /// Addresses of the current settings on which listening is not possible yet.
  private var absent: [AbsentAddress] = []
  private var backoff = Backoff(first: 1000, limit: 30_000)
  private var throttle = LogThrottle(interval: 10_000)
  /// The addresses of load balancers.
  private var proxies: RangeTrie
  private var proxied: [UInt64: ProxiedConnection] = [:]
  /// True during the start of the daemon, which fails if a socket cannot be watched.
  private var isStarting = true
  /// True if no more connections are accepted.
  private var isClosed = false

  init(
    _ runtime: any Runtime, _ admission: any ConnectionAdmission, _ journal: any JournalPressure, _ settings: Settings
  ) {
    self.runtime = runtime
    self.admission = admission
    self.journal = journal
    self.settings = settings
    proxies = RangeTrie(settings.server.trustedProxies)
  }

  /// The addresses that it listens on, for the log.
  var places: String { listeners.compactMap { $0.listener.address?.description }.joined(separator: ", ") }
  /// The addresses that it cannot listen on, and why.
  var absentPlaces: String {
    absent.map { "; not on \($0.address): \(SystemError.message($0.error.code))" }.joined()
  }

  // MARK: Settings

  func prepare(_ new: LoadedSettings) throws(SystemError) -> Prepared {
    if !new.listeners.isEmpty {
      let sockets = try new.listeners.map { (descriptor) throws(SystemError) in
        Socket(number: runtime.newNumber(), configured: nil, listener: try Listener(descriptor))
      }
      return Prepared(sockets: sockets, absent: [])
    }
    // Sockets from systemd are kept, because a loader that we start gets none.
    if let first = listeners.first, first.configured == nil { return Prepared(sockets: listeners, absent: []) }
    var sockets: [Socket] = []
    var absent: [AbsentAddress] = []
    var missingFamily: SystemError?
    for address in new.settings.server.bindAddresses {
      if let same = listeners.first(where: { $0.configured == address }) {
        sockets.append(same)
        continue
      }
      do throws(SystemError) { sockets.append(try listen(address)) } catch {
        // Without this address family, 0.0.0.0 or :: means no address.
        if address.isEveryAddress, [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) {
          runtime.log(.info, "\(error); left out")
          missingFamily = error
        } else {
          absent.append(AbsentAddress(configured: address, error: error))
        }
      }
    }
    if sockets.isEmpty, absent.isEmpty, let missingFamily { throw missingFamily }
    if sockets.isEmpty, let last = absent.popLast() {
      for address in absent { runtime.log(.error, "\(address.error)") }
      throw last.error
    }
    for address in absent { runtime.log(.warning, "\(address.error); the other addresses are served") }
    return Prepared(sockets: sockets, absent: absent)
  }

  private func listen(_ address: Settings.BindAddress) throws(SystemError) -> Socket {
    let listener = try Listener(SocketAddress(address: address.address, port: address.port))
    return Socket(number: runtime.newNumber(), configured: address, listener: listener)
  }

  /// Applies new settings with the sockets that were prepared for them.
  func apply(_ settings: Settings, _ prepared: Prepared) {
    self.settings = settings
    proxies = RangeTrie(settings.server.trustedProxies)
    absent = prepared.absent
    backoff.succeed()
    runtime.cancelTimer(.listenAgain)
    if !absent.isEmpty { runtime.setTimer(.listenAgain, after: backoff.fail()) }
    listen(on: prepared.sockets)
  }

  /// Handles the end of the start of the daemon.
  func started() { isStarting = false }

  /// Closes all listening sockets, and connections that wait for a PROXY header.
  func close() {
    isClosed = true
    runtime.cancelTimer(.acceptAgain)
    runtime.cancelTimer(.listenAgain)
    for socket in listeners { runtime.unwatch(socket.listener.descriptor) }
    listeners = []
    for number in Array(proxied.keys) { forgetProxied(number) }
  }

  /// Tries the absent addresses again: a network may come up after the daemon.
  func listenAgain() {
    if isClosed { return }
    var found: [Socket] = []
    absent = absent.compactMap { absent in
      do throws(SystemError) { found.append(try listen(absent.configured)) } catch {
        return AbsentAddress(configured: absent.configured, error: error)
      }
      return nil
    }
    if !found.isEmpty {
      listen(on: listeners + found)
      runtime.post(.statusChanged)
    }
    if !absent.isEmpty { runtime.setTimer(.listenAgain, after: backoff.fail()) }
  }

  private func listen(on new: [Socket]) {
    let old = listeners
    listeners = new
    for socket in old where !new.contains(where: { $0.number == socket.number }) {
      runtime.unwatch(socket.listener.descriptor)
    }
    for socket in new where !old.contains(where: { $0.number == socket.number }) {
      if let address = socket.listener.address { runtime.log(.info, "listening on \(address)") }
      // Accepted from as all others when the journal keeps up again.
      if journal.hasBackpressure { continue }
      do throws(SystemError) {
        try runtime.watch(socket.listener.descriptor, socket.number)
      } catch {
        runtime.log(.error, "\(error)")
        if isStarting { runtime.post(.failed(.systemError)) }
      }
    }
  }

  // MARK: Connections

  /// Stops accepting connections for the moment.
  func pauseAccepting() { for socket in listeners { runtime.unwatch(socket.listener.descriptor) } }

  /// Accepts connections again after a pause.
  func resumeAccepting() {
    if journal.hasBackpressure { return }
    for socket in listeners {
      // It may be watched already.
      runtime.unwatch(socket.listener.descriptor)
      do throws(SystemError) { try runtime.watch(socket.listener.descriptor, socket.number) } catch {
        runtime.log(.error, "\(error)")
      }
    }
  }

  /// Handles a readable socket: a listening one, or that of a load balancer.
  func handle(readable number: UInt64) {
    if listeners.contains(where: { $0.number == number }) {
      accept(number, left: Self.acceptLimit)
    } else {
      readHeader(number)
    }
  }

  /// Accepts the next connection of a listening socket, and posts the event for the one after it.
  func accept(_ number: UInt64, left: Int) {
    guard left > 0, let socket = listeners.first(where: { $0.number == number }) else { return }
    switch socket.listener.accept() {
    case .wouldBlock: return
    case .failed(let error):
      if let lost = throttle.pass(at: runtime.now) {
        runtime.log(.error, "\(error); trying again (\(lost) more such lines left out)")
      }
      // Level-triggered: without a pause, the loop would spin until descriptors are available again.
      pauseAccepting()
      return runtime.setTimer(.acceptAgain, after: 100)
    case .connection(let descriptor):
      if let client = SocketAddress(of: descriptor, peer: true),
        let server = SocketAddress(of: descriptor, peer: false)
      {
        if let address = IPAddress(client.address), proxies.contains(address) {
          awaitHeader(descriptor, client, server)
        } else {
          post(descriptor, client, server)
        }
      }
    }
    runtime.post(.accept(listener: number, left: left - 1))
  }

  private func post(
    _ descriptor: Descriptor, _ client: SocketAddress, _ server: SocketAddress, proxy: SocketAddress? = nil,
    isOfProxy: Bool = false
  ) {
    runtime.post(
      .accepted(
        NewConnection(descriptor: descriptor, client: client, server: server, proxy: proxy, isOfProxy: isOfProxy)))
  }

  // MARK: PROXY headers

  /// Waits for the PROXY header of a connection from a load balancer.
  private func awaitHeader(_ descriptor: Descriptor, _ proxy: SocketAddress, _ server: SocketAddress) {
    // A connection without a login may be closed to make room; that is decided when the client is known.
    guard admission.hasPlace else {
      return admission.refuse(proxy, .maxConnections, Refusal.maxConnections.words)
    }
    let number = runtime.newNumber()
    do throws(SystemError) {
      try runtime.watch(descriptor, number)
    } catch {
      return runtime.log(.error, "\(error)")
    }
    proxied[number] = ProxiedConnection(descriptor: descriptor, proxy: proxy, server: server)
    admission.setWaiting(proxied.count)
    runtime.setTimer(.proxyHeader(number), after: Self.proxyHeaderTime)
    // The header has usually arrived already.
    readHeader(number)
  }

  /// Reads a PROXY header as far as it has arrived. What follows it is from the client, and left for the transport.
  private func readHeader(_ number: UInt64) {
    guard var connection = proxied[number] else { return }
    let (descriptor, proxy) = (connection.descriptor, connection.proxy)
    let header: ProxyHeader?
    do {
      let (bytes, outcome) = try descriptor.peek(count: connection.parser.room)
      switch outcome {
      case .wouldBlock: return
      case .ended:
        let isCheck = connection.parser.isEmpty && settings.server.ignoresProxyChecks
        forgetProxied(number)
        if isCheck { return }
        return admission.refuse(proxy, .badProxyHeader, "closed before its PROXY header")
      case .bytes: break
      }
      let count: Int
      (count, header) = try connection.parser.parse(bytes)
      _ = try descriptor.read(count: count)
    } catch {
      forgetProxied(number)
      return admission.refuse(proxy, .badProxyHeader, "\(error)", .error)
    }
    guard let header else {
      proxied[number] = connection
      return
    }
    forgetProxied(number)
    switch header {
    case .own: post(descriptor, proxy, connection.server, isOfProxy: true)
    case .forwarded(let client, let server):
      post(
        descriptor, SocketAddress(address: "\(client.address)", port: client.port),
        SocketAddress(address: "\(server.address)", port: server.port), proxy: proxy)
    }
  }

  /// Handles the time-out of a PROXY header.
  func proxyHeaderIsLate(_ number: UInt64) {
    guard let connection = proxied[number] else { return }
    forgetProxied(number)
    admission.refuse(
      connection.proxy, .proxyHeaderTimeout, "no PROXY header within \(Self.proxyHeaderTime / 1000) s", .error)
  }

  private func forgetProxied(_ number: UInt64) {
    guard let connection = proxied.removeValue(forKey: number) else { return }
    admission.setWaiting(proxied.count)
    runtime.cancelTimer(.proxyHeader(number))
    runtime.unwatch(connection.descriptor)
  }
}
