/// Replies to global requests, which are sent in the order of the requests, whoever answers first. RFC 4254, section 4
struct GlobalReplies {
  /// The number of the next request that wants a reply.
  private var next: UInt64 = 0
  /// The number of the oldest request that is not answered.
  private var oldest: UInt64 = 0
  /// Replies that wait for those of older requests.
  private var waiting: [UInt64: [UInt8]] = [:]

  /// Requests whose replies are not sent yet.
  var count: Int { Int(next - oldest) }

  /// Notes a request that wants a reply, and returns its number for ``answer(_:with:)``.
  mutating func request() -> UInt64 {
    defer { next += 1 }
    return next
  }

  /// Answers a request; returns the replies that can be sent now, in their order.
  mutating func answer(_ number: UInt64, with reply: [UInt8]) -> [[UInt8]] {
    waiting[number] = reply
    var due: [[UInt8]] = []
    while let reply = waiting.removeValue(forKey: oldest) {
      due.append(reply)
      oldest += 1
    }
    return due
  }
}
