import Testing

@testable import Transport

@Suite struct GlobalRepliesTests {
  @Test func `a reply is sent at once when no older request waits`() {
    var replies = GlobalReplies()
    for number in 0..<3 {
      #expect(replies.answer(replies.request(), with: [UInt8(number)]) == [[UInt8(number)]])
      #expect(replies.count == 0)
    }
  }

  @Test func `in whatever order requests are answered, replies are sent in the order of the requests`() {
    func orders(_ numbers: [Int]) -> [[Int]] {
      numbers.isEmpty ? [[]] : numbers.flatMap { first in orders(numbers.filter { $0 != first }).map { [first] + $0 } }
    }
    for order in orders([0, 1, 2, 3]) {
      var replies = GlobalReplies()
      let requests = (0..<4).map { _ in replies.request() }
      var sent: [[UInt8]] = []
      for number in order {
        sent += replies.answer(requests[number], with: [UInt8(number)])
        #expect(replies.count == 4 - sent.count)
        #expect(sent == (0..<sent.count).map { [UInt8($0)] }, "\(order)")
      }
      #expect(sent.count == 4)
    }
  }

  @Test func `new requests wait behind those that are not answered`() {
    var replies = GlobalReplies()
    let slow = replies.request()
    for number in 1..<100 { #expect(replies.answer(replies.request(), with: [UInt8(number)]) == []) }
    #expect(replies.count == 100)
    #expect(replies.answer(slow, with: [0]) == (0..<100).map { [UInt8($0)] })
  }
}
