/// A map from keys to ranks that finds the key with the lowest rank in constant time and changes a rank in logarithmic
/// time: a binary heap that records the index of each key.
struct PriorityMap<Key: Hashable & Sendable, Rank: Comparable & Sendable>: Sendable {
  private var heap: [(key: Key, rank: Rank)] = []
  private var places: [Key: Int] = [:]

  /// The number of keys.
  var count: Int { heap.count }
  /// The key with the lowest rank, and its rank.
  var first: (key: Key, rank: Rank)? { heap.first }

  /// True if `key` is present.
  func contains(_ key: Key) -> Bool { places[key] != nil }

  /// Sets the rank of `key`, adding it if necessary; nil removes it.
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

  /// Restores the heap order after the element at `start` has changed.
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
