import TestSupport
import Testing
import Wire

@Suite struct FIFOTests {
  @Test func `elements are removed in the order in which they were appended`() {
    var queue = FIFO<Int>()
    var model: [Int] = []
    var random = SplitMix(seed: 1)
    for number in 0..<20_000 {
      queue.append(number)
      model.append(number)
      if random.next() % 3 == 0 {
        let count = Int(random.next() % UInt64(min(model.count, 200) + 1))
        queue.removeFirst(count)
        model.removeFirst(count)
        #expect(queue.first == model.first && queue.last == model.last && queue.count == model.count)
      }
    }
    #expect(queue.elementsEqual(model))
    queue.append(contentsOf: [-1, -2])
    #expect(Array(queue.suffix(2)) == [-1, -2])
    queue.removeFirst(queue.count)
    #expect(queue.isEmpty && queue.first == nil)
  }

  @Test func `a queue of elements gives them back in their order, and then nothing`() {
    var queue = FIFO(1...3)
    #expect([queue.popFirst(), queue.popFirst(), queue.popFirst(), queue.popFirst()] == [1, 2, 3, nil])
    queue.append(4)
    #expect(queue.popFirst() == 4 && queue.isEmpty)
  }

  @Test func `a removed element is released immediately`() {
    final class Element {}
    var queue = FIFO<Element>()
    weak var first: Element?
    do {
      let element = Element()
      first = element
      queue.append(element)
    }
    for _ in 0..<10 { queue.append(Element()) }
    #expect(first != nil)
    queue.removeFirst()
    #expect(first == nil && queue.count == 10)
  }

  @Test func `queues with equal elements are equal, whatever was removed before`() {
    var one = FIFO<Int>()
    one.append(contentsOf: 0..<5)
    one.removeFirst(3)
    var other = FIFO<Int>()
    other.append(contentsOf: [3, 4])
    #expect(one == other)
    other.append(5)
    #expect(one != other)
  }
}
