/// How far a client has come on each sequence of steps. The first sequence that is done whole and in order is a login.
///
/// A step advances every sequence in which it is next, and changes no other, as AuthenticationMethods of
/// sshd_config(5): a client can begin another sequence after one that it cannot end.
struct LoginProgress: Equatable, Sendable {
  typealias Step = AuthenticationMachine.Step
  typealias Method = AuthenticationMachine.Method

  private struct Track: Equatable {
    let steps: [Step]
    /// How many of them are done; never all, but after a login.
    var done = 0

    var left: Int { steps.count - done }
    var next: Step? { left > 0 ? steps[done] : nil }
  }

  private var tracks: [Track]
  /// Every step that was done, in order.
  private(set) var done: [Step] = []

  /// Nothing is done yet. A sequence without a step leads nowhere.
  init(_ sequences: [[Step]]) { tracks = sequences.filter { !$0.isEmpty }.map { Track(steps: $0) } }

  /// The steps that bring a client on, each once, in the order of the sequences.
  var next: [Step] {
    tracks.compactMap(\.next).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The methods that bring a client on.
  var methods: [Method] {
    next.map(\.method).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// What a client that asks for `method` has to prove; nil: the method leads nowhere now. keyboard-interactive can ask
  /// for two things; then it asks for what the sequence with the fewest steps left wants, the first of several.
  func step(by method: Method) -> Step? {
    tracks.filter { $0.next?.method == method }.min { $0.left < $1.left }?.next
  }

  /// Leaves the sequences that hold `step`.
  func only(with step: Step) -> LoginProgress {
    var result = self
    result.tracks.removeAll { !$0.steps.contains(step) }
    return result
  }

  /// A step is proven; true when that ends a sequence.
  mutating func advance(_ step: Step) -> Bool {
    done.append(step)
    for index in tracks.indices where tracks[index].next == step { tracks[index].done += 1 }
    return tracks.contains { $0.next == nil }
  }
}
