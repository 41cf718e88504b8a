/// A queue: elements are appended at the end and removed at the front, in amortized constant time. Element 0 is the
/// oldest.
///
/// A removed element is released immediately. The slots of removed elements are freed when there are more than 64 of
/// them and more than there are elements, or when the queue is empty.
public struct FIFO<Element>: RandomAccessCollection {
  /// nil: removed.
  private var slots: [Element?] = []
  /// The number of slots of removed elements, which precede the others.
  private var start = 0

  /// An empty queue.
  public init() {}

  /// A queue of these elements, of which the first is the oldest.
  public init(_ elements: some Sequence<Element>) { append(contentsOf: elements) }

  public var startIndex: Int { 0 }
  public var endIndex: Int { slots.count - start }

  /// The element at this index, which must exist; the oldest has index 0.
  public subscript(index: Int) -> Element {
    guard index >= 0, let element = slots[start + index] else { preconditionFailure("no element \(index)") }
    return element
  }

  /// Appends an element.
  public mutating func append(_ element: Element) { slots.append(element) }

  /// Appends elements in their order.
  public mutating func append(contentsOf elements: some Sequence<Element>) {
    slots.append(contentsOf: elements.lazy.map(Optional.some))
  }

  /// Removes the `count` oldest elements. The queue must have that many.
  public mutating func removeFirst(_ count: Int = 1) {
    precondition(count >= 0 && count <= self.count, "removal of \(count) elements of \(self.count)")
    for index in start..<start + count { slots[index] = nil }
    start += count
    guard isEmpty || (start > 64 && start > self.count) else { return }
    slots.removeFirst(start)
    start = 0
  }

  /// Removes the oldest element and returns it; nil: there is none.
  public mutating func popFirst() -> Element? {
    guard let first else { return nil }
    removeFirst()
    return first
  }
}

extension FIFO: Sendable where Element: Sendable {}

extension FIFO: Equatable where Element: Equatable {
  public static func == (left: FIFO, right: FIFO) -> Bool { left.elementsEqual(right) }
}
