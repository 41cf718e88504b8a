import Authentication

extension ValueType where Value == [[AuthenticationMachine.Step]] {
  /// `auth.required`.
  static let stepSequences = ValueType(
    description: "a list of sequences, such as [[publickey, password]]", isFileOnly: true,
    schema: .list(
      of: .list(
        of: ValueType<AuthenticationMachine.Step>.choice().schema, atLeast: 1, atMost: StepSequence.stepLimit),
      atMost: StepSequence.sequenceLimit),
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of sequences, such as [[publickey, password]], found \(node.found)")
        return nil
      }
      guard items.count <= StepSequence.sequenceLimit else {
        faults.add(node, "expected at most \(StepSequence.sequenceLimit) sequences, found \(items.count)")
        return nil
      }
      var sequences: [[AuthenticationMachine.Step]] = []
      for (index, item) in items.enumerated() {
        let sequence = faults.within("[\(index)]") { faults in
          let sequence = StepSequence.parse(item, &faults)
          if let sequence, sequences.contains(sequence) { faults.add(item, "the sequence is a duplicate") }
          return sequence
        }
        if let sequence { sequences.append(sequence) }
      }
      return sequences
    },
    render: { sequences in .list(sequences.map { "[\($0.map(\.rawValue).joined(separator: ", "))]" }) })
}

/// A sequence of authentication steps: an entry of `auth.required`.
enum StepSequence {
  typealias Step = AuthenticationMachine.Step

  static let sequenceLimit = 16
  static let stepLimit = 8

  /// Parses the steps, each of which must require other credentials; nil after adding a fault.
  fileprivate static func parse(_ node: Node, _ faults: inout ValueDiagnostics) -> [Step]? {
    guard case .sequence(let items) = node.content, (1...stepLimit).contains(items.count) else {
      let found = if case .sequence(let items) = node.content { "one of \(items.count)" } else { node.found }
      faults.add(node, "expected a list of 1 to \(stepLimit) steps, such as [publickey, password], found \(found)")
      return nil
    }
    var steps: [Step] = []
    for (index, item) in items.enumerated() {
      faults.within("[\(index)]") { faults in
        guard let step = ValueType<Step>.choice().parse(item, &faults) else { return }
        if let fault = fault(of: step, after: steps) { faults.add(item, fault) }
        steps.append(step)
      }
    }
    return steps.count == items.count ? steps : nil
  }

  /// Why the step requires no other credentials than the steps `before`; nil: it does.
  private static func fault(of step: Step, after before: [Step]) -> String? {
    switch step {
    case .publicKey: nil
    case .password, .keyboardInteractive:
      before.contains { $0 == .password || $0 == .keyboardInteractive }
        ? "the same password twice proves nothing more; \(Step.keyboardInteractive.rawValue) also asks for it" : nil
    case .totp: before.contains(.totp) ? "the same code twice proves nothing more" : nil
    }
  }

  /// Why nobody can complete the last of `sequences`; nil: it can be completed.
  static func fault(ofLast sequences: ArraySlice<[Step]>, methods: [AuthenticationMachine.Method]) -> String? {
    guard let sequence = sequences.last else { return nil }
    let needed = sequence.compactMap(\.enabling)
    if needed.isEmpty {
      return "a code alone is not sufficient: publickey, password or keyboard-interactive is required too"
    }
    if let missing = needed.first(where: { method in !methods.contains(method) }) {
      return "the step \(missing.rawValue) is not possible: auth.methods does not contain it"
    }
    for (index, other) in sequences.dropLast().enumerated() {
      guard let (ours, theirs) = zip(sequence, other).first(where: { $0 != $1 }),
        Set([ours, theirs]) == [.keyboardInteractive, .totp]
      else { continue }
      return "after the same steps [\(index)] asks for \(theirs.rawValue) and this for \(ours.rawValue), and clients "
        + "cannot choose one; use password instead of keyboard-interactive"
    }
    return nil
  }
}
