import AccessControl

/// A bounded queue, served round-robin per source.
///
/// When the queue is full, the source with the most elements loses its newest one, so that no source can fill the queue
/// for others.
struct FairQueue<Element: Sendable>: Sendable {
  /// The elements of one source.
  private struct Line: Sendable {
    let source: ClientSource
    var elements: [Element] = []
    /// The round in which it is served next.
    var round: UInt64
  }

  private let limit: Int
  /// None is empty. Of those with the same round, the first has waited longest.
  private var lines: [Line] = []
  /// The round of the element that was removed last.
  private var round: UInt64 = 0
  /// The sources that were served in this round; their next turn is in the next round.
  private var served: Set<ClientSource> = []
  /// The number of elements.
  private(set) var count = 0

  /// A queue for at most `limit` elements.
  init(limit: Int) { self.limit = max(limit, 1) }

  /// Appends an element to those of its source; returns the element that was dropped for it, which may be itself.
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

  /// Removes and returns the next element, of the sources for which `mayBeServed` returns true. Of several sources in one
  /// round, one whose next element `isQuick` comes first.
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

  /// Removes all elements for which `isOver` returns true.
  mutating func removeAll(_ isOver: (Element) -> Bool) {
    for index in lines.indices { lines[index].elements.removeAll(where: isOver) }
    lines.removeAll { $0.elements.isEmpty }
    count = lines.reduce(0) { $0 + $1.elements.count }
  }
}
