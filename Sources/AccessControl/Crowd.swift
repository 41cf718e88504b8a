/// Connections by network and source, so that the one that has waited longest, of whoever holds most, is found without a
/// look at the others.
///
/// Each operation takes time that grows with the logarithm of the number of connections. Connections are known by a
/// number; of two, the one with the lower number came first.
struct Crowd: Sendable {
  /// What a network or a source holds. The lowest is whoever has to give way first.
  private struct Holding: Comparable, Sendable {
    let count: Int
    /// The number of the connection that would be closed.
    let oldest: UInt64

    static func < (one: Holding, other: Holding) -> Bool {
      one.count != other.count ? one.count > other.count : one.oldest < other.oldest
    }
  }

  /// The sources of one network.
  private struct Network: Sendable {
    var sources = PriorityMap<ClientSource, Holding>()
    var count = 0
  }

  private var connections: [ClientSource: PriorityMap<UInt64, UInt64>] = [:]
  private var networks: [AddressRange: Network] = [:]
  private var order = PriorityMap<AddressRange, Holding>()

  /// How many networks hold connections.
  var networkCount: Int { networks.count }
  /// The network that holds most; of several, the one whose ``candidate`` came first.
  var largestNetwork: (range: AddressRange, count: Int)? { order.first.map { ($0.key, $0.rank.count) } }
  /// In the largest network, of the source that holds most, the connection that came first. Of several such sources, the
  /// one whose connection came first.
  var candidate: UInt64? { order.first?.rank.oldest }

  /// True when a connection comes from this network.
  func contains(_ network: AddressRange) -> Bool { networks[network] != nil }

  /// Adds a connection that is not in it.
  mutating func insert(_ number: UInt64, of source: ClientSource) {
    connections[source, default: PriorityMap()].set(number, number)
    networks[source.network, default: Network()].count += 1
    reorder(source)
  }

  /// Takes out a connection that is in it.
  mutating func remove(_ number: UInt64, of source: ClientSource) {
    connections[source]?.set(number, nil)
    networks[source.network]?.count -= 1
    reorder(source)
  }

  /// What `source` holds has changed.
  private mutating func reorder(_ source: ClientSource) {
    let network = source.network
    if let own = connections[source], let oldest = own.first?.key {
      networks[network]?.sources.set(source, Holding(count: own.count, oldest: oldest))
    } else {
      connections[source] = nil
      networks[network]?.sources.set(source, nil)
    }
    if let state = networks[network], let first = state.sources.first {
      order.set(network, Holding(count: state.count, oldest: first.rank.oldest))
    } else {
      networks[network] = nil
      order.set(network, nil)
    }
  }
}
