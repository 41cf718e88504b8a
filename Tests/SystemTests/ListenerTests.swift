import Foundation
import System
import Testing

@Suite struct ListenerTests {
  @Test func `port 0 chooses a free port, and the address tells which`() throws {
    let listener = try Listener(SocketAddress(address: "127.0.0.1", port: 0))
    let address = try #require(listener.address)
    #expect(address.address == "127.0.0.1" && address.port != 0)
    guard case .wouldBlock = listener.accept() else { throw SystemError("nobody connected", code: 0) }
  }

  @Test func `an address in use is named in the error`() throws {
    let listener = try Listener(SocketAddress(address: "127.0.0.1", port: 0))
    let address = try #require(listener.address)
    #expect {
      _ = try Listener(address)
    } throws: {
      "\($0)" == "listen on 127.0.0.1:\(address.port): Address already in use"
    }
  }

  @Test(arguments: ["", "localhost", "300.0.0.1", "::zz", "127.0.0.1 ", "fe80::1%nowhere"])
  func `an invalid address is refused`(text: String) {
    #expect(throws: SystemError.self) { _ = try Listener(SocketAddress(address: text, port: 0)) }
  }

  @Test func `addresses are written in the usual notation`() {
    #expect(SocketAddress(address: "192.0.2.1", port: 22).description == "192.0.2.1:22")
    #expect(SocketAddress(address: "2001:db8::1", port: 22).description == "[2001:db8::1]:22")
    let local = SocketAddress(address: "fe80::1%eth0", port: 22)
    #expect(local.description == "[fe80::1%eth0]:22" && local.address == "fe80::1" && local.host == "fe80::1%eth0")
  }

  @Test func `an unknown interface is named in the error`() {
    #expect {
      _ = try Listener(SocketAddress(address: "fe80::1%nowhere", port: 22))
    } throws: {
      "\($0)" == "listen on [fe80::1%nowhere]:22: No such device"
    }
  }

  @Test func `an IPv4-mapped address of an IPv6 socket is given as IPv4`() throws {
    let raw = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let mapped = Descriptor(owning: raw)
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
    try #require(result == 0)
    #expect(SocketAddress(of: mapped, peer: false)?.address == "127.0.0.1")
    #expect(SocketAddress(of: mapped, peer: true) == nil)
  }

  @Test func `a socket without an IP address has no address`() throws {
    #expect(SocketAddress(of: try MessageSocket.pair().0.descriptor, peer: true) == nil)
    #expect(SocketAddress(of: try Descriptor.open("/dev/null", O_RDWR), peer: false) == nil)
  }
}
