/// A queue: elements are appended at the end and removed at the front, which takes amortized constant time. Element 0 is
/// the oldest.
///
/// A removed element is released at once; its slot is reused after at most as many removals as there are elements left.
public struct FIFO<Element>: RandomAccessCollection {
  /// Nil: removed.
  private var slots: [Element?] = []
  /// Slots of removed elements, which come first.
  private var start = 0

  /// An empty queue.
  public init() {}

  public var startIndex: Int { 0 }
  public var endIndex: Int { slots.count - start }

  public subscript(index: Int) -> Element {
    guard index >= 0, let element = slots[start + index] else { preconditionFailure("no element \(index)") }
    return element
  }

  /// Adds the newest element.
  public mutating func append(_ element: Element) { slots.append(element) }

  /// Adds these behind the newest element, in their order.
  public mutating func append(contentsOf elements: some Sequence<Element>) {
    slots.append(contentsOf: elements.lazy.map(Optional.some))
  }

  /// Removes the oldest elements, of which there must be `count`.
  public mutating func removeFirst(_ count: Int = 1) {
    precondition(count >= 0 && count <= self.count, "removal of \(count) elements of \(self.count)")
    for index in start..<start + count { slots[index] = nil }
    start += count
    guard isEmpty || (start > 64 && start > self.count) else { return }
    slots.removeFirst(start)
    start = 0
  }
}

extension FIFO: Sendable where Element: Sendable {}

extension FIFO: Equatable where Element: Equatable {
  public static func == (left: FIFO, right: FIFO) -> Bool { left.elementsEqual(right) }
}
