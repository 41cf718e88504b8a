import Model
import Testing
import Wire

@testable import Authentication

/// Logins that take several steps.
@Suite struct SequenceTests {
  typealias Machine = AuthenticationMachine
  typealias Step = Machine.Step

  static let offer = AuthenticationMachineTests.offer
  static let signed = AuthenticationMachineTests.signed
  static let password = AuthenticationMachineTests.password
  static let interactive = AuthenticationMachineTests.interactive
  static let answer = AuthenticationMachineTests.answer

  static func policy(
    _ required: [[Step]], methods: [Machine.Method] = Machine.Method.allCases, root: Machine.PermitRoot = .publicKey
  ) -> Machine.Policy { Machine.Policy(methods: methods, required: required, permitRoot: root) }

  static func machine(_ events: [Machine.Event], _ policy: Machine.Policy) -> Machine {
    AuthenticationMachineTests.machine(events, policy)
  }

  /// The client's messages for one step, up to the verdict.
  static func proof(of step: Step) -> [Machine.Event] {
    switch step {
    case .publicKey: [.request(signed)]
    case .password: [.request(password)]
    case .keyboardInteractive, .totp: [.request(interactive), .infoResponse(answer)]
    }
  }

  /// Proves a step and returns the action that follows the verdict.
  static func pass(
    _ step: Step, _ machine: inout Machine, account: Machine.AccountKind = .ordinary, key: String = "SHA256:a"
  ) -> Machine.Action {
    for event in proof(of: step) { _ = machine.handle(event) }
    return machine.handle(.verdict(.accepted, account: account, key: key))
  }

  // MARK: The second step in every state

  /// After the step publickey of [[publickey, password], [publickey, keyboard-interactive]].
  static let half: [Machine.Event] = [.request(signed), .verdict(.accepted, account: .ordinary, key: "SHA256:a")]

  static let waysIn: [(name: String, events: [Machine.Event])] = [
    ("waiting", half),
    ("password", half + [.request(password)]),
    ("prompting", half + [.request(interactive)]),
    ("prompted password", half + [.request(interactive), .infoResponse(answer)]),
    ("failed", half + [.request(password), .verdict(.rejected, account: .ordinary)]),
    ("logged in", half + [.request(password), .verdict(.accepted, account: .ordinary)]),
    ("disconnected", half + [.malformed]),
  ]

  static func rejected(_ refusal: Machine.Refusal) -> Machine.Action {
    .reject(continuing: [.password, .keyboardInteractive], refusal)
  }

  static let verification = Machine.Action.verifyPassword
  static let reordered = AuthenticationMachineTests.reordered
  static let unasked = AuthenticationMachineTests.unasked
  static let malformed = AuthenticationMachineTests.malformed
  static let internalError = AuthenticationMachineTests.internalError

  static let table: [(event: Machine.Event, actions: [Machine.Action])] = [
    (
      .request(AuthenticationMachineTests.none),
      [
        rejected(.noneMethod), reordered, rejected(.noneMethod), reordered, rejected(.noneMethod), .ignore, .ignore,
      ]
    ),
    (
      .request(signed),
      [
        rejected(.methodNotEnabled), reordered, rejected(.methodNotEnabled), reordered, rejected(.methodNotEnabled),
        .ignore, .ignore,
      ]
    ),
    (
      .request(offer),
      [
        rejected(.methodNotEnabled), reordered, rejected(.methodNotEnabled), reordered, rejected(.methodNotEnabled),
        .ignore, .ignore,
      ]
    ),
    (.request(password), [verification, reordered, verification, reordered, verification, .ignore, .ignore]),
    (
      .request(interactive),
      [.prompt(.password), reordered, .prompt(.password), reordered, .prompt(.password), .ignore, .ignore]
    ),
    (
      .request(Requests.passwordChange()),
      [
        rejected(.passwordChange), reordered, rejected(.passwordChange), reordered, rejected(.passwordChange), .ignore,
        .ignore,
      ]
    ),
    (.infoResponse(answer), [unasked, reordered, verification, reordered, unasked, .ignore, .ignore]),
    (
      .infoResponse(Requests.answer([])),
      [unasked, reordered, rejected(.wrongNumberOfResponses), reordered, unasked, .ignore, .ignore]
    ),
    (.malformed, [malformed, malformed, malformed, malformed, malformed, .ignore, .ignore]),
    (
      .verdict(.rejected, account: .ordinary),
      [.ignore, rejected(.credentials), .ignore, rejected(.credentials), .ignore, .ignore, .ignore]
    ),
    (
      .verdict(.acceptable, account: .ordinary),
      [.ignore, internalError, .ignore, internalError, .ignore, .ignore, .ignore]
    ),
    (
      .verdict(.accepted, account: .ordinary),
      [
        .ignore, .accept(user: "anna", steps: [.publicKey, .password]), .ignore,
        .accept(user: "anna", steps: [.publicKey, .keyboardInteractive]), .ignore, .ignore, .ignore,
      ]
    ),
    (
      .verdict(.accepted, account: .none),
      [.ignore, rejected(.noAccount), .ignore, rejected(.noAccount), .ignore, .ignore, .ignore]
    ),
  ]

  @Test func `after the first step every event in every state leads to the action in the table`() {
    let policy = Self.policy([[.publicKey, .password], [.publicKey, .keyboardInteractive]])
    for (event, actions) in Self.table {
      #expect(actions.count == Self.waysIn.count)
      for (way, action) in zip(Self.waysIn, actions) {
        var machine = Self.machine(way.events, policy)
        #expect(machine.handle(event) == action, "\(way.name) × \(event)")
      }
    }
  }

  // MARK: One-time codes in every state

  static let codeVerification = Machine.Action.verifyCode
  static let codeTable: [(event: Machine.Event, actions: [Machine.Action])] = [
    (
      .request(password),
      [
        codeRejected(.methodNotEnabled), codeRejected(.methodNotEnabled), reordered, codeRejected(.methodNotEnabled),
        .ignore,
      ]
    ),
    (.request(interactive), [.prompt(.code), .prompt(.code), reordered, .prompt(.code), .ignore]),
    (.infoResponse(answer), [unasked, codeVerification, reordered, unasked, .ignore]),
    (
      .infoResponse(Requests.answer(["1", "2"])),
      [unasked, codeRejected(.wrongNumberOfResponses), reordered, unasked, .ignore]
    ),
    (.malformed, [malformed, malformed, malformed, malformed, .ignore]),
    (.verdict(.rejected, account: .ordinary), [.ignore, .ignore, codeRejected(.credentials), .ignore, .ignore]),
    (.verdict(.rejected, account: .none), [.ignore, .ignore, codeRejected(.credentials), .ignore, .ignore]),
    (.verdict(.acceptable, account: .ordinary), [.ignore, .ignore, internalError, .ignore, .ignore]),
    (
      .verdict(.accepted, account: .ordinary),
      [.ignore, .ignore, .accept(user: "anna", steps: [.publicKey, .totp]), .ignore, .ignore]
    ),
    (.verdict(.accepted, account: .none), [.ignore, .ignore, codeRejected(.noAccount), .ignore, .ignore]),
  ]

  static func codeRejected(_ refusal: Machine.Refusal) -> Machine.Action {
    .reject(continuing: [.keyboardInteractive], refusal)
  }

  @Test func `with a code as the second step every event in every state leads to the action in the table`() {
    let asked: [Machine.Event] = [.request(Self.interactive), .infoResponse(Self.answer)]
    let ways: [[Machine.Event]] = [
      Self.half, Self.half + asked.prefix(1), Self.half + asked,
      Self.half + asked + [.verdict(.rejected, account: .ordinary)],
      Self.half + asked + [.verdict(.accepted, account: .ordinary)],
    ]
    // The method keyboard-interactive would ask for the password and is not enabled; a code does not need it.
    let policy = Self.policy([[.publicKey, .totp]], methods: [.publicKey])
    for (event, actions) in Self.codeTable {
      #expect(actions.count == ways.count)
      for (number, (way, action)) in zip(ways, actions).enumerated() {
        var machine = Self.machine(way, policy)
        #expect(machine.handle(event) == action, "\(number) × \(event)")
      }
    }
  }

  @Test func `an abandoned prompt for a code counts like one for a password`() {
    var machine = Self.machine(Self.half, Self.policy([[.publicKey, .totp]]))
    for _ in 0...5 { #expect(machine.handle(.request(Self.interactive)) == .prompt(.code)) }
    #expect(
      machine.handle(.request(Self.interactive)) == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `a code alone is not a login and enables nothing`() {
    #expect(Self.policy([[.totp]]).sequences.isEmpty)
    #expect(Self.policy([[.totp, .totp]]).sequences.isEmpty)
    #expect(Self.policy([[.keyboardInteractive, .totp]], methods: [.publicKey]).sequences.isEmpty)
    #expect(Self.policy([], methods: [.keyboardInteractive]).sequences == [[.keyboardInteractive]])
  }

  @Test func `if both password and code are possible the sequence with the fewest remaining steps decides`() {
    let required: [[Step]] = [[.publicKey, .totp], [.keyboardInteractive, .totp]]
    var machine = Self.machine([.request(Self.interactive)], Self.policy(required))
    #expect(machine.state == .prompting(.password))
    machine = Self.machine(Self.half + [.request(Self.interactive)], Self.policy(required))
    #expect(machine.state == .prompting(.code))
    machine = Self.machine([.request(Self.interactive)], Self.policy([[.keyboardInteractive], [.totp, .publicKey]]))
    #expect(machine.state == .prompting(.password))
  }

  // MARK: Sequences

  @Test func `a proven step is answered with partial success and the methods that can continue`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .password], [.publicKey, .keyboardInteractive]]))
    #expect(
      Self.pass(.publicKey, &machine) == .acceptPartly(.publicKey, continuing: [.password, .keyboardInteractive]))
    #expect(machine.state == .waitingForRequest)
    #expect(Self.pass(.password, &machine) == .accept(user: "anna", steps: [.publicKey, .password]))
    #expect(machine.keys == ["SHA256:a"])
  }

  @Test(arguments: Step.allCases)
  func `no single step is a login if every sequence has two`(step: Step) {
    let required: [[Step]] =
      step == .totp
      ? [[.totp, .publicKey]]
      : [[.publicKey, .password], [.password, .publicKey], [.keyboardInteractive, .publicKey]]
    var machine = Self.machine([], Self.policy(required))
    guard case .acceptPartly(step, let continuing) = Self.pass(step, &machine) else {
      Issue.record("\(step) is no partial success")
      return
    }
    #expect(!continuing.isEmpty)
    #expect(machine.state == .waitingForRequest)
  }

  @Test func `only first steps are announced and other methods are refused and counted`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .password]]))
    let refused = Machine.Action.reject(continuing: [.publicKey], .methodNotEnabled)
    #expect(machine.handle(.request(AuthenticationMachineTests.none)) == .reject(continuing: [.publicKey], .noneMethod))
    #expect(machine.handle(.request(Self.password)) == refused)
    #expect(machine.handle(.request(Self.interactive)) == refused)
    #expect(machine.failures == 2)
  }

  @Test func `a sequence can be completed after steps of another one`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .publicKey], [.password, .keyboardInteractive]]))
    #expect(Self.pass(.publicKey, &machine) == .acceptPartly(.publicKey, continuing: [.publicKey, .password]))
    #expect(Self.pass(.password, &machine) == .acceptPartly(.password, continuing: [.publicKey, .keyboardInteractive]))
    #expect(
      Self.pass(.keyboardInteractive, &machine)
        == .accept(user: "anna", steps: [.publicKey, .password, .keyboardInteractive]))
  }

  @Test func `a failure in a later step keeps the earlier steps and the failure count`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .password]]))
    for count in 1...3 {
      _ = machine.handle(.request(Self.signed))
      _ = machine.handle(.verdict(.rejected, account: .ordinary))
      #expect(machine.failures == count)
    }
    _ = Self.pass(.publicKey, &machine)
    #expect(machine.failures == 3)
    for _ in 4...5 {
      _ = machine.handle(.request(Self.password))
      #expect(
        machine.handle(.verdict(.rejected, account: .ordinary)) == .reject(continuing: [.password], .credentials))
    }
    _ = machine.handle(.request(Self.password))
    #expect(
      machine.handle(.verdict(.rejected, account: .ordinary))
        == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `key offers are counted over all steps`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .publicKey]]))
    for _ in 1...10 {
      _ = machine.handle(.request(Self.offer))
      _ = machine.handle(.verdict(.rejected, account: .ordinary))
    }
    _ = Self.pass(.publicKey, &machine)
    for _ in 11...20 {
      #expect(machine.handle(.request(Self.offer)) == .verifyPublicKey(user: "anna"))
      _ = machine.handle(.verdict(.rejected, account: .ordinary))
    }
    #expect(
      machine.handle(.request(Self.offer)) == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `the same key does not count twice whether offered or signed`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .publicKey]]))
    #expect(Self.pass(.publicKey, &machine) == .acceptPartly(.publicKey, continuing: [.publicKey]))
    _ = machine.handle(.request(Self.offer))
    #expect(
      machine.handle(.verdict(.acceptable, account: .ordinary, key: "SHA256:a"))
        == .reject(continuing: [.publicKey], .keyUsedBefore))
    #expect(machine.failures == 0)
    #expect(Self.pass(.publicKey, &machine) == .reject(continuing: [.publicKey], .keyUsedBefore))
    #expect(machine.failures == 1)
    #expect(
      Self.pass(.publicKey, &machine, key: "SHA256:b") == .accept(user: "anna", steps: [.publicKey, .publicKey]))
    #expect(machine.keys == ["SHA256:a", "SHA256:b"])
  }

  @Test func `keys without a fingerprint do not count twice either`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .publicKey]]))
    _ = Self.pass(.publicKey, &machine, key: "")
    #expect(Self.pass(.publicKey, &machine, key: "") == .reject(continuing: [.publicKey], .keyUsedBefore))
  }

  @Test func `a sequence is dropped if it is empty or a method in it is not enabled`() {
    let policy = Self.policy([[], [.password, .publicKey], [.publicKey]], methods: [.publicKey])
    #expect(policy.sequences == [[.publicKey]])
    var machine = Self.machine([], Self.policy([[.password]], methods: [.publicKey]))
    for request in [Self.signed, Self.offer, Self.password, Self.interactive] {
      #expect(machine.handle(.request(request)) == .reject(continuing: [], .methodNotEnabled))
    }
  }

  // MARK: root

  @Test func `root that may log in only with keys needs a sequence with a key`() {
    let required: [[Step]] = [[.password, .publicKey], [.keyboardInteractive], [.publicKey, .password]]
    var machine = Self.machine([], Self.policy(required))
    // Announced methods do not depend on the account, nor does the answer to a failed proof.
    #expect(
      Self.pass(.keyboardInteractive, &machine, account: .root)
        == .reject(continuing: [.password, .keyboardInteractive, .publicKey], .rootNotPermitted))
    #expect(Self.pass(.password, &machine, account: .root) == .acceptPartly(.password, continuing: [.publicKey]))
    #expect(Self.pass(.publicKey, &machine, account: .root) == .accept(user: "anna", steps: [.password, .publicKey]))
  }

  @Test func `root that may not log in passes no step and root that may passes any`() {
    for step in [Step.publicKey, .password] {
      var machine = Self.machine([], Self.policy([[.publicKey, .password], [.password, .publicKey]], root: .no))
      #expect(
        Self.pass(step, &machine, account: .root)
          == .reject(continuing: [.publicKey, .password], .rootNotPermitted))
    }
    var machine = Self.machine([], Self.policy([[.password, .keyboardInteractive]], root: .yes))
    _ = Self.pass(.password, &machine, account: .root)
    #expect(
      Self.pass(.keyboardInteractive, &machine, account: .root)
        == .accept(user: "anna", steps: [.password, .keyboardInteractive]))
  }

  // MARK: Change of policy

  @Test func `replacing the policy resets all steps and keeps the counters`() {
    var machine = Self.machine([], Self.policy([[.publicKey, .password]]))
    _ = machine.handle(.request(Self.offer))
    _ = machine.handle(.verdict(.rejected, account: .ordinary))
    _ = machine.handle(.request(Self.signed))
    _ = machine.handle(.verdict(.rejected, account: .ordinary))
    _ = Self.pass(.publicKey, &machine)
    machine.policy = Self.policy([[.keyboardInteractive, .publicKey]])
    #expect(machine.failures == 1 && machine.offers == 1 && machine.keys.isEmpty)
    #expect(machine.handle(.request(Self.password)) == .reject(continuing: [.keyboardInteractive], .methodNotEnabled))
    #expect(
      Self.pass(.keyboardInteractive, &machine) == .acceptPartly(.keyboardInteractive, continuing: [.publicKey]))
    #expect(
      Self.pass(.publicKey, &machine) == .accept(user: "anna", steps: [.keyboardInteractive, .publicKey]))
  }

  @Test func `a proof pending when the policy was replaced counts only if its step comes next`() {
    var machine = Self.machine([.request(Self.password)], Self.policy([]))
    machine.policy = Self.policy([[.publicKey, .password]])
    #expect(
      machine.handle(.verdict(.accepted, account: .ordinary)) == .reject(continuing: [.publicKey], .methodNotEnabled))
  }

  // MARK: Arbitrary clients

  @Test func `whatever a client sends, a login is a complete sequence in order with different keys`() {
    var random = SystemRandomNumberGenerator()
    let required: [[Step]] = [
      [.publicKey, .publicKey, .password], [.password, .publicKey], [.keyboardInteractive, .publicKey],
      [.publicKey, .totp, .password],
    ]
    let requests: [Machine.Event] = [
      .request(Self.signed), .request(Self.offer), .request(Self.password), .request(Self.interactive),
      .infoResponse(Self.answer), .request(AuthenticationMachineTests.none),
    ]
    for _ in 0..<3000 {
      var policy = Self.policy(required)
      policy.maximumFailures = 50
      var machine = Machine(policy: policy)
      var proven: [Step] = []
      var keys: [String] = []
      for _ in 0..<30 {
        let before = machine.state
        let key = ["a", "b"].randomElement(using: &random) ?? "a"
        var event = requests.randomElement(using: &random) ?? .malformed
        switch before {
        case .verifying, .verifyingOffer:
          let outcome = ProofOutcome.allCases.randomElement(using: &random) ?? .rejected
          event = .verdict(outcome, account: .ordinary, key: key)
        case .waitingForRequest, .prompting, .loggedIn, .disconnected: break
        }
        let action = machine.handle(event)
        if case .verifying(let step) = before, case .verdict(.accepted, _, _) = event {
          switch action {
          case .acceptPartly, .accept:
            proven.append(step)
            if step == .publicKey { keys.append(key) }
          case .verifyPublicKey, .verifyPassword, .verifyCode, .prompt, .reject, .publicKeyOK, .disconnect, .ignore:
            break
          }
        }
        let isLogin = if case .accept = action { true } else { false }
        let isPassed = required.contains { LoginProgressTests.isPassed($0, by: proven) }
        if before != .loggedIn { #expect(isLogin == isPassed, "\(proven)") }
        #expect(Set(keys).count == keys.count)
      }
    }
  }
}
