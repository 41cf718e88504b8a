import AccessControl
import TestSupport
import Testing

/// `10.x.y.1`: each in its own network.
private func source(_ number: Int) -> ClientSource {
  ClientSource(IPAddress(bytes: [10, UInt8(number >> 8), UInt8(number & 255), 1])!)
}

/// `11.0.x.y`: sources in one network for each value of `network`.
private func neighbor(_ number: Int, network: Int = 0) -> ClientSource {
  ClientSource(IPAddress(bytes: [11, 0, UInt8(network), UInt8(number)])!)
}

@Suite struct StartLimiterTests {
  /// A limiter that assigns numbers and carries out its decisions.
  struct House {
    var limiter: StartLimiter
    var number: UInt64 = 0

    init(_ limits: StartLimiter.Limits) { limiter = StartLimiter(limits: limits) }

    /// A connection arrives, by default with the random number most likely to drop it. Returns the decision.
    @discardableResult
    mutating func come(_ source: ClientSource, isFull: Bool = false, random: Double = 0) -> StartLimiter.Verdict {
      let verdict = limiter.verdict(on: source, isFull: isFull, random: random)
      switch verdict {
      case .start: break
      case .startInPlace(let other): limiter.leave(other)
      case .refuse: return verdict
      }
      number += 1
      limiter.start(number, of: source)
      return verdict
    }

    /// How many of `count` connections are admitted without random drop.
    mutating func flood(_ source: ClientSource, _ count: Int) -> Int {
      (0..<count).count { _ in come(source, random: 0.999) == .start }
    }

    /// Adds a connection with this progress for each source.
    mutating func fill(_ sources: [ClientSource], to progress: StartProgress = .connected) {
      for source in sources {
        come(source, random: 0.999)
        limiter.advance(number, to: progress)
      }
    }
  }

  private let limits = StartLimiter.Limits(total: 100, perSource: 32)

  @Test func `the number of connections of one source is limited`() {
    var house = House(limits)
    #expect(house.flood(source(1), 200) == 32)
    #expect(house.come(source(1)) == .refuse(.tooManyFromSource))
    house.limiter.finish(1)
    #expect(house.flood(source(1), 200) == 1)
  }

  @Test(arguments: [(100, 32), (100, 99), (500, 499), (20, 32), (10, 1), (4, 4), (3, 3), (2, 2)])
  func `connections of one source never keep another source out`(total: Int, perSource: Int) {
    var house = House(.init(total: total, perSource: perSource))
    #expect(house.flood(source(1), 2 * total) == min(perSource, total / 2))
    #expect(house.come(source(2)) == .start)
  }

  @Test func `the total limit holds for any number of sources`() {
    var house = House(limits)
    for number in 0..<1000 { house.come(source(number)) }
    #expect(house.limiter.total == 100)
  }

  @Test func `a newcomer is admitted at any load and never dropped at random`() {
    var house = House(.init(total: 1200, perSource: 32))
    for number in 0..<100 { #expect(house.flood(source(number), 10) == 10) }
    for number in 100..<120 { #expect(house.come(source(number)) == .start) }
    house.fill((120..<1000).map { source($0) })
    #expect(house.limiter.total == 1200)
    guard case .startInPlace = house.come(source(2000)) else {
      Issue.record("refused")
      return
    }
  }

  @Test func `a source that exceeds its share is dropped with growing probability`() {
    var house = House(limits)
    // 13 sources: a share of 7.
    for number in 1...12 { _ = house.flood(source(number), 3) }
    _ = house.flood(source(0), 6)
    #expect(house.come(source(0)) == .start)
    for (total, share) in [(43, 13.0 / 70), (65, 0.5), (99, 69.0 / 70)] {
      while house.limiter.total < total { house.fill([source(1 + house.limiter.total % 12)]) }
      let refused = (0..<70).count {
        house.limiter.verdict(on: source(0), isFull: false, random: Double($0) / 70) != .start
      }
      #expect(refused == Int((share * 70).rounded()), "\(total)")
    }
    // Other sources are not dropped.
    #expect(house.limiter.verdict(on: source(77), isFull: false, random: 0) == .start)
  }

  @Test func `below three tenths of the limit no connection is dropped`() {
    var house = House(limits)
    for number in 0..<15 { house.come(source(number)) }
    for _ in 0..<15 { #expect(house.come(source(20)) == .start) }
  }

  @Test func `a source with a connection is refused when the limit is reached`() {
    var house = House(.init(total: 4, perSource: 2))
    house.fill((1...4).map { source($0) })
    #expect(house.come(source(1)) == .refuse(.tooManyUnauthenticated))
    #expect(house.come(source(1), isFull: true) == .refuse(.maxConnections))
    #expect(house.come(source(5)) == .startInPlace(of: 1))
    #expect(house.limiter.total == 4 && house.limiter.leavingCount == 1)
    house.limiter.finish(1)
    #expect(house.limiter.total == 4 && house.limiter.leavingCount == 0)
  }

  @Test func `at the limit on all connections one without a login is displaced`() {
    var house = House(limits)
    #expect(house.come(source(1), isFull: true) == .refuse(.maxConnections))
    house.come(source(2))
    #expect(house.come(source(1), isFull: true) == .startInPlace(of: 1))
    house.come(source(3))
    #expect(house.limiter.verdictOnExempt(of: source(1), isFull: false) == .start)
    #expect(house.limiter.verdictOnExempt(of: source(1), isFull: true) == .startInPlace(of: 2))
  }

  // MARK: Which connection is displaced

  @Test func `the oldest connection of the source with the most connections is displaced`() {
    var house = House(.init(total: 10, perSource: 5))
    house.fill([1, 2, 3, 2, 3, 4, 5, 3, 6, 7].map { source($0) })
    #expect(house.come(source(8)) == .startInPlace(of: 3))
    // Sources 2 and 3 now have two connections each.
    #expect(house.come(source(9)) == .startInPlace(of: 2))
  }

  @Test func `the oldest connection of the largest network is displaced even if its sources have one each`() {
    var house = House(.init(total: 10, perSource: 5))
    house.fill([source(1), source(1), source(1)] + (1...6).map { neighbor($0) } + [source(2)])
    #expect(house.come(source(3)) == .startInPlace(of: 4))
    #expect(house.come(neighbor(7)) == .startInPlace(of: 5))
  }

  @Test func `an IPv6 /48 is one network and each /64 in it a source`() throws {
    let address = { (text: String) in ClientSource(IPAddress(text)!) }
    #expect(address("2001:db8:1:2::3").network == AddressRange(around: IPAddress("2001:db8:1::")!, prefixLength: 48))
    #expect(address("::ffff:192.0.2.7").network.description == "192.0.2.0/24")
    var house = House(.init(total: 6, perSource: 3))
    house.fill([source(1), source(2)] + (1...4).map { address("2001:db8:1:\($0)::1") })
    #expect(house.come(address("2001:db8:1:9::1")) == .startInPlace(of: 3))
    #expect(house.come(address("2001:db8:2::1")) == .startInPlace(of: 4))
  }

  @Test func `connections with the least progress are displaced first regardless of their numbers`() {
    var house = House(.init(total: 6, perSource: 3))
    house.fill([source(1), source(1)], to: .asked)
    house.fill([source(2), source(2)], to: .keyExchange)
    house.fill([source(3), source(4)])
    #expect(house.come(source(5)) == .startInPlace(of: 5))
    #expect(house.come(source(6)) == .startInPlace(of: 6))
    for number in UInt64(7)...8 { house.limiter.advance(number, to: .asked) }
    #expect(house.come(source(7)) == .startInPlace(of: 3))
    house.limiter.advance(9, to: .asked)
    #expect(house.come(source(8)) == .startInPlace(of: 4))
  }

  @Test func `connections that requested a login are displaced only in a crowd`() {
    var house = House(.init(total: 12, perSource: 6))
    // Six in one network, more than its share of 12 / 7, and one in each of the others.
    house.fill((1...6).map { neighbor($0) } + (1...6).map { source($0) }, to: .asked)
    #expect(house.come(neighbor(9)) == .refuse(.tooManyUnauthenticated))
    #expect(house.come(source(9)) == .startInPlace(of: 1))
    house.limiter.advance(house.number, to: .asked)
    // Five are not a crowd.
    #expect(house.come(source(10)) == .refuse(.tooManyUnauthenticated))
  }

  @Test func `connections within the share of their network are not a crowd`() {
    var house = House(.init(total: 20, perSource: 10))
    for network in 0..<2 { house.fill((1...8).map { neighbor($0, network: network) }, to: .asked) }
    house.fill((1...4).map { source($0) }, to: .settled)
    // Three networks with that of the newcomer: six each.
    #expect(house.come(source(9)) == .startInPlace(of: 1))
    house = House(.init(total: 24, perSource: 10))
    for network in 0..<2 { house.fill((1...8).map { neighbor($0, network: network) }, to: .asked) }
    house.fill((1...8).map { source($0) }, to: .settled)
    #expect(house.come(source(9)) == .refuse(.tooManyUnauthenticated))
  }

  @Test func `connections that passed a step or are exempt are never displaced`() {
    var house = House(.init(total: 4, perSource: 2))
    house.fill([source(1), source(1), source(2)], to: .settled)
    house.limiter.startExempt(99)
    #expect(house.come(source(3)) == .refuse(.tooManyUnauthenticated))
    #expect(house.limiter.count(of: source(1)) == 2 && house.limiter.total == 4)
    house.limiter.finish(99)
    #expect(house.come(source(3)) == .start)
  }

  @Test func `the number of displaced connections that are not closed yet is limited`() {
    var house = House(.init(total: 3, perSource: 1))
    house.fill((1...3).map { source($0) })
    for number in 4...6 { #expect(house.come(source(number)) == .startInPlace(of: UInt64(number - 3))) }
    #expect(house.come(source(7)) == .refuse(.tooManyUnauthenticated))
    house.limiter.finish(2)
    #expect(house.come(source(7)) == .startInPlace(of: 4))
  }

  @Test func `a finished connection is not counted and cannot finish twice`() {
    var house = House(limits)
    for _ in 0..<5 { house.come(source(1)) }
    for number in [1, 2, 2, 3, 77, 4, 5, 5] as [UInt64] { house.limiter.finish(number) }
    #expect(house.limiter.total == 0 && house.limiter.count(of: source(1)) == 0)
    house.limiter.leave(1)
    house.limiter.advance(1, to: .asked)
    #expect(house.limiter.total == 0 && house.limiter.leavingCount == 0)
  }

  // MARK: The naive model

  /// The same rules by exhaustive search.
  private struct Model {
    struct Connection {
      let number: UInt64
      let source: ClientSource
      var progress: StartProgress
    }

    var limits: StartLimiter.Limits
    var waiting: [Connection] = []
    var exempt: Set<UInt64> = []
    var leaving: Set<UInt64> = []

    var total: Int { waiting.count + exempt.count }

    func verdict(_ source: ClientSource, isFull: Bool, random: Double) -> StartLimiter.Verdict {
      let own = waiting.count { $0.source == source }
      if own >= limits.perSource { return .refuse(.tooManyFromSource) }
      if !isFull, total < limits.total {
        let share = max(limits.total / Set(waiting.map(\.source) + [source]).count, 1)
        let start = limits.total * 3 / 10
        let isDropped = own + 1 > share && random * Double(limits.total - start) < Double(total - start)
        return isDropped ? .refuse(.tooManyUnauthenticated) : .start
      }
      if own == 0, let other = candidate(source) { return .startInPlace(of: other) }
      return .refuse(isFull ? .maxConnections : .tooManyUnauthenticated)
    }

    func candidate(_ newcomer: ClientSource) -> UInt64? {
      guard leaving.count < limits.total, let least = waiting.map(\.progress.rawValue).min(),
        least < StartProgress.settled.rawValue
      else { return nil }
      let crowd = waiting.filter { $0.progress.rawValue == least }
      func held(by source: ClientSource) -> [UInt64] { crowd.filter { $0.source == source }.map(\.number) }
      // The number of connections in each network, and the one that would be displaced.
      let networks = Set(crowd.map(\.source.network)).map { network in
        let own = crowd.filter { $0.source.network == network }
        let most = own.map { held(by: $0.source).count }.max() ?? 0
        let oldest = own.filter { held(by: $0.source).count == most }.map(\.number).min() ?? 0
        return (network: network, count: own.count, oldest: oldest)
      }
      let largest = networks.max { ($0.count, $1.oldest) < ($1.count, $0.oldest) }
      guard let largest else { return nil }
      if least == StartProgress.asked.rawValue {
        let share = limits.total / Set(networks.map(\.network) + [newcomer.network]).count
        guard largest.network != newcomer.network, largest.count > share, largest.count > 5 else { return nil }
      }
      return largest.oldest
    }
  }

  @Test(arguments: [3, 5, 8, 13, 21, 34] as [UInt64])
  func `random events are decided as by exhaustive search`(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var limiter = StartLimiter(limits: .init(total: 30, perSource: 9))
    var model = Model(limits: limiter.limits)
    let sources =
      (0..<6).map { source($0) } + (0..<6).map { neighbor($0) } + (0..<5).map { neighbor($0, network: 1) }
      + (0..<4).map { ClientSource(IPAddress("2001:db8:0:\($0)::1")!) }
    var (number, rooms) = (UInt64(0), 0)
    for step in 0..<6000 {
      if step % 700 == 699 {
        limiter.limits = .init(
          total: .random(in: 1...60, using: &random), perSource: .random(in: 1...30, using: &random))
        model.limits = limiter.limits
      }
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        number += 1
        let source = sources.randomElement(using: &random)!
        let (isFull, chance) = (Int.random(in: 0..<20, using: &random) == 0, Double.random(in: 0..<1, using: &random))
        let verdict = limiter.verdict(on: source, isFull: isFull, random: chance)
        #expect(verdict == model.verdict(source, isFull: isFull, random: chance))
        if case .refuse = verdict { continue }
        if case .startInPlace(let other) = verdict {
          rooms += 1
          limiter.leave(other)
          model.waiting.removeAll { $0.number == other }
          model.leaving.insert(other)
        }
        limiter.start(number, of: source)
        model.waiting.append(.init(number: number, source: source, progress: .connected))
      case 5..<8:
        guard let index = model.waiting.indices.randomElement(using: &random) else { continue }
        let progress = StartProgress.allCases.randomElement(using: &random)!
        model.waiting[index].progress = progress
        limiter.advance(model.waiting[index].number, to: progress)
      case 8:
        let gone = (model.waiting.map(\.number) + model.exempt.sorted() + model.leaving.sorted())
          .randomElement(using: &random)
        guard let gone else { continue }
        limiter.finish(gone)
        model.waiting.removeAll { $0.number == gone }
        model.exempt.remove(gone)
        model.leaving.remove(gone)
      default:
        if model.exempt.count < 3 {
          number += 1
          limiter.startExempt(number)
          model.exempt.insert(number)
        }
        if let gone = model.leaving.sorted().first {
          limiter.finish(gone)
          model.leaving.remove(gone)
        }
      }
      #expect(limiter.total == model.total && limiter.leavingCount == model.leaving.count)
    }
    // With few and narrow limits connections are seldom displaced, but some are.
    #expect(rooms > 20)
  }

  @Test(.timeLimit(.minutes(5))) func `the largest possible crowd is handled quickly`() {
    var house = House(.init(total: 65_536, perSource: 32))
    for number in 0..<65_536 {
      house.come(ClientSource(IPAddress(bytes: [10, UInt8(number >> 8), UInt8(number & 255), 1])!))
    }
    // An exhaustive search for each connection would exceed the time limit.
    for number in 0..<10_000 { house.come(neighbor(number & 255, network: number >> 8)) }
    #expect(house.limiter.total == 65_536)
  }
}
