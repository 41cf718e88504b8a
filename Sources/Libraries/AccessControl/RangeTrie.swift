/// A set of ranges that finds the smallest range containing an address: a path-compressed binary trie (PATRICIA).
///
/// A lookup visits at most one node per bit of the address, in practice about log2 of the number of ranges. A node
/// takes 32 bytes, and there are fewer than two per range.
public struct RangeTrie: Sendable {
  private struct Node {
    /// The first address below this node, and the number of bits, of 128, that all addresses below it share.
    let bits: UInt128
    let length: UInt8
    /// False if the node is only a branch.
    var isMember: Bool
    /// The children for the next bit 0 and 1. 0 means none, because no node has a root as its child.
    var zero: UInt32 = 0
    var one: UInt32 = 0

    func holds(_ address: UInt128) -> Bool { commonPrefix(bits, address) >= length }
  }

  /// The number of ranges.
  public private(set) var count = 0
  /// The first two are the roots: of IPv4, within the IPv4-mapped addresses, and of IPv6.
  private var nodes = [
    Node(bits: IPAddress.mappedPrefix, length: 96, isMember: false), Node(bits: 0, length: 0, isMember: false),
  ]

  /// A set that contains these ranges.
  public init(_ ranges: some Sequence<AddressRange> = []) {
    for range in ranges { insert(range) }
  }

  /// True if there are no ranges.
  public var isEmpty: Bool { count == 0 }

  /// True if a range contains `address`.
  public func contains(_ address: IPAddress) -> Bool { node(for: address) != nil }

  /// The smallest range that contains `address`; nil if none does.
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

  /// Adds a range; has no effect if the range is present.
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
    // The descent ended at a node with exactly this prefix.
    if !nodes[index].isMember { count += 1 }
    nodes[index].isMember = true
  }

  private mutating func append(_ node: Node) -> Int {
    if node.isMember { count += 1 }
    nodes.append(node)
    return nodes.count - 1
  }

  /// Inserts a node between a parent and `child`, whose range it contains.
  private mutating func append(_ new: Node, above child: Int) -> Int {
    let index = append(new)
    setChild(of: index, isSet(bit: new.length, of: nodes[child].bits), to: child)
    return index
  }

  /// A node whose children are `child` and `new`.
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

/// The number of leading bits that two addresses share.
private func commonPrefix(_ a: UInt128, _ b: UInt128) -> UInt8 { UInt8((a ^ b).leadingZeroBitCount) }

/// The bit with this number; 0 is the most significant one.
private func isSet(bit: UInt8, of bits: UInt128) -> Bool { (bits >> UInt128(127 - bit)) & 1 == 1 }
