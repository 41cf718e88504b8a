extension SourceTable {
  /// How dangerous a source is, the least dangerous grade first.
  enum Grade: Int, CaseIterable {
    /// It has only connected.
    case quiet
    /// It has failed within the window.
    case failed
    /// It was banned, so that its next ban will be longer.
    case formerlyBanned
    case banned
  }

  /// The state of one source.
  struct Record {
    let source: ClientSource
    /// Limits its connections.
    var bucket = TokenBucket()
    /// Limits how often other connections are closed to make room for it.
    var room = TokenBucket()
    /// Until this time no connection is closed to make room for it, because one of its own was.
    var displacedEnd: Int64 = .min
    /// Times of its failures, oldest first. A failure that begins a ban clears them.
    var failures: [Int64] = []
    /// Times of its connections with refused keys only, oldest first.
    var keyFailures: [Int64] = []
    /// End of its last ban.
    var banEnd: Int64 = .min
    /// ``SourceTable/endBan(of:at:)`` has not reported the end of the ban yet.
    var isBanEndUnreported = false
    /// Time of its last failure, or the end of its last ban if later.
    var misbehaviorTime: Int64 = .min
    /// Number of consecutive bans.
    var banCount: Int32 = 0
    // Neighbours in the list of its grade; `RecencyOrder.none` at the ends.
    var previous = RecencyOrder.none
    var next = RecencyOrder.none
    var grade = Grade.quiet

    init(_ source: ClientSource) { self.source = source }

    /// The current grade.
    func grade(at now: Int64) -> Grade {
      if banEnd > now { return .banned }
      if banCount > 0 { return .formerlyBanned }
      return failures.isEmpty && keyFailures.isEmpty ? .quiet : .failed
    }

    /// True if the record can no longer affect any decision.
    func isForgettable(_ limits: Limits, at now: Int64) -> Bool {
      banEnd <= now && (banCount == 0 || misbehaviorTime + limits.maxBanTime <= now)
        && (failures + keyFailures).allSatisfy { $0 + limits.window <= now } && bucket.isFull(at: now)
        && room.isFull(at: now) && displacedEnd <= now
    }
  }

  /// A doubly linked list through the records, most recently used first.
  struct RecencyOrder {
    /// The index that means no record.
    static let none: Int32 = -1

    private var front = none
    private var back = none

    /// The least recently used record.
    var last: Int32? { back == Self.none ? nil : back }

    /// Adds `place` at the front; it must not be in any list.
    mutating func add(_ place: Int32, _ records: inout [Record]) {
      records[Int(place)].previous = Self.none
      records[Int(place)].next = front
      if front == Self.none { back = place } else { records[Int(front)].previous = place }
      front = place
    }

    /// Removes `place`, which must be in this list.
    mutating func remove(_ place: Int32, _ records: inout [Record]) {
      let (previous, next) = (records[Int(place)].previous, records[Int(place)].next)
      if previous == Self.none { front = next } else { records[Int(previous)].next = next }
      if next == Self.none { back = previous } else { records[Int(next)].previous = previous }
    }
  }
}
