import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System
import Testing

@testable import Supervisor

/// Listening sockets of the loopback interface, with simulated clients.
@Suite struct ListenerServiceTests {
  private final class Admission: ConnectionAdmission {
    var hasPlace = true
    private(set) var waiting = 0
    private(set) var refused: [ConnectionRefusal] = []
    func setWaiting(_ count: Int) { waiting = count }
    func refuse(_ address: SocketAddress, _ reason: ConnectionRefusal, _ details: String, _ result: EventResult) {
      refused.append(reason)
    }
  }

  private final class Pressure: JournalPressure { var hasBackpressure = false }

  private let runtime = FakeRuntime()
  private let admission = Admission()
  private let journal = Pressure()
  private let service: ListenerService

  init() { service = ListenerService(runtime, admission, journal, Settings()) }

  private func loaded(_ addresses: [String] = ["127.0.0.1"], proxies: [String] = []) throws -> LoadedSettings {
    let ranges = try proxies.map { try AddressRange($0) }
    return try LoadedSettings.sample {
      $0.server.bindAddresses = addresses.map { Settings.BindAddress(address: $0, port: 0) }
      $0.server.trustedProxies = ranges
    }
  }

  /// Listens; returns the number and the port of the only socket.
  private func listen(_ loaded: LoadedSettings) throws -> (number: UInt64, port: UInt16) {
    service.apply(loaded.settings, try service.prepare(loaded))
    let port = try #require(service.places.split(separator: ":").last.flatMap { UInt16($0) })
    return (try #require(runtime.watched.values.max()), port)
  }

  private func connect(_ port: UInt16) throws -> Descriptor {
    let client = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(client.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SystemError("connect", code: errno) }
    return client
  }

  /// Handles events until there are none; returns descriptions.
  private func run() -> [String] {
    var words: [String] = []
    while let event = runtime.next() {
      switch event {
      case .accept(let listener, let left):
        words.append("accept \(left)")
        service.accept(listener, left: left)
      case .accepted(let new): words.append("from \(new.client.address) by \(new.proxy?.address ?? "itself")")
      case .statusChanged: words.append("status")
      default: words.append("other")
      }
    }
    return words
  }

  @Test func `connections are accepted one after the other, each with all resulting events`() throws {
    let (number, port) = try listen(loaded())
    let clients = [try connect(port), try connect(port)]
    service.handle(readable: number)
    #expect(
      run() == ["from 127.0.0.1 by itself", "accept 31", "from 127.0.0.1 by itself", "accept 30"])
    withExtendedLifetime(clients) {}
  }

  @Test func `while the journal is slow no connections are accepted, also from new sockets`() throws {
    let (number, _) = try listen(loaded())
    journal.hasBackpressure = true
    service.pauseAccepting()
    #expect(runtime.watched.isEmpty)
    let more = try loaded(["127.0.0.1", "127.0.0.2"])
    service.apply(more.settings, try service.prepare(more))
    service.resumeAccepting()
    #expect(runtime.watched.isEmpty)
    journal.hasBackpressure = false
    service.resumeAccepting()
    #expect(runtime.watched.count == 2 && runtime.watched.values.contains(number))
  }

  @Test func `an absent address is tried again with increasing pauses, and the others are served`() throws {
    let some = try loaded(["127.0.0.1", "192.0.2.77"])
    service.apply(some.settings, try service.prepare(some))
    #expect(service.absentPlaces.hasPrefix("; not on 192.0.2.77:0: ") && runtime.watched.count == 1)
    #expect(runtime.timers[.listenAgain] == runtime.now + 1000)
    #expect(runtime.fire(.listenAgain))
    service.listenAgain()
    #expect(runtime.timers[.listenAgain] == runtime.now + 2000 && run().isEmpty)
    service.close()
    #expect(runtime.timers[.listenAgain] == nil && runtime.watched.isEmpty && service.places.isEmpty)
  }

  @Test func `without any address new settings fail, and the earlier sockets are kept`() throws {
    let (number, _) = try listen(loaded())
    #expect(throws: SystemError.self) { try service.prepare(loaded(["192.0.2.77"])) }
    #expect(runtime.watched.values.contains(number))
  }

  @Test func `a connection of a load balancer without a valid PROXY header is refused`() throws {
    let (number, port) = try listen(loaded(proxies: ["127.0.0.1"]))
    let client = try connect(port)
    service.handle(readable: number)
    #expect(run() == ["accept 31"] && admission.waiting == 1)
    let waiting = try #require(runtime.watched.values.max())
    _ = try client.send(Array("PROXY TCP4 203.0.113.7 192.0.2.1 50000 22\r\nSSH-2.0-x\r\n".utf8)[...])
    service.handle(readable: waiting)
    #expect(run() == ["from 203.0.113.7 by 127.0.0.1"])
    #expect(admission.waiting == 0 && !runtime.hasTimer(.proxyHeader(waiting)))
    let silent = try connect(port)
    service.handle(readable: number)
    _ = run()
    let late = try #require(runtime.watched.values.max())
    #expect(runtime.fire(.proxyHeader(late)))
    service.proxyHeaderIsLate(late)
    let wrong = try connect(port)
    _ = try wrong.send(Array("SSH-2.0-OpenSSH\r\n".utf8)[...])
    service.handle(readable: number)
    #expect(run() == ["accept 31"])
    #expect(admission.refused == [.proxyHeaderTimeout, .badProxyHeader])
    admission.hasPlace = false
    let more = try connect(port)
    service.handle(readable: number)
    _ = run()
    #expect(admission.refused.last == .maxConnections && admission.waiting == 0)
    withExtendedLifetime((silent, more)) {}
  }
}
