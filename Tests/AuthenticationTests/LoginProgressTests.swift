import Testing

@testable import Authentication

@Suite struct LoginProgressTests {
  typealias Step = AuthenticationMachine.Step

  @Test func `initially the next steps are the first steps of all sequences without duplicates`() {
    let progress = LoginProgress([[.publicKey, .password], [.publicKey, .publicKey], [.password]])
    #expect(progress.next == [.publicKey, .password])
    #expect(progress.methods == [.publicKey, .password])
    #expect(progress.done.isEmpty)
  }

  @Test func `a step advances exactly the sequences whose next step it is`() {
    var progress = LoginProgress([
      [.publicKey, .password], [.password, .keyboardInteractive], [.publicKey, .publicKey],
    ])
    let isLogin = progress.advance(.publicKey)
    #expect(!isLogin)
    #expect(progress.next == [.password, .publicKey])
  }

  @Test func `completing any sequence is a login`() {
    var progress = LoginProgress([[.publicKey, .password], [.password, .publicKey, .publicKey]])
    let steps: [Step] = [.password, .publicKey, .password]
    #expect(steps.map { progress.advance($0) } == [false, false, true])
    #expect(progress.done == steps)
  }

  @Test func `without sequences or with empty ones nothing leads to a login`() {
    for sequences in [[[Step]](), [[]], [[], []]] {
      var progress = LoginProgress(sequences)
      #expect(progress.next.isEmpty && progress.methods.isEmpty)
      #expect(Step.allCases.allSatisfy { progress.step(by: $0.method) == nil })
      #expect(!Step.allCases.contains { progress.advance($0) })
    }
  }

  @Test func `sequences without a step can be dropped even after that step is done`() {
    var progress = LoginProgress([[.publicKey, .password], [.password, .keyboardInteractive]])
    _ = progress.advance(.publicKey)
    #expect(progress.next == [.password])
    #expect(progress.only(with: .publicKey).next == [.password])
    #expect(progress.only(with: .keyboardInteractive).next == [.password])
    #expect(LoginProgress([[.password]]).only(with: .publicKey).next.isEmpty)
  }

  /// True if `done` contains the steps of `sequence` in order, not necessarily adjacent.
  static func isPassed(_ sequence: [Step], by done: [Step]) -> Bool {
    var rest = sequence[...]
    for step in done where rest.first == step { rest = rest.dropFirst() }
    return rest.isEmpty && !sequence.isEmpty
  }

  @Test func `steps in any order are a login exactly when they contain a whole sequence in order`() {
    var random = SystemRandomNumberGenerator()
    func sequence(_ lengths: ClosedRange<Int>) -> [Step] {
      (0..<Int.random(in: lengths, using: &random)).compactMap { _ in Step.allCases.randomElement(using: &random) }
    }
    for _ in 0..<2000 {
      let sequences = (0..<Int.random(in: 0...4, using: &random)).map { _ in sequence(0...4) }
      var progress = LoginProgress(sequences)
      var done: [Step] = []
      while done.count < 12 {
        guard let step = progress.next.randomElement(using: &random) else { break }
        done.append(step)
        let isLogin = progress.advance(step)
        #expect(isLogin == sequences.contains { Self.isPassed($0, by: done) }, "\(sequences), \(done)")
        if isLogin { break }
      }
    }
  }
}
