import AccessControl
import Audit
import CLinux
import Foundation
import IPC
import Model
import System
import Testing

@testable import Session

/// The state machine of forwards, with a clock, resolvers and sockets that the test plays.
@Suite struct ForwardsTests {
  /// Forwards, and what they asked for so far.
  struct Login {
    var forwards: Forwards
    var now: Int64 = 1000
    /// Resolvers that run, in order.
    var resolving: [UInt64] = []
    /// The last attempts to connect, in order.
    var attempts: [(attempt: Forwards.Attempt, address: String)] = []
    var abandoned: [Forwards.Attempt] = []

    init(_ rights: ForwardingRights = ForwardingRights()) { forwards = Forwards(rights) }

    /// The actions, for people.
    @discardableResult
    mutating func send(_ event: Forwards.Event) -> [String] {
      if case .resolved(let forward, _) = event { resolving.removeAll { $0 == forward } }
      return forwards.handle(event, at: now).map { action in
        switch action {
        case .resolve(let forward, let host):
          resolving.append(forward)
          return "resolve \(String(decoding: host, as: UTF8.self))"
        case .stopResolving: return "stop"
        case .connect(let attempt, let address, let port):
          attempts.append((attempt, "\(address)"))
          return "connect \(address) \(port)"
        case .connectSocket(let attempt, let path):
          attempts.append((attempt, String(decoding: path, as: UTF8.self)))
          return "connect \(String(decoding: path, as: UTF8.self))"
        case .abandon(let attempt):
          abandoned.append(attempt)
          return "abandon \(attempt.number)"
        case .handOver(let channel, let attempt): return "hand over \(attempt.number) to \(channel)"
        case .refuse(let channel, let reason, _): return "refuse \(channel): \(reason.rawValue)"
        case .record(let record):
          let words = [record.type.rawValue, record.reason?.code, record.rule].compactMap(\.self)
          return words.joined(separator: " ")
        }
      }
    }

    @discardableResult
    mutating func open(_ host: String, _ port: UInt32 = 80) -> [String] { open(0, host, port) }

    @discardableResult
    mutating func open(_ channel: UInt32, _ host: String, _ port: UInt32 = 80) -> [String] {
      open(channel, Array(host.utf8), port)
    }

    @discardableResult
    mutating func open(_ channel: UInt32, _ host: [UInt8], _ port: UInt32 = 80) -> [String] {
      send(.open(RequestedForward(channel: channel, target: .tcp(host: host, port: port), originator: ([], 0))))
    }

    @discardableResult
    mutating func open(_ channel: UInt32 = 0, path: String) -> [String] {
      send(.open(RequestedForward(channel: channel, target: .socket(path: Array(path.utf8)), originator: ([], 0))))
    }

    mutating func resolve(_ addresses: String...) -> [String] {
      send(.resolved(resolving[0], addresses.compactMap { IPAddress($0) }))
    }
  }

  private static func list(_ source: String, _ places: String...) throws -> PlaceList {
    PlaceList(source, try places.map { try ForwardingPlace(Array($0.utf8)) })
  }

  private static let refused = SystemError("connect", code: ECONNREFUSED)

  // MARK: The way to a connection

  @Test func `a name is resolved, connected to and handed over`() {
    var login = Login()
    #expect(login.open(5, "host.example") == ["resolve host.example"])
    #expect(login.resolve("192.0.2.1") == ["connect 192.0.2.1 80"])
    #expect(login.send(.connected(login.attempts[0].attempt)) == ["forward_open", "hand over 0 to 5"])
    #expect(login.forwards.has(5))
    #expect(login.forwards.nextTime == nil)
    #expect(login.send(.closed(channel: 5, bytesIn: 1, bytesOut: 2)) == ["forward_closed"])
    #expect(!login.forwards.has(5))
  }

  @Test func `an address needs no resolver`() {
    var login = Login()
    #expect(login.open("192.0.2.1") == ["connect 192.0.2.1 80"])
    #expect(login.open(1, "2001:db8::1") == ["connect 2001:db8::1 80"])
    #expect(login.open(2, "::ffff:192.0.2.1") == ["connect 192.0.2.1 80"])
    // Spellings that only getaddrinfo(3) knows, and zones, are for it to judge.
    #expect(login.open(3, "127.1") == ["resolve 127.1"])
    #expect(login.open(4, "fe80::1%lo") == ["resolve fe80::1%lo"])
  }

  @Test func `the first of two addresses that connects wins, and the other is closed`() {
    var login = Login()
    login.open("host.example")
    #expect(login.resolve("2001:db8::1", "192.0.2.1") == ["connect 2001:db8::1 80"])
    login.now += 249
    #expect(login.send(.clock) == [])
    login.now += 1
    #expect(login.send(.clock) == ["connect 192.0.2.1 80"])
    #expect(login.send(.connected(login.attempts[1].attempt)) == ["abandon 0", "forward_open", "hand over 1 to 0"])
    // The other one's success comes too late.
    #expect(login.send(.connected(login.attempts[0].attempt)) == ["abandon 0"])
  }

  @Test func `the next address is tried when one fails, and the last failure is the client's`() {
    var login = Login()
    login.open("host.example")
    #expect(login.resolve("2001:db8::1", "192.0.2.1") == ["connect 2001:db8::1 80"])
    #expect(login.send(.failed(login.attempts[0].attempt, Self.refused)) == ["connect 192.0.2.1 80"])
    #expect(
      login.send(.failed(login.attempts[1].attempt, Self.refused))
        == ["refuse 0: 2", "forward_open connection_refused"])
    #expect(!login.forwards.has(0))
  }

  @Test(arguments: [
    (ECONNREFUSED, "connection_refused", 2), (ENETUNREACH, "unreachable", 2), (ETIMEDOUT, "connect_timeout", 2),
    (EACCES, "permission_denied", 2), (EMFILE, "out_of_resources", 4), (EADDRNOTAVAIL, "connect_failed", 2),
  ])
  func `a failure is recorded with its reason`(code: Int32, reason: String, answer: Int) {
    var login = Login()
    login.open("192.0.2.1")
    let actions = login.send(.failed(login.attempts[0].attempt, SystemError("connect", code: code)))
    #expect(actions == ["refuse 0: \(answer)", "forward_open \(reason)"])
  }

  @Test func `a name without addresses, and a resolver that cannot be started, refuse the channel`() {
    var login = Login()
    login.open(0, "host.example")
    #expect(login.resolve() == ["refuse 0: 2", "forward_open name_not_resolved"])
    login.open(1, "host.example")
    #expect(
      login.send(.notResolving(login.resolving[0], SystemError("fork", code: EAGAIN)))
        == ["refuse 1: 4", "forward_open out_of_resources"])
  }

  // MARK: Impossible targets

  @Test(arguments: [0, 65536, 65537, UInt32.max])
  func `an impossible port is refused`(port: UInt32) {
    var login = Login()
    #expect(login.open("192.0.2.1", port) == ["refuse 0: 2", "forward_denied malformed_target"])
    #expect(!login.forwards.has(0))
  }

  @Test func `impossible names are refused and never resolved`() {
    var login = Login()
    let names: [[UInt8]] = [
      [], Array("a\0b".utf8), Array("192.0.2.1\0".utf8), [UInt8](repeating: 0x61, count: 256), [0xff, 0xfe],
    ]
    for name in names { #expect(login.open(0, name) == ["refuse 0: 2", "forward_denied malformed_target"], "\(name)") }
    #expect(login.open(0, [UInt8](repeating: 0x61, count: 255)).first?.hasPrefix("resolve") == true)
  }

  @Test func `a Unix socket's path has 1 to 107 bytes and no NUL`() {
    var login = Login()
    for path in ["", "/a\0b", String(repeating: "a", count: 108)] {
      #expect(login.open(path: path) == ["refuse 0: 2", "forward_denied malformed_target"], "\(path.count)")
    }
    let longest = String(repeating: "a", count: 107)
    #expect(login.open(path: longest) == ["connect \(longest)"])
    #expect(login.send(.connected(login.attempts[0].attempt)) == ["forward_open", "hand over 0 to 0"])
    #expect(login.open(1, path: "/nowhere") == ["connect /nowhere"])
    #expect(
      login.send(.failed(login.attempts[1].attempt, SystemError("connect", code: ENOENT)))
        == ["refuse 1: 2", "forward_open no_such_socket"])
  }

  // MARK: Rules

  @Test func `a login without rights forwards nothing`() {
    var login = Login(.none)
    #expect(login.open("192.0.2.1") == ["refuse 0: 1", "forward_denied forwarding_not_permitted forwarding.tcp"])
    #expect(login.open(path: "/s") == ["refuse 0: 1", "forward_denied forwarding_not_permitted forwarding.tcp"])
  }

  @Test func `a name that no rule permits at any address is not even resolved`() throws {
    var login = Login(ForwardingRights(permitOpen: [try Self.list("list", "other.example:80")]))
    #expect(login.open("host.example") == ["refuse 0: 1", "forward_denied target_not_permitted list"])
  }

  @Test func `only permitted addresses of a name are tried`() throws {
    var login = Login(ForwardingRights(permitOpen: [try Self.list("list", "192.0.2.0/24:80")]))
    login.open("host.example")
    #expect(login.resolve("198.51.100.1", "192.0.2.7", "2001:db8::1") == ["connect 192.0.2.7 80"])
    #expect(
      login.send(.failed(login.attempts[0].attempt, Self.refused))
        == ["refuse 0: 2", "forward_open connection_refused"])
    login.open(1, "rebound.example")
    #expect(login.resolve("127.0.0.1", "::1") == ["refuse 1: 1", "forward_denied target_not_permitted list"])
    login.open(2, "mapped.example")
    #expect(login.resolve("::ffff:192.0.2.9") == ["connect 192.0.2.9 80"])
  }

  @Test func `the unspecified address is what the kernel makes of it: the loopback`() throws {
    var login = Login(ForwardingRights(permitOpen: [try Self.list("list", "0.0.0.0/8:80", "[::]:80")]))
    login.open("host.example")
    #expect(login.resolve("0.0.0.0") == ["refuse 0: 1", "forward_denied target_not_permitted list"])
    login.open(1, "host.example")
    #expect(login.resolve("::") == ["refuse 1: 1", "forward_denied target_not_permitted list"])
    var free = Login()
    #expect(free.open("0.0.0.0") == ["connect 127.0.0.1 80"])
    #expect(free.open(1, "::") == ["connect ::1 80"])
  }

  // MARK: Limits

  @Test func `eight names are looked up at once, and the next begin in order`() {
    var login = Login()
    for channel in 0..<10 { login.open(UInt32(channel), "host\(channel).example") }
    #expect(login.resolving.count == 8)
    #expect(login.resolve("192.0.2.1") == ["connect 192.0.2.1 80", "resolve host8.example"])
    #expect(login.resolve() == ["refuse 1: 2", "forward_open name_not_resolved", "resolve host9.example"])
  }

  @Test func `a resolver that was stopped counts until it has ended`() {
    var login = Login(ForwardingRights(connectTimeout: 30))
    for channel in 0..<8 { login.open(UInt32(channel), "slow\(channel).example") }
    login.now += 29_999
    #expect(login.open(8, "last.example") == [])
    login.now += 1
    #expect(login.send(.clock).filter { $0 == "stop" }.count == 8)
    #expect(login.send(.clock) == [])
    #expect(login.resolve() == ["resolve last.example"])
  }

  @Test func `what takes longer than the timeout is ended: waiting, resolving and connecting alike`() {
    var login = Login(ForwardingRights(connectTimeout: 5))
    for channel in 0..<8 { login.open(UInt32(channel), "slow\(channel).example") }
    login.open(8, "waiting.example")
    login.open(9, "192.0.2.1")
    #expect(login.forwards.nextTime == login.now + 5000)
    login.now += 4999
    #expect(login.send(.clock) == [])
    login.now += 1
    let actions = login.send(.clock)
    #expect(actions.filter { $0 == "stop" }.count == 8)
    #expect(actions.contains("abandon 0"))
    #expect(actions.filter { $0.hasPrefix("refuse") }.count == 10)
    #expect(actions.filter { $0 == "forward_open name_not_resolved" }.count == 9)
    #expect(actions.filter { $0 == "forward_open connect_timeout" }.count == 1)
    #expect(login.forwards.nextTime == nil)
    // Results that come late change nothing.
    #expect(login.send(.connected(login.attempts[0].attempt)) == ["abandon 0"])
    for _ in 0..<8 { #expect(login.resolve("192.0.2.1") == []) }
  }

  @Test func `connected and pending forwards count, and a closed one makes room`() {
    var login = Login(ForwardingRights(maxChannels: 2))
    login.open(0, "192.0.2.1")
    login.send(.connected(login.attempts[0].attempt))
    login.open(1, "host.example")
    let refusal = ["refuse 2: 4", "forward_denied too_many_forwards forwarding.max_channels"]
    #expect(login.open(2, "192.0.2.2") == refusal)
    #expect(login.open(2, path: "/s") == refusal)
    login.send(.closed(channel: 0, bytesIn: 0, bytesOut: 0))
    #expect(login.open(2, "192.0.2.2") == ["connect 192.0.2.2 80"])
  }

  // MARK: Ends

  @Test func `a channel that is closed before it is connected ends its work, and no answer is sent`() {
    var login = Login()
    login.open(0, "host.example")
    #expect(login.send(.closed(channel: 0, bytesIn: 0, bytesOut: 0)) == ["stop", "forward_open abandoned"])
    #expect(login.resolve("192.0.2.1") == [])
    login.open(1, "192.0.2.1")
    #expect(login.send(.closed(channel: 1, bytesIn: 0, bytesOut: 0)) == ["abandon 0", "forward_open abandoned"])
    #expect(login.send(.closed(channel: 7, bytesIn: 0, bytesOut: 0)) == [])
  }

  @Test func `the end of the login ends everything and records it`() {
    var login = Login()
    login.open(0, "192.0.2.1")
    login.send(.connected(login.attempts[0].attempt))
    login.open(1, "host.example")
    login.open(2, "192.0.2.2")
    #expect(
      login.send(.end) == [
        "stop", "forward_open abandoned", "abandon 0", "forward_open abandoned", "forward_closed",
      ])
    #expect(login.forwards.nextTime == nil && !login.forwards.has(0) && !login.forwards.has(1))
  }
}
