import Wire

extension FIFO {
  /// A queue of these elements, of which the first is the oldest.
  init(_ elements: some Sequence<Element>) {
    self.init()
    append(contentsOf: elements)
  }

  /// Removes the oldest element and returns it; nil: there is none.
  mutating func popFirst() -> Element? {
    guard let first else { return nil }
    removeFirst()
    return first
  }
}
