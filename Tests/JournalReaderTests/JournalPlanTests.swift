import Audit
import Testing

@testable import JournalReader

@Suite struct JournalPlanTests {
  private func file(_ age: UInt32, _ first: UInt64?, compressed: Bool = false) -> JournalPlan.File {
    JournalPlan.File(JournalFileName(age: age, isCompressed: compressed), first: first)
  }

  @Test func `the oldest file is read first`() {
    #expect(JournalPlan.next(after: nil, isFinished: false, in: []) == .wait)
    #expect(JournalPlan.next(after: nil, isFinished: false, in: [file(0, nil)]) == .wait)
    #expect(
      JournalPlan.next(after: nil, isFinished: false, in: [file(0, 30), file(1, 20), file(2, 10, compressed: true)])
        == .read(index: 2))
  }

  @Test func `an event is searched in the youngest file that can contain it`() {
    let files = [file(0, 30), file(1, 20), file(2, 10)]
    for (last, index) in [(30, 0), (99, 0), (29, 1), (20, 1), (10, 2)] as [(UInt64, Int)] {
      #expect(JournalPlan.next(after: last, isFinished: false, in: files) == .read(index: index))
    }
    // Older than all files: the first available event comes next.
    #expect(JournalPlan.next(after: 5, isFinished: false, in: files) == .read(index: 2))
  }

  @Test func `the file with the next event follows, or nothing yet`() {
    let files = [file(0, 30), file(1, 20), file(2, 10)]
    #expect(JournalPlan.next(after: 19, isFinished: true, in: files) == .read(index: 1))
    #expect(JournalPlan.next(after: 29, isFinished: true, in: files) == .read(index: 0))
    #expect(JournalPlan.next(after: 31, isFinished: true, in: files) == .wait)
    #expect(JournalPlan.next(after: 29, isFinished: true, in: [file(0, nil), file(1, 20)]) == .wait)
    #expect(JournalPlan.next(after: 3, isFinished: true, in: files) == .read(index: 2))
  }

  @Test func `of a file that is being compressed the plain one is read`() {
    let files = [file(0, 30), file(1, 20, compressed: true), file(1, 20)]
    #expect(JournalPlan.next(after: 19, isFinished: true, in: files) == .read(index: 2))
    #expect(JournalPlan.next(after: 25, isFinished: false, in: files) == .read(index: 2))
  }
}
