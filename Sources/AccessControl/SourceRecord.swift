extension SourceTable {
  /// How dangerous a source is, the least first.
  enum Grade: Int, CaseIterable {
    /// It connects.
    case quiet
    /// It failed lately.
    case failed
    /// It was banned, and the next ban will be longer.
    case formerlyBanned
    case banned
  }

  /// What is known of one source.
  struct Record {
    let source: ClientSource
    /// Connections.
    var bucket = TokenBucket()
    /// How often others were closed to make room for it.
    var room = TokenBucket()
    /// Until then none is made for it: one of its own was closed for another source.
    var displacedEnd: Int64 = .min
    /// When it failed, the oldest first; fewer than end in a ban.
    var failures: [Int64] = []
    /// The same for connections with refused keys alone.
    var keyFailures: [Int64] = []
    /// The end of the last ban.
    var banEnd: Int64 = .min
    /// ``SourceTable/endBan(of:at:)`` has not told of it yet.
    var isBanUntold = false
    /// When it failed last, or the end of its last ban.
    var misbehaviorTime: Int64 = .min
    /// Bans in a row.
    var banCount: Int32 = 0
    // Its place in the order of its grade; `RecencyOrder.none` at the ends.
    var previous = RecencyOrder.none
    var next = RecencyOrder.none
    var grade = Grade.quiet

    init(_ source: ClientSource) { self.source = source }

    /// The grade that it has now.
    func grade(at now: Int64) -> Grade {
      if banEnd > now { return .banned }
      if banCount > 0 { return .formerlyBanned }
      return failures.isEmpty && keyFailures.isEmpty ? .quiet : .failed
    }

    /// True when nothing of it would ever matter again.
    func isForgettable(_ limits: Limits, at now: Int64) -> Bool {
      banEnd <= now && (banCount == 0 || misbehaviorTime + limits.longestBan <= now)
        && (failures + keyFailures).allSatisfy { $0 + limits.window <= now } && bucket.isFull(at: now)
        && room.isFull(at: now) && displacedEnd <= now
    }
  }

  /// Records in the order in which they were seen, the last one first: a list through the records themselves.
  struct RecencyOrder {
    /// No place.
    static let none: Int32 = -1

    private var front = none
    private var back = none

    /// Who was not seen for longest.
    var last: Int32? { back == Self.none ? nil : back }

    /// Puts `place` to the front; it must be in no order.
    mutating func add(_ place: Int32, _ records: inout [Record]) {
      records[Int(place)].previous = Self.none
      records[Int(place)].next = front
      if front == Self.none { back = place } else { records[Int(front)].previous = place }
      front = place
    }

    /// Takes `place`, which must be in this order, out.
    mutating func remove(_ place: Int32, _ records: inout [Record]) {
      let (previous, next) = (records[Int(place)].previous, records[Int(place)].next)
      if previous == Self.none { front = next } else { records[Int(previous)].next = next }
      if next == Self.none { back = previous } else { records[Int(next)].previous = previous }
    }
  }
}
