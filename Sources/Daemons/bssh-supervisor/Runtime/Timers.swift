/// A priority queue of timers with one time for each key.
///
/// Times are milliseconds of a clock that the caller reads. It is a heap in which a cancelled or replaced entry remains
/// until its time or until such entries are the majority.
struct Timers<Key: Hashable & Sendable>: Sendable {
  private struct Entry {
    let time: Int64
    let number: UInt64
    let key: Key
  }

  private var heap: [Entry] = []
  private var current: [Key: UInt64] = [:]
  private var nextNumber: UInt64 = 0

  init() {}

  /// The number of keys with a time.
  var count: Int { current.count }

  /// True if `key` has a time.
  func contains(_ key: Key) -> Bool { current[key] != nil }

  /// Sets the time of `key`; replaces an earlier one.
  mutating func set(_ key: Key, at time: Int64) {
    nextNumber += 1
    current[key] = nextNumber
    if heap.count > 2 * current.count + 64 {
      heap = heap.filter { current[$0.key] == $0.number }.sorted { $0.time < $1.time }
    }
    heap.append(Entry(time: time, number: nextNumber, key: key))
    siftUp(heap.count - 1)
  }

  /// Removes the time of `key`.
  mutating func cancel(_ key: Key) { current[key] = nil }

  /// The earliest time; nil: there is none.
  mutating func soonest() -> Int64? {
    dropStale()
    return heap.first?.time
  }

  /// Removes and returns the key with the earliest time, if that is not after `now`; nil: there is none.
  mutating func next(at now: Int64) -> Key? {
    dropStale()
    guard let first = heap.first, first.time <= now else { return nil }
    removeFirst()
    current[first.key] = nil
    return first.key
  }

  private mutating func dropStale() {
    while let first = heap.first, current[first.key] != first.number { removeFirst() }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var i = 0
    while true {
      var least = i
      for child in [2 * i + 1, 2 * i + 2] where child < heap.count && heap[child].time < heap[least].time {
        least = child
      }
      if least == i { return }
      heap.swapAt(i, least)
      i = least
    }
  }

  private mutating func siftUp(_ start: Int) {
    var i = start
    while i > 0, heap[i].time < heap[(i - 1) / 2].time {
      heap.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }
}
