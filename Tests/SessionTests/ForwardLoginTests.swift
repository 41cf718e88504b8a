import CLinux
import Foundation
import IPC
import Model
import System
import Testing

@testable import Session

/// Forwards of a running session process, with real targets on the loopback.
@Suite struct ForwardLoginTests {
  private static func login(_ rights: ForwardingRights = ForwardingRights()) throws -> SessionUnderTest {
    try SessionUnderTest.loggedIn { $0.forwarding = rights }
  }

  private static func listener(_ address: String = "127.0.0.1") throws -> (Listener, UInt32) {
    let listener = try Listener(SocketAddress(address: address, port: 0))
    return (listener, UInt32(try #require(listener.address).port))
  }

  private static func open(
    _ session: SessionUnderTest, _ channel: UInt32, _ target: ForwardTarget
  ) throws -> (message: SessionToTransport, descriptors: [Descriptor]) {
    try session.send(.open(channel: channel, target, originator: Array("192.0.2.1".utf8), originatorPort: 5))
    return try session.next()
  }

  private static func tcp(_ host: String, _ port: UInt32) -> ForwardTarget { .tcp(host: Array(host.utf8), port: port) }

  private static func option(_ socket: Descriptor, _ level: Int32, _ name: Int32) -> Int32 {
    var value: Int32 = -1
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(socket.rawValue, level, name, &value, &size)
    return value
  }

  @Test(arguments: [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1"), ("127.1", "127.0.0.1")])
  func `the transport is given a connected socket that does not block or delay`(
    name: String, address: String
  ) throws {
    let (listener, port) = try Self.listener(address)
    let session = try Self.login()
    let (message, descriptors) = try Self.open(session, 3, Self.tcp(name, port))
    #expect(message == .connected(channel: 3))
    let socket = try #require(descriptors.first)
    #expect(descriptors.count == 1)
    #expect(clinux_fcntl(socket.rawValue, F_GETFL, 0) & O_NONBLOCK != 0)
    #expect(Self.option(socket, Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
    #expect(Self.option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1)
    guard listener.descriptor.wait(for: POLLIN, milliseconds: SessionUnderTest.limit),
      case .connection(let other) = listener.accept()
    else { throw Missing(description: "a connection") }
    try socket.write("there")
    try SessionUnderTest.read(other, until: "there")
    let record = try session.record()
    #expect(record.type == .forwardOpen && record.result == .success && record.channel == 3)
    try session.send(.closed(channel: 3, bytesIn: 5, bytesOut: 0))
    let end = try session.record()
    #expect(end.type == .forwardClosed && end.bytesIn == 5 && end.bytesOut == 0)
  }

  @Test func `the session keeps no descriptor of a socket that it has handed over`() throws {
    let (listener, port) = try Self.listener()
    let session = try Self.login()
    var socket = try Self.open(session, 0, Self.tcp("127.0.0.1", port)).descriptors.first
    #expect(socket != nil)
    guard listener.descriptor.wait(for: POLLIN, milliseconds: SessionUnderTest.limit),
      case .connection(let other) = listener.accept()
    else { throw Missing(description: "a connection") }
    socket = nil
    #expect(try SessionUnderTest.readToEnd(other) == "")
  }

  @Test func `a port that nobody listens on fails with the reason of the system`() throws {
    let port = try Self.listener().1
    let session = try Self.login()
    let (message, descriptors) = try Self.open(session, 1, Self.tcp("127.0.0.1", port))
    #expect(message == .openFailed(channel: 1, .connectFailed, "Connection refused"))
    #expect(descriptors.isEmpty)
  }

  @Test func `a name that does not exist fails, and its resolver is gone`() throws {
    let session = try Self.login()
    let (message, _) = try Self.open(session, 1, Self.tcp("no-such-name.invalid", 80))
    #expect(message == .openFailed(channel: 1, .connectFailed, "the name has no address"))
    #expect(Self.children(of: session.process.pid).isEmpty)
  }

  @Test func `a Unix socket sees this user, and a first at sign is not an abstract name`() throws {
    let directory = NSTemporaryDirectory() + "forward-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/socket"
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let listener = Descriptor(owning: server)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0 && listen(server, 5) == 0)
    let session = try Self.login()
    let (message, descriptors) = try Self.open(session, 2, .socket(path: Array(path.utf8)))
    #expect(message == .connected(channel: 2) && descriptors.count == 1)
    let other = accept(listener.rawValue, nil, nil)
    defer { close(other) }
    // struct ucred: the process, the user and the group.
    var peer: [UInt32] = [0, 0, 0]
    var size = socklen_t(12)
    #expect(getsockopt(other, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
    #expect(peer == [UInt32(session.process.pid), getuid(), getgid()])
    let abstract = try Self.open(session, 4, .socket(path: Array("@\(directory)".utf8)))
    #expect(abstract.message == .openFailed(channel: 4, .connectFailed, "No such file or directory"))
  }

  @Test func `what the login may not forward is refused, and nothing is connected`() throws {
    let (listener, port) = try Self.listener()
    let session = try Self.login(.none)
    let (message, _) = try Self.open(session, 0, Self.tcp("127.0.0.1", port))
    #expect(message == .openFailed(channel: 0, .prohibited, "forwarding is not permitted"))
    guard case .wouldBlock = listener.accept() else { throw Missing(description: "no connection") }
    #expect(try session.record().type == .forwardDenied)
  }

  @Test func `requests on a forwarded channel are refused, and shells go on`() throws {
    let (listener, port) = try Self.listener()
    defer { withExtendedLifetime(listener) {} }
    let session = try Self.login()
    let opened = try Self.open(session, 0, Self.tcp("127.0.0.1", port))
    #expect(opened.message == .connected(channel: 0))
    #expect(try session.ask(.shell, on: 0) == .refused(channel: 0))
    #expect(try session.run("echo on", on: 1).output == "on\n")
  }

  @Test func `a transport that opens a channel twice ends the login`() throws {
    let (listener, port) = try Self.listener()
    defer { withExtendedLifetime(listener) {} }
    let session = try Self.login()
    let opened = try Self.open(session, 0, Self.tcp("127.0.0.1", port))
    #expect(opened.message == .connected(channel: 0))
    try session.send(.open(channel: 0, Self.tcp("127.0.0.1", port), originator: [], originatorPort: 0))
    #expect(try session.waitForEnd() == .code(0))
  }

  @Test func `a thousand forwards connect, and one more is refused`() throws {
    let (listener, port) = try Self.listener()
    let session = try Self.login(ForwardingRights(maxChannels: 1000))
    var others: [Descriptor] = []
    for channel in 0..<1000 {
      let (message, _) = try Self.open(session, UInt32(channel), Self.tcp("127.0.0.1", port))
      #expect(message == .connected(channel: UInt32(channel)))
      guard case .connection(let other) = listener.accept() else { throw Missing(description: "a connection") }
      others.append(other)
    }
    let (message, _) = try Self.open(session, 1000, Self.tcp("127.0.0.1", port))
    #expect(message == .openFailed(channel: 1000, .shortage, "too many forwarded channels"))
    #expect(try session.run("echo on", on: 1001).output == "on\n")
  }

  // MARK: Resolvers

  /// The processes with this parent.
  private static func children(of parent: pid_t) -> [pid_t] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { pid_t($0) }.filter { pid in
      let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
      let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
      return fields.count > 1 && pid_t(fields[1]) == parent && fields[0] != "Z"
    }
  }
}
