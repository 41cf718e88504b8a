/// Looks whether a journal is what was written: reads its lines, oldest first, and names the first that is bad.
///
/// Every line holds its number and the hash of the line before, and the ``ChainHead`` those of the last line. Whoever
/// can write all of these files can make up another journal; what the exporters have sent away shows that.
public struct Chain<Place: Sendable>: Sendable {
  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// The line is none of a journal.
    case unreadable(JournalLineError)
    /// The line is not the one that was written.
    case altered
    /// Before this line, those with these numbers are missing.
    case missing(ClosedRange<UInt64>)
    /// The line stands where another must, and is in its place nowhere.
    case reordered(expected: UInt64, found: UInt64)
    /// The journal ends without the lines that have these numbers.
    case truncated(ClosedRange<UInt64>)
    /// The last line is not whole.
    case torn
  }

  /// The first thing that is wrong, and in which line; nil: at the end.
  public struct Problem: Sendable {
    public var place: Place?
    public var fault: Fault
  }

  private struct Link {
    var place: Place
    var sequence: UInt64
    var previous: LineHash
    var hash: LineHash
  }

  private let head: ChainHead?
  /// The last line that fits to the one before it.
  private var last: Link?
  /// The first line, as long as it is that.
  private var firstLine: JournalLine?
  /// A line that does not fit. What is wrong shows with the next one.
  private var suspect: (link: Link, line: JournalLine)?
  private var problem: Problem?

  /// Lines that were read.
  public private(set) var count: UInt64 = 0
  /// The number of the first line.
  public private(set) var first: UInt64?

  /// - Parameter head: without it nothing proves the last line, and that there is none before the first and behind
  ///   the last.
  public init(head: ChainHead?) { self.head = head }

  /// Takes the next line, without its newline. Once there is a problem, it stays.
  public mutating func add(_ bytes: ArraySlice<UInt8>, at place: Place) -> Problem? {
    if problem == nil { problem = check(bytes, place) }
    return problem
  }

  /// Ends the journal. `rest`: bytes behind the last newline, and where they are.
  public mutating func finish(rest: Place? = nil) -> Problem? {
    if problem == nil { problem = checkEnd(rest) }
    return problem
  }

  /// The number of the last line that was good.
  public var lastSequence: UInt64? { last?.sequence }

  private mutating func check(_ bytes: ArraySlice<UInt8>, _ place: Place) -> Problem? {
    count += 1
    let line: JournalLine
    do throws(JournalLineError) { line = try JournalLine(json: bytes) } catch {
      return judge(next: nil) ?? Problem(place: place, fault: .unreadable(error))
    }
    let link = Link(
      place: place, sequence: line.sequence, previous: line.previous, hash: LineHash(of: bytes))
    if first == nil { first = line.sequence }
    if suspect != nil { return judge(next: link) }
    guard fits(link) else {
      suspect = (link, line)
      return nil
    }
    firstLine = last == nil ? line : nil
    last = link
    guard let head, head.last == link.sequence, head.hash != link.hash else { return nil }
    return Problem(place: place, fault: .altered)
  }

  private mutating func checkEnd(_ rest: Place?) -> Problem? {
    if let problem = judge(next: nil) { return problem }
    if let rest { return Problem(place: rest, fault: .torn) }
    guard let head else { return nil }
    let end = last?.sequence ?? head.first - 1
    return head.last > end ? Problem(place: nil, fault: .truncated(end + 1...head.last)) : nil
  }

  private func fits(_ link: Link) -> Bool {
    if let last { return link.sequence == last.sequence &+ 1 && link.previous == last.hash }
    if link.sequence == 1 { return link.previous == .none }
    // Older lines may be there for a moment while files are rotated.
    return head.map { link.sequence <= $0.first } ?? true
  }

  /// What is wrong with the line that does not fit, now that it is known what follows it.
  private func judge(next: Link?) -> Problem? {
    guard let (link, line) = suspect else { return nil }
    let expected = last.map { $0.sequence &+ 1 } ?? head?.first ?? 1
    // What the line must have as its hash, if the next one or the head can say so.
    let proved =
      next.flatMap { $0.sequence == expected &+ 1 ? $0.previous : nil }
      ?? head.flatMap { $0.last == expected ? $0.hash : nil }
    guard link.sequence == expected else { return judge(link, line, number: expected, next, proved) }
    // The number is right and the hash is not: either the line before was altered, or the hash in this one.
    guard let last else { return Problem(place: link.place, fault: .altered) }
    var original = line
    original.previous = last.hash
    let isThis = proved != link.hash && proved == LineHash(of: original.json[...])
    return Problem(place: isThis ? link.place : last.place, fault: .altered)
  }

  /// The same, when the number is wrong.
  private func judge(
    _ link: Link, _ line: JournalLine, number expected: UInt64, _ next: Link?, _ proved: LineHash?
  ) -> Problem {
    if var first = firstLine, let last {
      first.sequence = link.sequence &- 1
      if LineHash(of: first.json[...]) == link.previous { return Problem(place: last.place, fault: .altered) }
    }
    var original = line
    original.sequence = expected
    let fitsBefore = last.map { link.previous == $0.hash } ?? false
    let fitsBehind = LineHash(of: original.json[...]) == proved
    let fault: Fault =
      if fitsBefore || fitsBehind {
        .altered
      } else if link.sequence > expected, next.map({ $0.sequence > link.sequence }) ?? true {
        .missing(expected...link.sequence - 1)
      } else {
        .reordered(expected: expected, found: link.sequence)
      }
    return Problem(place: link.place, fault: fault)
  }
}
