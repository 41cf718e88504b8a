/// A set of ranges that finds the smallest one that holds an address: a binary trie, in which bits that all ranges
/// below a place have in common make no nodes (PATRICIA).
///
/// A lookup visits at most one node for each bit of the address, and about log2 of the number of ranges in practice. A
/// node has 32 bytes, and there are less than two for each range.
public struct RangeTrie: Sendable {
  private struct Node {
    /// The first address below this node, and how many of all 128 bits are common to what is below it.
    let bits: UInt128
    let length: UInt8
    /// False: it only branches.
    var isMember: Bool
    /// Where the next bit is 0, and where it is 1; 0 is none, for no node is below a root.
    var zero: UInt32 = 0
    var one: UInt32 = 0

    func holds(_ address: UInt128) -> Bool { commonPrefix(bits, address) >= length }
  }

  /// How many ranges it holds.
  public private(set) var count = 0
  /// The first two are the roots: all of IPv4, which stands among the IPv4-mapped addresses, and all of IPv6.
  private var nodes = [
    Node(bits: IPAddress.mappedPrefix, length: 96, isMember: false), Node(bits: 0, length: 0, isMember: false),
  ]

  /// The set of these ranges.
  public init(_ ranges: some Sequence<AddressRange> = []) {
    for range in ranges { insert(range) }
  }

  /// True when no address is in it.
  public var isEmpty: Bool { count == 0 }

  /// True when one of the ranges holds `address`.
  public func contains(_ address: IPAddress) -> Bool { node(for: address) != nil }

  /// The smallest range that holds `address`; nil when there is none.
  public func smallest(around address: IPAddress) -> AddressRange? {
    node(for: address).map { index in
      let node = nodes[index]
      let base = IPAddress(bits: node.bits)
      return AddressRange(around: base, prefixLength: Int(node.length) - (address.isIPv4 ? 96 : 0))
    }
  }

  private func node(for address: IPAddress) -> Int? {
    let bits = address.bits
    var index = address.isIPv4 ? 0 : 1
    var found: Int?
    repeat {
      let node = nodes[index]
      guard node.holds(bits) else { break }
      if node.isMember { found = index }
      guard node.length < 128 else { break }
      index = Int(isSet(bit: node.length, of: bits) ? node.one : node.zero)
    } while index != 0
    return found
  }

  /// Adds a range; one that is there already stays there.
  public mutating func insert(_ range: AddressRange) {
    let isIPv4 = range.base.isIPv4
    let new = Node(bits: range.base.bits, length: UInt8(range.prefixLength + (isIPv4 ? 96 : 0)), isMember: true)
    var index = isIPv4 ? 0 : 1
    while nodes[index].length < new.length {
      let isOne = isSet(bit: nodes[index].length, of: new.bits)
      let next = Int(isOne ? nodes[index].one : nodes[index].zero)
      guard next != 0 else {
        setChild(of: index, isOne, to: append(new))
        return
      }
      let child = nodes[next]
      let common = min(commonPrefix(child.bits, new.bits), child.length, new.length)
      if common < child.length {
        setChild(of: index, isOne, to: common == new.length ? append(new, above: next) : branch(common, next, new))
        return
      }
      index = next
    }
    // The way to it led here and nowhere else, so this is the place of the range itself.
    if !nodes[index].isMember { count += 1 }
    nodes[index].isMember = true
  }

  private mutating func append(_ node: Node) -> Int {
    if node.isMember { count += 1 }
    nodes.append(node)
    return nodes.count - 1
  }

  /// A shorter range than that of `child`, which it holds.
  private mutating func append(_ new: Node, above child: Int) -> Int {
    let index = append(new)
    setChild(of: index, isSet(bit: new.length, of: nodes[child].bits), to: child)
    return index
  }

  /// A node under which `child` and `new` part.
  private mutating func branch(_ length: UInt8, _ child: Int, _ new: Node) -> Int {
    let bits = new.bits & ~(.max >> UInt128(length))
    let index = append(Node(bits: bits, length: length, isMember: false))
    let isOne = isSet(bit: length, of: new.bits)
    setChild(of: index, isOne, to: append(new))
    setChild(of: index, !isOne, to: child)
    return index
  }

  private mutating func setChild(of index: Int, _ isOne: Bool, to child: Int) {
    if isOne { nodes[index].one = UInt32(child) } else { nodes[index].zero = UInt32(child) }
  }
}

/// How many bits two addresses have in common from the front.
private func commonPrefix(_ a: UInt128, _ b: UInt128) -> UInt8 { UInt8((a ^ b).leadingZeroBitCount) }

/// The bit with this number, the most significant being 0.
private func isSet(bit: UInt8, of bits: UInt128) -> Bool { (bits >> UInt128(127 - bit)) & 1 == 1 }
