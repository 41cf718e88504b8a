import Audit

/// Files of a journal, and their heads: a line that is parsed is written as one that parses the same, and the chain
/// check terminates for any lines.
func fuzz(_ bytes: [UInt8]) {
  if let head = ChainHead(json: bytes.prefix(ChainHead.size)) {
    // A head of a version with a single series is written as one of two.
    precondition(ChainHead(json: head.json[...])?.json == head.json && head.json.count == ChainHead.size)
  }
  let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  for line in lines {
    guard let read = try? JournalLine(json: line) else { continue }
    let json = read.json
    precondition(json.count <= JournalLine.lengthLimit && json.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
    precondition((try? JournalLine(json: json[...])) == read)
  }
  for head in [nil, ChainHead(), ChainHead(json: bytes.prefix(ChainHead.size))] {
    var chain = Chain<Int>(head: head)
    var problem: Chain<Int>.Finding?
    for (number, line) in lines.dropLast().enumerated() where problem == nil {
      problem = chain.add(line, at: number)
      precondition((problem?.place ?? 0) <= number)
    }
    problem = problem ?? chain.finish(rest: lines.last?.isEmpty ?? true ? nil : lines.count)
    if let problem { precondition((problem.place ?? 0) <= lines.count) }
  }
}
