/// Verifies a journal: reads its lines, oldest first, and reports the first fault.
///
/// Every line contains its number and the hash of the previous line; the ``ChainHead`` contains those of the last line.
/// This does not protect against someone who can rewrite all of these files; a comparison with exported events does.
public struct Chain<Place: Sendable>: Sendable {
  /// What is wrong.
  public enum Defect: Equatable, Sendable {
    /// The line is not a valid journal line.
    case unreadable(JournalLineError)
    /// The line has been changed.
    case altered
    /// The lines with these numbers are missing before this one.
    case missing(ClosedRange<UInt64>)
    /// The line is in the wrong position, and its own position does not contain it.
    case reordered(expected: UInt64, found: UInt64)
    /// The lines with these numbers are missing at the end.
    case truncated(ClosedRange<UInt64>)
    /// The last line is incomplete.
    case torn
  }

  /// The first fault of the journal.
  public struct Finding: Sendable {
    /// The line with the fault; nil: the end of the journal.
    public var place: Place?
    /// What is wrong with it.
    public var defect: Defect
  }

  private struct Link {
    var place: Place
    var sequence: UInt64
    var previous: LineHash
    var hash: LineHash
  }

  private let head: ChainHead?
  /// The last line that continues the chain.
  private var last: Link?
  /// The first line, while it is the only one.
  private var firstLine: JournalLine?
  /// A line that does not continue the chain. The next line shows what is wrong.
  private var suspect: (link: Link, line: JournalLine)?
  private var problem: Finding?

  /// The number of lines that have been read.
  public private(set) var count: UInt64 = 0
  /// The number in the first line; nil before it has been read.
  public private(set) var first: UInt64?

  /// - Parameter head: without it, the last line is not verified, and missing lines at the start or end are not
  ///   detected.
  public init(head: ChainHead?) { self.head = head }

  /// Verifies the next line, without its newline. After the first fault, all calls return that fault.
  public mutating func add(_ bytes: ArraySlice<UInt8>, at place: Place) -> Finding? {
    if problem == nil { problem = check(bytes, place) }
    return problem
  }

  /// Ends the verification. `rest`: the place of bytes after the last newline; nil if there are none.
  public mutating func finish(rest: Place? = nil) -> Finding? {
    if problem == nil { problem = checkEnd(rest) }
    return problem
  }

  /// The number of the last valid line; nil if there is none.
  public var lastSequence: UInt64? { last?.sequence }

  private mutating func check(_ bytes: ArraySlice<UInt8>, _ place: Place) -> Finding? {
    count += 1
    let line: JournalLine
    do throws(JournalLineError) { line = try JournalLine(json: bytes) } catch {
      return finding(next: nil) ?? Finding(place: place, defect: .unreadable(error))
    }
    let link = Link(
      place: place, sequence: line.sequence, previous: line.previous, hash: LineHash(of: bytes))
    if first == nil { first = line.sequence }
    if suspect != nil { return finding(next: link) }
    guard fits(link) else {
      suspect = (link, line)
      return nil
    }
    firstLine = last == nil ? line : nil
    last = link
    guard let head, head.last == link.sequence, head.hash != link.hash else { return nil }
    return Finding(place: place, defect: .altered)
  }

  private mutating func checkEnd(_ rest: Place?) -> Finding? {
    if let problem = finding(next: nil) { return problem }
    if let rest { return Finding(place: rest, defect: .torn) }
    guard let head else { return nil }
    let end = last?.sequence ?? head.first - 1
    return head.last > end ? Finding(place: nil, defect: .truncated(end + 1...head.last)) : nil
  }

  private func fits(_ link: Link) -> Bool {
    if let last { return link.sequence == last.sequence &+ 1 && link.previous == last.hash }
    if link.sequence == 1 { return link.previous == .none }
    // Lines older than the head states may exist for a moment during a rotation.
    return head.map { link.sequence <= $0.first } ?? true
  }

  /// The fault of the line that does not continue the chain, with regard to the line that follows it.
  private func finding(next: Link?) -> Finding? {
    guard let (link, line) = suspect else { return nil }
    let expected = last.map { $0.sequence &+ 1 } ?? head?.first ?? 1
    // The hash that the line must have according to the next line or the head, if either states it.
    let proved =
      next.flatMap { $0.sequence == expected &+ 1 ? $0.previous : nil }
      ?? head.flatMap { $0.last == expected ? $0.hash : nil }
    guard link.sequence == expected else { return finding(link, line, number: expected, next, proved) }
    // The number is right and the hash of the previous line is not: one of the two lines was changed.
    guard let last else { return Finding(place: link.place, defect: .altered) }
    var original = line
    original.previous = last.hash
    let isThis = proved != link.hash && proved == LineHash(of: original.json[...])
    return Finding(place: isThis ? link.place : last.place, defect: .altered)
  }

  /// The fault of a line with an unexpected number.
  private func finding(
    _ link: Link, _ line: JournalLine, number expected: UInt64, _ next: Link?, _ proved: LineHash?
  ) -> Finding {
    if var first = firstLine, let last {
      first.sequence = link.sequence &- 1
      if LineHash(of: first.json[...]) == link.previous { return Finding(place: last.place, defect: .altered) }
    }
    var original = line
    original.sequence = expected
    let fitsBefore = last.map { link.previous == $0.hash } ?? false
    let fitsBehind = LineHash(of: original.json[...]) == proved
    let defect: Defect =
      if fitsBefore || fitsBehind {
        .altered
      } else if link.sequence > expected, next.map({ $0.sequence > link.sequence }) ?? true {
        .missing(expected...link.sequence - 1)
      } else {
        .reordered(expected: expected, found: link.sequence)
      }
    return Finding(place: link.place, defect: defect)
  }
}
