import TestSupport
import Testing

@testable import Audit

@Suite struct ChainTests {
  /// Verifies lines. The place of a problem is the index of the line; nil is the end.
  private func verify(_ lines: [[UInt8]], _ head: ChainHead?, torn: Bool = false) -> Chain<Int>.Finding? {
    var chain = Chain<Int>(head: head)
    for (index, line) in lines.enumerated() {
      if let problem = chain.add(line[...], at: index) {
        #expect(chain.add(line[...], at: -1)?.place == problem.place)
        return problem
      }
    }
    return chain.finish(rest: torn ? lines.count : nil)
  }

  private func head(_ lines: [JournalLine]) -> ChainHead {
    ChainHead(first: lines[0].sequence, last: lines.last!.sequence, hash: LineHash(of: lines.last!.json[...]))
  }

  private func journal(_ seed: UInt64, _ count: Int = 8, first: UInt64 = 1) -> [JournalLine] {
    var generator = SplitMix(seed: seed)
    return generator.journal(count, first: first)
  }

  @Test func `an unchanged journal is valid`() {
    for (seed, first) in [(1, 1), (2, 1), (3, 900)] as [(UInt64, UInt64)] {
      let lines = journal(seed, first: first)
      for head in [nil, head(lines)] { #expect(verify(lines.map(\.json), head) == nil) }
    }
    #expect(verify([], nil) == nil)
    #expect(verify([], ChainHead()) == nil)
    #expect(verify([], ChainHead(first: 8, last: 7, hash: .none)) == nil)
  }

  @Test func `lines after the head and lines older than its first are not a fault`() {
    let lines = journal(4)
    var head = head(Array(lines.prefix(5)))
    #expect(verify(lines.map(\.json), head) == nil)
    head.first = 3
    #expect(verify(lines.map(\.json), head) == nil)
  }

  /// Changes every value in every line, in journals that begin at 1 and later.
  @Test(arguments: [1, 500] as [UInt64]) func `an edit of any line is found and the line named`(first: UInt64) {
    let edits: [(String, (inout JournalLine) -> Void)] = [
      ("user", { $0.event.subject.user = "mallory" }), ("id", { $0.event.id = EventID(high: 5, low: 5) }),
      ("time", { $0.event.time = 1 }), ("host", { $0.event.host += "x" }), ("path", { $0.event.record.path = [1] }),
      ("prev", { $0.previous = LineHash(of: [9]) }), ("prev of none", { $0.previous = .none }),
      ("seq", { $0.sequence += 1 }), ("seq less", { $0.sequence = max(2, $0.sequence) - 1 }),
      ("seq far", { $0.sequence += 1000 }), ("seq 1", { $0.sequence = 1 }),
    ]
    let lines = journal(5, first: first)
    for index in lines.indices {
      for (name, edit) in edits {
        var changed = lines
        edit(&changed[index])
        guard changed != lines else { continue }
        let problem = verify(changed.map(\.json), head(lines))
        #expect(problem?.place == index, "\(name) of line \(index): \(String(describing: problem))")
        #expect(problem?.defect == .altered, "\(name) of line \(index)")
        guard index < lines.count - 2 else { continue }
        // Without a head, nothing verifies the last line, and a later first line cannot be detected.
        #expect(verify(changed.map(\.json), nil)?.place == index, "\(name) of line \(index), without a head")
      }
    }
  }

  @Test func `a changed byte is found and the line named`() {
    var generator = SplitMix(seed: 6)
    let lines = journal(6)
    for _ in 0..<300 {
      var bytes = lines.map(\.json)
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      let place = Int.random(in: 0..<bytes[index].count, using: &generator)
      let byte = UInt8.random(in: 0...255, using: &generator)
      guard byte != bytes[index][place] else { continue }
      bytes[index][place] = byte
      let problem = verify(bytes, head(lines))
      #expect(problem?.place == index, "byte \(place) of line \(index): \(String(describing: problem))")
    }
  }

  @Test func `missing lines are found and their numbers named`() {
    let lines = journal(7)
    for start in lines.indices {
      for end in start..<lines.count {
        var bytes = lines.map(\.json)
        bytes.removeSubrange(start...end)
        let problem = verify(bytes, head(lines))
        let numbers = UInt64(start + 1)...UInt64(end + 1)
        if end == lines.count - 1 {
          #expect(problem?.place == nil)
          #expect(problem?.defect == .truncated(numbers))
        } else {
          #expect(problem?.place == start)
          #expect(problem?.defect == .missing(numbers), "\(numbers)")
        }
      }
    }
  }

  @Test func `reordered lines are found and the first of them named`() {
    let lines = journal(8)
    for one in lines.indices {
      for other in lines.indices where other > one {
        var bytes = lines.map(\.json)
        bytes.swapAt(one, other)
        let problem = verify(bytes, head(lines))
        #expect(problem?.place == one)
        #expect(problem?.defect == .reordered(expected: UInt64(one + 1), found: UInt64(other + 1)))
      }
    }
  }

  @Test func `a repeated line is found and named`() {
    let lines = journal(9)
    for one in lines.indices {
      for place in lines.indices where place > one {
        var bytes = lines.map(\.json)
        bytes.insert(lines[one].json, at: place)
        #expect(verify(bytes, head(lines))?.place == place)
      }
    }
    let twice = lines.map(\.json) + [lines.last!.json]
    #expect(verify(twice, head(lines))?.defect == .reordered(expected: 9, found: 8))
  }

  @Test func `a truncated line and a journal that ends within a line are found`() {
    let lines = journal(10)
    for index in lines.indices {
      var bytes = lines.map(\.json)
      bytes[index].removeLast(5)
      let problem = verify(bytes, head(lines))
      #expect(problem?.place == index)
      if case .unreadable = problem?.defect { continue }
      Issue.record("\(String(describing: problem))")
    }
    let torn = verify(lines.dropLast().map(\.json), head(lines), torn: true)
    #expect(torn?.place == lines.count - 1)
    #expect(torn?.defect == .torn)
  }

  @Test func `a completely rewritten journal does not match the head`() {
    let problem = verify(journal(12).map(\.json), head(journal(11)))
    #expect(problem?.place == 7)
    #expect(problem?.defect == .altered)
  }

  @Test func `numbers at the end of their range do not trap`() {
    var generator = SplitMix(seed: 13)
    let line = JournalLine(generator.event(), sequence: .max, previous: .none)
    var next = JournalLine(generator.event(), sequence: 1, previous: LineHash(of: line.json[...]))
    for head in [nil, ChainHead(first: .max, last: .max, hash: LineHash(of: line.json[...]))] {
      #expect(verify([line.json], head) == nil)
      #expect(verify([line.json, next.json], head) != nil)
      #expect(verify([line.json, line.json, line.json], head) != nil)
    }
    next.sequence = 2
    #expect(verify([next.json, line.json, next.json], ChainHead(first: 1, last: .max, hash: .none)) != nil)
  }

  @Test func `a head survives its file and nothing else parses`() {
    var heads = [ChainHead(), ChainHead(first: .max, last: .max, hash: LineHash(of: [1]), size: .max)]
    heads.append(ChainHead(first: 4, last: 3, hash: LineHash(of: [2])))
    for head in heads {
      #expect(head.json.count == ChainHead.size)
      #expect(ChainHead(json: head.json[...]) == head)
      for count in 0..<ChainHead.size { #expect(ChainHead(json: head.json[..<count]) == nil) }
    }
    let text = String(decoding: heads[2].json, as: UTF8.self)
    for (part, other) in [("4", "0"), ("4", "5"), ("first", "fixst"), ("}", "} x")] {
      let changed =
        Array(text.replacing(part, with: other, maxReplacements: 1).utf8.prefix(ChainHead.size - 1)) + [0x0a]
      #expect(ChainHead(json: changed[...]) == nil, "\(other)")
    }
  }
}
