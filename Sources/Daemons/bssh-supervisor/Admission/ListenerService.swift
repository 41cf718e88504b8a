import AccessControl
import Configuration
import Glibc
import System

/// A connection that comes.
struct NewConnection {
  let descriptor: Descriptor
  let client: SocketAddress
  let server: SocketAddress
  /// The load balancer by way of which it comes; nil: it comes from the client.
  var proxy: SocketAddress?
  /// The client is a load balancer itself.
  var isOfProxy = false
}

/// Whether those wait who make events. What a service needs of ``JournalService`` to know whether somebody may come.
protocol JournalPressure: AnyObject {
  /// Nobody is let in now.
  var isHolding: Bool { get }
}

/// Listens, accepts connections, and reads the PROXY headers of those that come from load balancers
/// (`server.proxy_protocol.trusted`): a header is read before anything else, and access is decided by the address in it.
final class ListenerService: SocketSource {
  /// Milliseconds that a load balancer has to say who the client is; it knows that before it connects.
  private static let proxyHeaderTime: Int64 = 5000
  /// Connections of a listening socket that are accepted before others have their turn.
  private static let acceptLimit = 32

  /// A socket that connections come from.
  struct Socket {
    let number: UInt64
    /// Nil: it came from systemd.
    let configured: Settings.BindAddress?
    let listener: Listener
  }

  /// An address of the configuration that the system does not give us now.
  struct AbsentAddress {
    let configured: Settings.BindAddress
    let error: SystemError

    var address: SocketAddress { SocketAddress(address: configured.address, port: configured.port) }
  }

  /// Sockets for settings that do not apply yet.
  struct Prepared {
    let sockets: [Socket]
    let absent: [AbsentAddress]
  }

  /// A connection of a load balancer, of which the PROXY header has not come yet.
  private struct ProxiedConnection {
    let descriptor: Descriptor
    /// The load balancer.
    let proxy: SocketAddress
    let server: SocketAddress
    var parser = ProxyHeaderParser()
  }

  private let runtime: any Runtime
  private let admission: any ConnectionAdmission
  private let journal: any JournalPressure
  private var settings: Settings
  private var listeners: [Socket] = []
  /// Addresses of the settings that apply on which it cannot listen yet.
  private var absent: [AbsentAddress] = []
  private var backoff = Backoff(first: 1000, longest: 30_000)
  private var throttle = LogThrottle(interval: 10_000)
  /// Where load balancers are.
  private var proxies: RangeTrie
  private var proxied: [UInt64: ProxiedConnection] = [:]
  /// The daemon starts: a socket that cannot be watched ends it.
  private var isStarting = true
  /// No connection comes any more.
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

  /// Where it listens, for people.
  var places: String { listeners.compactMap { $0.listener.address?.description }.joined(separator: ", ") }
  /// Where it does not, and why.
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
    // Sockets of systemd stay as they are: a loader that we start gets none.
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
        // Every address of a family that the machine does not have is none.
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

  /// These settings apply from now on, with the sockets that were prepared for them.
  func apply(_ settings: Settings, _ prepared: Prepared) {
    self.settings = settings
    proxies = RangeTrie(settings.server.trustedProxies)
    absent = prepared.absent
    backoff.succeed()
    runtime.cancelTimer(.listenAgain)
    if !absent.isEmpty { runtime.setTimer(.listenAgain, after: backoff.fail()) }
    listen(on: prepared.sockets)
  }

  /// The start of the daemon is over.
  func started() { isStarting = false }

  /// No connection comes any more, and no header is waited for.
  func close() {
    isClosed = true
    runtime.cancelTimer(.acceptAgain)
    runtime.cancelTimer(.listenAgain)
    for socket in listeners { runtime.unwatch(socket.listener.descriptor) }
    listeners = []
    for number in Array(proxied.keys) { forgetProxied(number) }
  }

  /// An address that was not there may be there now: a network comes up after the server.
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
      // As all others, once the journal keeps up again.
      if journal.isHolding { continue }
      do throws(SystemError) {
        try runtime.watch(socket.listener.descriptor, socket.number)
      } catch {
        runtime.log(.error, "\(error)")
        if isStarting { runtime.post(.failed(.systemError)) }
      }
    }
  }

  // MARK: Connections

  /// Accepts nobody for now.
  func hold() { for socket in listeners { runtime.unwatch(socket.listener.descriptor) } }

  /// Listens again after a pause.
  func acceptAgain() {
    if journal.isHolding { return }
    for socket in listeners {
      // It may have been listened to all the time.
      runtime.unwatch(socket.listener.descriptor)
      do throws(SystemError) { try runtime.watch(socket.listener.descriptor, socket.number) } catch {
        runtime.log(.error, "\(error)")
      }
    }
  }

  /// A socket can be read: one that connections come from, or that of a load balancer.
  func handle(readable number: UInt64) {
    if listeners.contains(where: { $0.number == number }) {
      accept(number, left: Self.acceptLimit)
    } else {
      readHeader(number)
    }
  }

  /// Accepts a connection that waits at a listening socket, and posts the event for the next.
  func accept(_ number: UInt64, left: Int) {
    guard left > 0, let socket = listeners.first(where: { $0.number == number }) else { return }
    switch socket.listener.accept() {
    case .wouldBlock: return
    case .failed(let error):
      if let lost = throttle.pass(at: runtime.now) {
        runtime.log(.error, "\(error); trying again (\(lost) more such lines left out)")
      }
      // Level-triggered: without a pause the loop would spin until there are descriptors again.
      hold()
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

  /// Waits for the header of a connection that comes from a load balancer.
  private func awaitHeader(_ descriptor: Descriptor, _ proxy: SocketAddress, _ server: SocketAddress) {
    // Of those without a login, one may have to make room for it: that is decided when it is known whose it is.
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
    // It is there, as a rule.
    readHeader(number)
  }

  /// More of a header may have come. What is behind it is the client's, and left for the transport.
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
      (count, header) = try connection.parser.take(bytes)
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

  /// The time of a header is over.
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
