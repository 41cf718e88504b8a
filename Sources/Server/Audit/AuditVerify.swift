import Audit
import System

/// `audit verify`: is the journal what was written?
enum AuditVerify {
  static func run(_ arguments: Arguments) throws(Failure) {
    let path = try AuditCommand.path(arguments)
    let files = try JournalFiles(path, isSettled: true)
    var chain = Chain<JournalPlace>(head: files.head)
    var problem: String?
    var reader = JournalReader(files)
    do throws(RegularFile.Unreadable) {
      while problem == nil, let line = try reader.next() {
        if line.isWhole {
          problem = chain.add(line.bytes, at: line.place).map(Self.text)
        } else if line.place.path == path {
          problem = chain.finish(rest: line.place).map(Self.text)
        } else {
          problem = "\(line.place): the file ends in the middle of it"
        }
      }
    } catch {
      // What is behind cannot be looked at.
      problem = "\(reader.path): \(error.reason)"
    }
    if problem == nil { problem = chain.finish().map(Self.text) }
    if files.head == nil {
      Output.complain([
        "bssh-server: \(path).head is missing or damaged: lines that are missing at either end do not show"
      ])
    }
    guard let problem else {
      let range = chain.first.flatMap { first in chain.lastSequence.map { "\(first) to \($0)" } }
      let lines = range.map { "lines \($0)" } ?? "no lines"
      return try Output.write(
        "\(path): \(files.files.count) file\(files.files.count == 1 ? "" : "s"), \(lines): whole\n")
    }
    try Output.write(problem + "\n")
    throw Failure(.refused)
  }

  /// What is wrong, and where.
  private static func text(_ problem: Chain<JournalPlace>.Problem) -> String {
    let what =
      switch problem.fault {
      case .unreadable(let error): "no line of a journal: \(error)"
      case .altered: "altered"
      case .missing(let numbers): "before it, \(lines(numbers)) missing"
      case .reordered(let expected, let found): "number \(found) stands where \(expected) must"
      case .truncated(let numbers): "at the end, \(lines(numbers)) missing"
      case .torn: "the last line is not whole"
      }
    return (problem.place.map { "\($0): " } ?? "") + what
  }

  private static func lines(_ numbers: ClosedRange<UInt64>) -> String {
    numbers.count == 1
      ? "line number \(numbers.lowerBound) is" : "lines number \(numbers.lowerBound) to \(numbers.upperBound) are"
  }
}
