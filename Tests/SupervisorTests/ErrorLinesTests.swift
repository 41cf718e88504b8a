import Testing

@testable import Supervisor

@Suite struct ErrorLinesTests {
  @Test func `complete lines are returned immediately and an incomplete one at the end`() {
    var lines = ErrorLines()
    #expect(lines.add(Array("Fatal error: ".utf8), at: 0).isEmpty)
    #expect(lines.add(Array("index\n\nmore\nlast".utf8), at: 0) == ["Fatal error: index", "more"])
    #expect(lines.finish(at: 0) == ["last"])
    #expect(lines.finish(at: 0).isEmpty)
  }

  @Test func `a long line is truncated`() {
    var lines = ErrorLines()
    let told = lines.add([UInt8](repeating: 97, count: 5000) + [10], at: 0)
    #expect(told == [String(repeating: "a", count: ErrorLines.lineLimit) + "…"])
    #expect(lines.add([98, 10], at: 0) == ["b"])
  }

  @Test func `the number of lines in an interval is limited, and suppressed lines are counted`() {
    var lines = ErrorLines()
    #expect(lines.add(Array(String(repeating: "x\n", count: 100).utf8), at: 0).count == ErrorLines.burst)
    #expect(lines.add(Array("y\n".utf8), at: ErrorLines.interval) == ["y (80 lines before it were left out)"])
  }

  @Test func `a process that writes too much is not read until the next interval`() {
    var lines = ErrorLines()
    #expect(lines.nextTime == nil)
    for _ in 0..<16 { _ = lines.add([UInt8](repeating: 97, count: 4096), at: 100) }
    #expect(lines.nextTime == 100 + ErrorLines.interval)
    _ = lines.add([97], at: 100 + ErrorLines.interval)
    #expect(lines.nextTime == nil)
  }
}
