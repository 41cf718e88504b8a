/// The client's progress along each sequence of steps. The first sequence completed in order is a login.
///
/// A step advances every sequence whose next step it is and leaves the others unchanged, as with AuthenticationMethods
/// in sshd_config(5): a client can switch to another sequence if it cannot complete the first.
struct LoginProgress: Equatable, Sendable {
  typealias Step = AuthenticationMachine.Step
  typealias Method = AuthenticationMachine.Method

  private struct Track: Equatable {
    let steps: [Step]
    /// How many steps are complete; all of them only after a login.
    var done = 0

    var left: Int { steps.count - done }
    var next: Step? { left > 0 ? steps[done] : nil }
  }

  private var tracks: [Track]
  /// Every step completed, in order.
  private(set) var done: [Step] = []

  /// No progress yet. Empty sequences are dropped.
  init(_ sequences: [[Step]]) { tracks = sequences.filter { !$0.isEmpty }.map { Track(steps: $0) } }

  /// The steps that advance a sequence, without duplicates, in the order of the sequences.
  var next: [Step] {
    tracks.compactMap(\.next).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The methods that advance a sequence, without duplicates.
  var methods: [Method] {
    next.map(\.method).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The step that a request for `method` must prove; nil if the method advances no sequence. keyboard-interactive can
  /// stand for two steps; the sequence with the fewest remaining steps decides, and the first of those if several.
  func step(by method: Method) -> Step? {
    tracks.filter { $0.next?.method == method }.min { $0.left < $1.left }?.next
  }

  /// Drops the sequences that don't contain `step`.
  func only(with step: Step) -> LoginProgress {
    var result = self
    result.tracks.removeAll { !$0.steps.contains(step) }
    return result
  }

  /// Records a proven step; true if that completes a sequence.
  mutating func advance(_ step: Step) -> Bool {
    done.append(step)
    for index in tracks.indices where tracks[index].next == step { tracks[index].done += 1 }
    return tracks.contains { $0.next == nil }
  }
}
