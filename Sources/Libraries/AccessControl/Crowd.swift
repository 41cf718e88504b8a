/// Connections grouped by network and source. Finds the oldest connection of the largest group without a scan.
///
/// Every operation takes logarithmic time in the number of connections. Connections are identified by numbers; the
/// lower number is the older connection.
struct Crowd: Sendable {
  /// The connections of a network or source. The least value is the group that has to give way first.
  private struct Holding: Comparable, Sendable {
    let count: Int
    /// The number of the connection that would be closed.
    let oldest: UInt64

    static func < (one: Holding, other: Holding) -> Bool {
      one.count != other.count ? one.count > other.count : one.oldest < other.oldest
    }
  }

  /// The sources in one network.
  private struct Network: Sendable {
    var sources = PriorityMap<ClientSource, Holding>()
    var count = 0
  }

  private var connections: [ClientSource: PriorityMap<UInt64, UInt64>] = [:]
  private var networks: [AddressRange: Network] = [:]
  private var order = PriorityMap<AddressRange, Holding>()

  /// The number of networks with connections.
  var networkCount: Int { networks.count }
  /// The network with the most connections; of several, the one whose ``candidate`` is oldest.
  var largestNetwork: (range: AddressRange, count: Int)? { order.first.map { ($0.key, $0.rank.count) } }
  /// The connection to close: the oldest of the source with the most connections in the largest network. Of several
  /// such sources, the one with the oldest connection.
  var candidate: UInt64? { order.first?.rank.oldest }

  /// True if there is a connection from this network.
  func contains(_ network: AddressRange) -> Bool { networks[network] != nil }

  /// Adds a connection that is not present.
  mutating func insert(_ number: UInt64, of source: ClientSource) {
    connections[source, default: PriorityMap()].set(number, number)
    networks[source.network, default: Network()].count += 1
    reorder(source)
  }

  /// Removes a connection that is present.
  mutating func remove(_ number: UInt64, of source: ClientSource) {
    connections[source]?.set(number, nil)
    networks[source.network]?.count -= 1
    reorder(source)
  }

  /// Updates the order after the connections of `source` have changed.
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
