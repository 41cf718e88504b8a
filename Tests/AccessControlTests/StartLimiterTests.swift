import AccessControl
import Testing

/// `10.x.y.1`: each in a network of its own.
private func source(_ number: Int) -> ClientSource {
  ClientSource(IPAddress(bytes: [10, UInt8(number >> 8), UInt8(number & 255), 1])!)
}

/// `11.0.x.y`: those with the same `network` in one.
private func neighbor(_ number: Int, network: Int = 0) -> ClientSource {
  ClientSource(IPAddress(bytes: [11, 0, UInt8(network), UInt8(number)])!)
}

@Suite struct StartLimiterTests {
  /// A limiter that gives numbers, and does what it says.
  struct House {
    var limiter: StartLimiter
    var number: UInt64 = 0

    init(_ limits: StartLimiter.Limits) { limiter = StartLimiter(limits: limits) }

    /// A connection comes, with the worst luck; what becomes of it.
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

    /// As many of `count` as are let in, without bad luck.
    mutating func flood(_ source: ClientSource, _ count: Int) -> Int {
      (0..<count).count { _ in come(source, random: 0.999) == .start }
    }

    /// Each of these sources gets a connection that has come so far.
    mutating func fill(_ sources: [ClientSource], to progress: StartProgress = .connected) {
      for source in sources {
        come(source, random: 0.999)
        limiter.advance(number, to: progress)
      }
    }
  }

  private let limits = StartLimiter.Limits(total: 100, perSource: 32)

  @Test func `one source has so many and no more`() {
    var house = House(limits)
    #expect(house.flood(source(1), 200) == 32)
    #expect(house.come(source(1)) == .refuse(.tooManyFromSource))
    house.limiter.finish(1)
    #expect(house.flood(source(1), 200) == 1)
  }

  @Test(arguments: [(100, 32), (100, 99), (500, 499), (20, 32), (10, 1), (4, 4), (3, 3), (2, 2)])
  func `what one source holds never keeps another one out`(total: Int, perSource: Int) {
    var house = House(.init(total: total, perSource: perSource))
    #expect(house.flood(source(1), 2 * total) == min(perSource, total / 2))
    #expect(house.come(source(2)) == .start)
  }

  @Test func `the limit in all holds, from however many sources`() {
    var house = House(limits)
    for number in 0..<1000 { house.come(source(number)) }
    #expect(house.limiter.total == 100)
  }

  @Test func `a newcomer has a place, however many hold one, and never by chance`() {
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

  @Test func `who holds more than their share is dropped early, more and more`() {
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
    // Nobody else is.
    #expect(house.limiter.verdict(on: source(77), isFull: false, random: 0) == .start)
  }

  @Test func `below three tenths nobody is dropped`() {
    var house = House(limits)
    for number in 0..<15 { house.come(source(number)) }
    for _ in 0..<15 { #expect(house.come(source(20)) == .start) }
  }

  @Test func `who is there already is refused in a full house`() {
    var house = House(.init(total: 4, perSource: 2))
    house.fill((1...4).map { source($0) })
    #expect(house.come(source(1)) == .refuse(.tooManyUnauthenticated))
    #expect(house.come(source(1), isFull: true) == .refuse(.maxConnections))
    #expect(house.come(source(5)) == .startInPlace(of: 1))
    #expect(house.limiter.total == 4 && house.limiter.leavingCount == 1)
    house.limiter.finish(1)
    #expect(house.limiter.total == 4 && house.limiter.leavingCount == 0)
  }

  @Test func `a house without a place for anybody makes room among those without a login`() {
    var house = House(limits)
    #expect(house.come(source(1), isFull: true) == .refuse(.maxConnections))
    house.come(source(2))
    #expect(house.come(source(1), isFull: true) == .startInPlace(of: 1))
    house.come(source(3))
    #expect(house.limiter.verdictOnExempt(of: source(1), isFull: false) == .start)
    #expect(house.limiter.verdictOnExempt(of: source(1), isFull: true) == .startInPlace(of: 2))
  }

  // MARK: Who makes room

  @Test func `the longest-waiting one of the source that holds most makes room`() {
    var house = House(.init(total: 10, perSource: 5))
    house.fill([1, 2, 3, 2, 3, 4, 5, 3, 6, 7].map { source($0) })
    #expect(house.come(source(8)) == .startInPlace(of: 3))
    // 2 and 3 hold two each now.
    #expect(house.come(source(9)) == .startInPlace(of: 2))
  }

  @Test func `of a network whose sources hold one each, the longest-waiting one makes room`() {
    var house = House(.init(total: 10, perSource: 5))
    house.fill([source(1), source(1), source(1)] + (1...6).map { neighbor($0) } + [source(2)])
    #expect(house.come(source(3)) == .startInPlace(of: 4))
    #expect(house.come(neighbor(7)) == .startInPlace(of: 5))
  }

  @Test func `a /48 of IPv6 is one network, and each /64 in it a source`() throws {
    let address = { (text: String) in ClientSource(IPAddress(text)!) }
    #expect(address("2001:db8:1:2::3").network == AddressRange(around: IPAddress("2001:db8:1::")!, prefixLength: 48))
    #expect(address("::ffff:192.0.2.7").network.description == "192.0.2.0/24")
    var house = House(.init(total: 6, perSource: 3))
    house.fill([source(1), source(2)] + (1...4).map { address("2001:db8:1:\($0)::1") })
    #expect(house.come(address("2001:db8:1:9::1")) == .startInPlace(of: 3))
    #expect(house.come(address("2001:db8:2::1")) == .startInPlace(of: 4))
  }

  @Test func `who has come less far makes room first, whoever holds most`() {
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

  @Test func `who asked for a login makes room only in a crowd`() {
    var house = House(.init(total: 12, perSource: 6))
    // Six of one network, more than its share of 12 / 7, and the others one each.
    house.fill((1...6).map { neighbor($0) } + (1...6).map { source($0) }, to: .asked)
    #expect(house.come(neighbor(9)) == .refuse(.tooManyUnauthenticated))
    #expect(house.come(source(9)) == .startInPlace(of: 1))
    house.limiter.advance(house.number, to: .asked)
    // Five are no crowd.
    #expect(house.come(source(10)) == .refuse(.tooManyUnauthenticated))
  }

  @Test func `a share of those who asked is no crowd`() {
    var house = House(.init(total: 20, perSource: 10))
    for network in 0..<2 { house.fill((1...8).map { neighbor($0, network: network) }, to: .asked) }
    house.fill((1...4).map { source($0) }, to: .settled)
    // Three networks with the newcomer's: six each.
    #expect(house.come(source(9)) == .startInPlace(of: 1))
    house = House(.init(total: 24, perSource: 10))
    for network in 0..<2 { house.fill((1...8).map { neighbor($0, network: network) }, to: .asked) }
    house.fill((1...8).map { source($0) }, to: .settled)
    #expect(house.come(source(9)) == .refuse(.tooManyUnauthenticated))
  }

  @Test func `nobody who has passed a step or is exempt makes room`() {
    var house = House(.init(total: 4, perSource: 2))
    house.fill([source(1), source(1), source(2)], to: .settled)
    house.limiter.startExempt(99)
    #expect(house.come(source(3)) == .refuse(.tooManyUnauthenticated))
    #expect(house.limiter.count(of: source(1)) == 2 && house.limiter.total == 4)
    house.limiter.finish(99)
    #expect(house.come(source(3)) == .start)
  }

  @Test func `no more than the limit are leaving at a time`() {
    var house = House(.init(total: 3, perSource: 1))
    house.fill((1...3).map { source($0) })
    for number in 4...6 { #expect(house.come(source(number)) == .startInPlace(of: UInt64(number - 3))) }
    #expect(house.come(source(7)) == .refuse(.tooManyUnauthenticated))
    house.limiter.finish(2)
    #expect(house.come(source(7)) == .startInPlace(of: 4))
  }

  @Test func `who finished counts no more, and nobody finishes twice`() {
    var house = House(limits)
    for _ in 0..<5 { house.come(source(1)) }
    for number in [1, 2, 2, 3, 77, 4, 5, 5] as [UInt64] { house.limiter.finish(number) }
    #expect(house.limiter.total == 0 && house.limiter.count(of: source(1)) == 0)
    house.limiter.leave(1)
    house.limiter.advance(1, to: .asked)
    #expect(house.limiter.total == 0 && house.limiter.leavingCount == 0)
  }

  // MARK: The naive model

  /// The same rules, with a look at everybody.
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
      // For each network, how many it has, and who would go.
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
  func `whatever comes, the limiter decides as one that looks at everybody`(seed: UInt64) {
    var random = Generator(seed: seed)
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
    // With few limits that are narrow, room is seldom made; but it is.
    #expect(rooms > 20)
  }

  @Test(.timeLimit(.minutes(5))) func `a crowd as large as can be costs no more than a moment`() {
    var house = House(.init(total: 65_536, perSource: 32))
    for number in 0..<65_536 {
      house.come(ClientSource(IPAddress(bytes: [10, UInt8(number >> 8), UInt8(number & 255), 1])!))
    }
    // A look at everybody for each of them would take longer than this test may.
    for number in 0..<10_000 { house.come(neighbor(number & 255, network: number >> 8)) }
    #expect(house.limiter.total == 65_536)
  }
}
