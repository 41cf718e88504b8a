/// Keys with a rank each. The key with the lowest rank is found at once; a key gets another rank, or goes, in logarithmic
/// time. A binary heap that knows where each key is.
struct PriorityMap<Key: Hashable & Sendable, Rank: Comparable & Sendable>: Sendable {
  private var heap: [(key: Key, rank: Rank)] = []
  private var places: [Key: Int] = [:]

  /// How many keys it has.
  var count: Int { heap.count }
  /// The key with the lowest rank, and that rank.
  var first: (key: Key, rank: Rank)? { heap.first }

  /// True when it has `key`.
  func contains(_ key: Key) -> Bool { places[key] != nil }

  /// Gives `key` this rank, in place of any that it has; nil: removes it.
  mutating func set(_ key: Key, _ rank: Rank?) {
    guard let rank else { return remove(key) }
    let place: Int
    if let known = places[key] {
      place = known
      heap[place].rank = rank
    } else {
      place = heap.count
      heap.append((key, rank))
      places[key] = place
    }
    sift(place)
  }

  private mutating func remove(_ key: Key) {
    guard let place = places.removeValue(forKey: key) else { return }
    let last = heap.removeLast()
    guard place < heap.count else { return }
    heap[place] = last
    places[last.key] = place
    sift(place)
  }

  /// Moves what is at `start` to where it belongs.
  private mutating func sift(_ start: Int) {
    var place = start
    while place > 0, heap[place].rank < heap[(place - 1) / 2].rank {
      exchange(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child].rank < heap[least].rank {
        least = child
      }
      if least == place { return }
      exchange(place, least)
      place = least
    }
  }

  private mutating func exchange(_ one: Int, _ other: Int) {
    heap.swapAt(one, other)
    places[heap[one].key] = one
    places[heap[other].key] = other
  }
}
