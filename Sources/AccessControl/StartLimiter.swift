/// Limits connections that have not logged in yet, in all and from one source.
///
/// From three tenths of the limit on, some connections are refused at random, more and more, so that in a flood from many
/// sources somebody else still has a chance. For others than itself a source weighs at most a tenth of the limit there:
/// what one source holds never keeps another one out.
public struct StartLimiter: Sendable {
  /// How many connections may be without a login.
  public struct Limits: Equatable, Sendable {
    /// In all.
    public var total: Int
    /// From one source: never more than half of all.
    public var perSource: Int

    public init(total: Int, perSource: Int) {
      self.total = max(total, 1)
      self.perSource = min(max(perSource, 1), max(total / 2, 1))
    }
  }

  public var limits: Limits { didSet { weight = counts.values.reduce(0) { $0 + min($1, heaviest) } } }
  private var counts: [ClientSource: Int] = [:]
  /// Connections without a login.
  public private(set) var total = 0
  /// Of all of them, no source counting for more than ``heaviest``.
  private var weight = 0

  public init(limits: Limits) { self.limits = limits }

  /// What one source weighs for others at most.
  private var heaviest: Int { max(limits.total / 10, 1) }

  /// Whether one more connection may start. `random`: from 0 up to, but not including, 1.
  public func refusal(of source: ClientSource, random: Double) -> Refusal? {
    let own = count(of: source)
    if own >= limits.perSource { return .tooManyFromSource }
    if total >= limits.total { return .tooManyUnauthenticated }
    let start = max(limits.total * 3 / 10, heaviest)
    let excess = own + weight - min(own, heaviest) - start
    return random * Double(limits.total - start) < Double(excess) ? .tooManyUnauthenticated : nil
  }

  /// A connection of `source` starts.
  public mutating func start(_ source: ClientSource) {
    let count = count(of: source)
    counts[source] = count + 1
    total += 1
    if count < heaviest { weight += 1 }
  }

  /// A connection that started has logged in, or is over.
  public mutating func finish(_ source: ClientSource) {
    let count = count(of: source)
    guard count > 0 else { return }
    counts[source] = count > 1 ? count - 1 : nil
    total -= 1
    if count <= heaviest { weight -= 1 }
  }

  /// Connections from `source` that have not logged in.
  public func count(of source: ClientSource) -> Int { counts[source] ?? 0 }
}
