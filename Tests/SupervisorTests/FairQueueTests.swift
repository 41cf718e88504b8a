import AccessControl
import Testing

@testable import Supervisor

@Suite struct FairQueueTests {
  private func source(_ number: UInt8) -> ClientSource { ClientSource(IPAddress(bytes: [10, 0, 0, number])!) }

  /// A queue with these elements, whose names begin with the source: `1a`, `1b`, `2a`.
  private func queue(limit: Int = 100, _ elements: String...) -> FairQueue<String> {
    var queue = FairQueue<String>(limit: limit)
    for element in elements { #expect(queue.add(element, from: source(element.utf8.first!)) == nil) }
    return queue
  }

  private func all(_ queue: FairQueue<String>) -> [String] {
    var queue = queue
    var result: [String] = []
    while let element = queue.next({ _ in true }) { result.append(element) }
    #expect(queue.count == 0)
    return result
  }

  @Test func `sources are served in turn, each in its own order`() {
    #expect(all(queue("1a", "1b", "1c", "1d", "2a", "3a", "2b")) == ["1a", "2a", "3a", "1b", "2b", "1c", "1d"])
  }

  @Test func `a source that may not be served is skipped and keeps its turn`() {
    var queue = queue("1a", "1b", "2a", "2b", "3a")
    #expect(queue.next { $0 != source(0x31) } == "2a")
    #expect(queue.next { _ in false } == nil)
    #expect(all(queue) == ["1a", "3a", "1b", "2b"] || all(queue) == ["1a", "3a", "2b", "1b"])
  }

  @Test func `a served source follows those that were not served, even after it was empty`() {
    var queue = queue("1a", "2a")
    #expect(queue.next { _ in true } == "1a")
    _ = queue.add("1b", from: source(0x31))
    _ = queue.add("3a", from: source(0x33))
    #expect(all(queue) == ["2a", "3a", "1b"])
  }

  @Test func `a source that adds elements continuously does not starve others`() {
    var queue = queue("1a", "1b")
    var served: [String] = []
    for _ in 0..<6 {
      _ = queue.add("2", from: source(0x32))
      if let next = queue.next({ _ in true }) { served.append(next) }
    }
    #expect(served == ["1a", "2", "1b", "2", "2", "2"])
  }

  @Test func `in one round quick elements come first`() {
    var queue = queue("1slow", "2quick", "3slow", "1quick")
    func next() -> String? { queue.next({ _ in true }, isQuick: { $0.hasSuffix("quick") }) }
    #expect([next(), next(), next(), next()] == ["2quick", "1slow", "3slow", "1quick"])
  }

  @Test func `in a full queue the source with the most elements loses its newest`() {
    var queue = queue(limit: 4, "1a", "1b", "1c", "2a")
    #expect(queue.add("2b", from: source(0x32)) == "1c")
    #expect(queue.add("3a", from: source(0x33)) == "2b" || queue.count == 4)
    #expect(queue.count == 4)
    #expect(queue.add("1z", from: source(0x31)) != nil)
    #expect(queue.count == 4)
  }

  @Test func `one source can fill the queue and then makes room for others`() {
    var queue = FairQueue<String>(limit: 100)
    for number in 0..<100 { #expect(queue.add("a\(number)", from: source(1)) == nil) }
    #expect(queue.add("one more", from: source(1)) == "one more")
    for number in 2...99 { #expect(queue.add("\(number)", from: source(UInt8(number)))?.hasPrefix("a") == true) }
    #expect(queue.next { _ in true } == "a0")
    #expect(queue.next { _ in true } == "2")
  }

  @Test func `elements are removed by a condition`() {
    var queue = queue("1a", "1b", "2a", "3a", "3b")
    queue.removeAll { $0.hasSuffix("a") }
    #expect(queue.count == 2)
    #expect(all(queue) == ["1b", "3b"])
  }

  @Test func `the queue is bounded and loses only the elements it returns`() {
    var random = SystemRandomNumberGenerator()
    var queue = FairQueue<Int>(limit: 16)
    var waiting: [ClientSource: [Int]] = [:]
    for number in 0..<20_000 {
      if Int.random(in: 0...2, using: &random) > 0 {
        let source = source(UInt8.random(in: 0...UInt8.random(in: 1...30, using: &random), using: &random))
        waiting[source, default: []].append(number)
        if let dropped = queue.add(number, from: source) {
          for (source, line) in waiting where line.last == dropped { waiting[source]?.removeLast() }
        }
      } else if let next = queue.next({ _ in true }) {
        let owner = waiting.first { $1.first == next }?.key
        #expect(owner != nil)
        if let owner { waiting[owner]?.removeFirst() }
      }
      #expect(queue.count == waiting.values.reduce(0) { $0 + $1.count })
      #expect(queue.count <= 16)
    }
  }
}
