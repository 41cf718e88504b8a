import AccessControl

/// What waits, in turn for each source: who sends much waits for itself, and nobody else waits for it.
///
/// Memory is bounded. When there is no room, the source that has most loses what came last, so that no source can fill the
/// queue for others.
struct FairQueue<Element: Sendable>: Sendable {
  /// What one source has waiting.
  private struct Line: Sendable {
    let source: ClientSource
    var elements: [Element] = []
    /// In which round it is served.
    var round: UInt64
  }

  private let limit: Int
  /// Of those in the same round, the first has waited longest; none is empty.
  private var lines: [Line] = []
  /// The round of the element that was taken last.
  private var round: UInt64 = 0
  /// Who had a turn in this round: it has its next one in the round after it.
  private var served: Set<ClientSource> = []
  /// How many wait.
  private(set) var count = 0

  /// A queue for at most `limit` elements.
  init(limit: Int) { self.limit = max(limit, 1) }

  /// Adds an element behind the others of its source; returns what had to go for it, which may be the same.
  mutating func add(_ element: Element, from source: ClientSource) -> Element? {
    var dropped: Element?
    if count >= limit, let heaviest = lines.indices.max(by: { lines[$0].elements.count < lines[$1].elements.count }) {
      let own = lines.first { $0.source == source }?.elements.count ?? 0
      guard own < lines[heaviest].elements.count else { return element }
      dropped = lines[heaviest].elements.removeLast()
      count -= 1
      if lines[heaviest].elements.isEmpty { lines.remove(at: heaviest) }
    }
    if let line = lines.firstIndex(where: { $0.source == source }) {
      lines[line].elements.append(element)
    } else {
      lines.append(Line(source: source, elements: [element], round: served.contains(source) ? round + 1 : round))
    }
    count += 1
    return dropped
  }

  /// Takes out the next element of the source whose turn it is, of those that `mayBeServed`; of several in one round, of
  /// one whose next element `isQuick`.
  mutating func next(_ mayBeServed: (ClientSource) -> Bool, isQuick: (Element) -> Bool = { _ in true }) -> Element? {
    let candidates = lines.indices.filter { mayBeServed(lines[$0].source) }
    guard let soonest = candidates.map({ lines[$0].round }).min() else { return nil }
    let turns = candidates.filter { lines[$0].round == soonest }
    guard let index = turns.first(where: { isQuick(lines[$0].elements[0]) }) ?? turns.first else { return nil }
    var line = lines.remove(at: index)
    let element = line.elements.removeFirst()
    if line.round > round || served.count >= limit {
      round = max(round + 1, line.round)
      served = []
    }
    served.insert(line.source)
    line.round = round + 1
    if !line.elements.isEmpty { lines.append(line) }
    count -= 1
    return element
  }

  /// Takes out all that `isOver`.
  mutating func removeAll(_ isOver: (Element) -> Bool) {
    for index in lines.indices { lines[index].elements.removeAll(where: isOver) }
    lines.removeAll { $0.elements.isEmpty }
    count = lines.reduce(0) { $0 + $1.elements.count }
  }
}
