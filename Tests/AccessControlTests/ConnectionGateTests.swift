import AccessControl
import TestSupport
import Testing

@Suite struct ConnectionGateTests {
  private func verdict(_ address: String, allowed: [String] = [], blocked: [String] = []) throws -> String {
    let gate = ConnectionGate(
      allowed: try allowed.map { try AddressRange($0) }, blocked: try blocked.map { try AddressRange($0) })
    switch gate.verdict(on: try #require(IPAddress(address))) {
    case .open: return "open"
    case .blocked(let range): return "blocked by \(range)"
    case .notAllowed: return "not allowed"
    }
  }

  @Test func `without lists every address may connect`() throws {
    #expect(try verdict("192.0.2.1") == "open")
    #expect(try verdict("2001:db8::1") == "open")
  }

  @Test func `with an allow list only its addresses may connect`() throws {
    let list = ["192.0.2.0/24", "2001:db8::/32"]
    #expect(try verdict("192.0.2.9", allowed: list) == "open")
    #expect(try verdict("192.0.3.9", allowed: list) == "not allowed")
    #expect(try verdict("2001:db8::9", allowed: list) == "open")
    #expect(try verdict("2001:db9::9", allowed: list) == "not allowed")
    // An allow list of one family excludes the other.
    #expect(try verdict("::1", allowed: ["192.0.2.0/24"]) == "not allowed")
    #expect(try verdict("192.0.2.1", allowed: ["::/0"]) == "not allowed")
  }

  @Test func `a blocked range wins over any allowed range`() throws {
    #expect(try verdict("192.0.2.9", allowed: ["192.0.2.9"], blocked: ["192.0.2.0/24"]) == "blocked by 192.0.2.0/24")
    #expect(try verdict("192.0.2.9", allowed: ["192.0.2.0/24"], blocked: ["0.0.0.0/0"]) == "blocked by 0.0.0.0/0")
    #expect(try verdict("192.0.2.9", blocked: ["192.0.2.0/24", "192.0.2.8/29"]) == "blocked by 192.0.2.8/29")
    #expect(try verdict("192.0.2.7", blocked: ["192.0.2.8/29"]) == "open")
  }

  @Test func `an IPv4-mapped address is the IPv4 address in lists and connections`() throws {
    #expect(try verdict("::ffff:192.0.2.9", blocked: ["192.0.2.0/24"]) == "blocked by 192.0.2.0/24")
    #expect(try verdict("192.0.2.9", blocked: ["::ffff:192.0.2.0/120"]) == "blocked by 192.0.2.0/24")
    #expect(try verdict("192.0.2.9", blocked: ["::/0"]) == "open")
  }

  @Test func `random lists decide like two linear searches`() {
    var random = SplitMix(seed: 7)
    func address() -> IPAddress {
      let bytes = [10, 0, UInt8.random(in: 0...3, using: &random), UInt8.random(in: 0...255, using: &random)]
      return Bool.random(using: &random) ? IPAddress(bytes: bytes)! : IPAddress("::ffff:\(IPAddress(bytes: bytes)!)")!
    }
    func range() -> AddressRange {
      AddressRange(around: address(), prefixLength: Int.random(in: 20...32, using: &random))
    }
    for _ in 0..<300 {
      let allowed = (0..<Int.random(in: 0...5, using: &random)).map { _ in range() }
      let blocked = (0..<Int.random(in: 0...5, using: &random)).map { _ in range() }
      let gate = ConnectionGate(allowed: allowed, blocked: blocked)
      for _ in 0..<50 {
        let client = address()
        let isOpen =
          !blocked.contains { $0.contains(client) } && (allowed.isEmpty || allowed.contains { $0.contains(client) })
        #expect((gate.verdict(on: client) == .open) == isOpen)
      }
    }
  }
}
