import AccessControl
import Audit
import System

/// A connection of a load balancer, of which the PROXY header has not come yet.
struct ProxiedConnection {
  let descriptor: Descriptor
  /// The load balancer.
  let proxy: SocketAddress
  let server: SocketAddress
  var parser = ProxyHeaderParser()
}

// `server.proxy_protocol.trusted`: a header is read before anything else, and access is decided by the address in it.
extension Supervisor {
  /// Milliseconds that a load balancer has to say who the client is; it knows that before it connects.
  static let proxyHeaderTime: Int64 = 5000

  /// Waits for the header of a connection that comes from a load balancer.
  func awaitHeader(_ descriptor: Descriptor, _ proxy: SocketAddress, _ server: SocketAddress) {
    // Of those without a login, one may have to make room for it: that is decided when it is known whose it is.
    let places = loaded.settings.server.maxConnections + admission.extraPlaces
    guard connections.count + proxied.count < places else {
      return admission.refuse(proxy, .maxConnections, Refusal.maxConnections.words)
    }
    let number = runtime.newNumber()
    do throws(SystemError) {
      try runtime.watch(descriptor, number)
    } catch {
      return runtime.log(.error, "\(error)")
    }
    proxied[number] = ProxiedConnection(descriptor: descriptor, proxy: proxy, server: server)
    runtime.setTimer(.proxyHeader(number), after: Self.proxyHeaderTime)
    // It is there, as a rule.
    readHeader(number)
  }

  /// More of a header may have come. What is behind it is the client's, and left for the transport.
  func readHeader(_ number: UInt64) {
    guard var connection = proxied[number] else { return }
    let (descriptor, proxy) = (connection.descriptor, connection.proxy)
    let header: ProxyHeader?
    do {
      let (bytes, outcome) = try descriptor.peek(count: connection.parser.room)
      switch outcome {
      case .wouldBlock: return
      case .ended:
        let isCheck = connection.parser.isEmpty && loaded.settings.server.ignoresProxyChecks
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
    case .own: open(descriptor, proxy, connection.server, proxy: nil, isOfProxy: true)
    case .forwarded(let client, let server):
      open(
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

  /// The server ends: no header is waited for any more.
  func forgetAllProxied() {
    for number in Array(proxied.keys) { forgetProxied(number) }
  }

  private func forgetProxied(_ number: UInt64) {
    guard let connection = proxied.removeValue(forKey: number) else { return }
    runtime.cancelTimer(.proxyHeader(number))
    runtime.unwatch(connection.descriptor)
  }
}
