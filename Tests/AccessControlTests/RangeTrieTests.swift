import TestSupport
import Testing

@testable import AccessControl

@Suite struct RangeTrieTests {
  private func ranges(_ texts: String...) throws -> [AddressRange] { try texts.map { try AddressRange($0) } }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test(arguments: [
    ("10.1.2.3", "10.1.2.3"), ("10.1.2.4", "10.1.2.0/24"), ("10.1.3.1", "10.1.0.0/16"), ("10.2.0.1", "10.0.0.0/8"),
    ("11.0.0.1", nil), ("2001:db8::1", "2001:db8::/32"), ("2001:db8:0:1::1", "2001:db8:0:1::/64"), ("2001:db9::", nil),
    ("::ffff:10.1.2.4", "10.1.2.0/24"),
  ])
  func `the smallest range around an address is found`(text: String, expected: String?) throws {
    let trie = RangeTrie(
      try ranges("10.0.0.0/8", "10.1.2.0/24", "2001:db8:0:1::/64", "10.1.0.0/16", "2001:db8::/32", "10.1.2.3"))
    #expect(trie.count == 6)
    #expect(try trie.smallest(around: address(text))?.description == expected)
    #expect(try trie.contains(address(text)) == (expected != nil))
  }

  @Test func `a range of a whole family contains no address of the other`() throws {
    let all4 = RangeTrie(try ranges("0.0.0.0/0"))
    #expect(try all4.contains(address("192.0.2.1")) && all4.contains(address("::ffff:192.0.2.1")))
    #expect(try !all4.contains(address("::1")))
    let all6 = RangeTrie(try ranges("::/0"))
    #expect(try all6.contains(address("::1")) && all6.contains(address("2001:db8::1")))
    #expect(try !all6.contains(address("192.0.2.1")) && !all6.contains(address("::ffff:192.0.2.1")))
  }

  @Test func `an empty set contains nothing and a duplicate range is stored once`() throws {
    var trie = RangeTrie()
    #expect(trie.isEmpty)
    #expect(try !trie.contains(address("0.0.0.0")) && !trie.contains(address("::")))
    for _ in 0..<3 { trie.insert(try AddressRange("192.0.2.0/24")) }
    for _ in 0..<3 { trie.insert(try AddressRange("0.0.0.0/0")) }
    #expect(trie.count == 2 && !trie.isEmpty)
  }

  /// Ranges and addresses so close to each other that they often overlap.
  private func randomRange(_ random: inout SplitMix) -> AddressRange {
    AddressRange(around: randomAddress(&random), prefixLength: Int.random(in: 0...128, using: &random))
  }

  private func randomAddress(_ random: inout SplitMix) -> IPAddress {
    let isIPv4 = Bool.random(using: &random)
    // Few bits are set, at random positions, or all but a few.
    var bytes = [UInt8](repeating: Bool.random(using: &random) ? 0 : 255, count: isIPv4 ? 4 : 16)
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
    }
    return IPAddress(bytes: bytes)!
  }

  @Test(arguments: [1, 2, 5, 30, 300, 2000])
  func `random ranges in any order are searched like a linear scan`(count: Int) {
    var random = SplitMix(seed: UInt64(count))
    for _ in 0..<max(3000 / count, 3) {
      let ranges = (0..<count).map { _ in randomRange(&random) }
      let trie = RangeTrie(ranges.shuffled(using: &random))
      #expect(trie.count == Set(ranges).count)
      for address in ranges.prefix(50).map(\.base) + (0..<50).map({ _ in randomAddress(&random) }) {
        let naive = ranges.filter { $0.contains(address) }.max { $0.prefixLength < $1.prefixLength }
        #expect(trie.smallest(around: address) == naive)
        #expect(trie.contains(address) == (naive != nil))
      }
    }
  }
}
