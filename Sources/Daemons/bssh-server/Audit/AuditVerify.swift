import Audit
import JournalReader
import System

/// `audit verify`: checks the hash chains, and reports what rotation has removed.
enum AuditVerify {
  static func run(_ arguments: Arguments) throws(Failure) {
    let journal = try Journal(try AuditCommand.path(arguments), isSettled: true)
    let style = EventText(arguments, isTerminal: false)
    var isWhole = true
    for files in journal.series {
      if let problem = try check(files, style) {
        isWhole = false
        try Output.write(problem + "\n")
      }
    }
    if journal.files == nil, journal.main.head?.isOfOneSeries == false {
      isWhole = false
      try Output.write("\(JournalSeries.files.path(of: journal.path)): missing\n")
    }
    if !isWhole { throw Failure(.refused) }
  }

  /// Prints what a series contains; returns what is wrong with it.
  private static func check(_ files: JournalFiles, _ style: EventText) throws(Failure) -> String? {
    var chain = Chain<JournalPosition>(head: files.head)
    var problem: String?
    var oldest: JournalLine?
    var reader = SeriesReader(files)
    do throws(ReadError) {
      while problem == nil, let line = try reader.next() {
        if oldest == nil { oldest = try? JournalLine(json: line.bytes) }
        if line.isWhole {
          problem = chain.add(line.bytes, at: line.place).map(Self.text)
        } else if line.place.path == files.path {
          problem = chain.finish(rest: line.place).map(Self.text)
        } else {
          problem = "\(line.place): the file ends within this line"
        }
      }
    } catch {
      // What follows cannot be checked.
      problem = "\(reader.path): \(error.reason)"
    }
    if problem == nil { problem = chain.finish().map(Self.text) }
    if files.head == nil {
      Output.complain([
        "bssh-server: \(files.path).head is missing or damaged: missing lines at either end cannot be detected"
      ])
    }
    if let problem { return problem }
    let range = chain.first.flatMap { first in chain.lastSequence.map { "\(first) to \($0)" } }
    let lines = range.map { "lines \($0)" } ?? "no lines"
    try Output.write("\(files.path): \(files.files.count) file\(files.files.count == 1 ? "" : "s"), \(lines): valid\n")
    try Output.write(removed(files, chain.first, oldest, style))
    return nil
  }

  /// What rotation has removed, and when; empty if nothing.
  private static func removed(
    _ files: JournalFiles, _ first: UInt64?, _ oldest: JournalLine?, _ style: EventText
  ) -> String {
    guard let first = first ?? files.head?.first, first > 1 else { return "" }
    let time = files.head.flatMap { $0.removed > 0 ? style.time($0.removed) : nil }
    var text =
      "\(files.path): " + (first == 2 ? "line 1 was" : "lines 1 to \(first - 1) were") + " removed by rotation, "
    text += time.map { "the last of them on \($0)" } ?? "at an unknown time"
    if let oldest { text += "; the rest begins on \(style.time(oldest.event.time))" }
    return text + "\n"
  }

  /// What is wrong, and where.
  private static func text(_ problem: Chain<JournalPosition>.Finding) -> String {
    let what =
      switch problem.defect {
      case .unreadable(let error): "not a journal line: \(error)"
      case .altered: "altered"
      case .missing(let numbers): "before it, \(lines(numbers)) missing"
      case .reordered(let expected, let found): "number \(found) is in the place of \(expected)"
      case .truncated(let numbers): "at the end, \(lines(numbers)) missing"
      case .torn: "the last line is incomplete"
      }
    return (problem.place.map { "\($0): " } ?? "") + what
  }

  private static func lines(_ numbers: ClosedRange<UInt64>) -> String {
    numbers.count == 1
      ? "line number \(numbers.lowerBound) is" : "lines number \(numbers.lowerBound) to \(numbers.upperBound) are"
  }
}
