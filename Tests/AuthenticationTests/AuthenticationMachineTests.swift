import Testing
import Wire

@testable import Authentication

@Suite struct AuthenticationMachineTests {
  typealias Machine = AuthenticationMachine

  static func policy(
    _ methods: [Machine.Method] = Machine.Method.allCases, root: Machine.PermitRoot = .publicKey
  ) -> Machine.Policy { Machine.Policy(methods: methods, permitRoot: root) }

  static let none = Requests.none()
  static let offer = Requests.publicKey(signature: nil)
  static let signed = Requests.publicKey(signature: [9])
  static let password = Requests.password("geheim")
  static let interactive = Requests.keyboardInteractive()
  static let answer = Requests.answer(["geheim"])

  /// The events that bring a new machine into each state.
  static let waysIn: [(name: String, events: [Machine.Event])] = [
    ("waiting", []),
    ("waiting again", [.request(none)]),
    ("offer", [.request(offer)]),
    ("signature", [.request(signed)]),
    ("password", [.request(password)]),
    ("prompting", [.request(interactive)]),
    ("prompted password", [.request(interactive), .infoResponse(answer)]),
    ("logged in", [.request(signed), .verdict(.accepted, account: .ordinary)]),
    ("disconnected", [.malformed]),
  ]

  static func machine(_ events: [Machine.Event], _ policy: Machine.Policy = policy()) -> Machine {
    var machine = Machine(policy: policy)
    for event in events { _ = machine.handle(event) }
    return machine
  }

  static let reordered: Machine.Action = .disconnect(
    code: 2, text: "Authentication request before the answer to the last one")
  static let malformed: Machine.Action = .disconnect(code: 2, text: "Malformed authentication request")
  static let unasked: Machine.Action = .disconnect(code: 2, text: "Unexpected keyboard-interactive response")
  static let internalError: Machine.Action = .disconnect(code: 11, text: "Internal error")

  static func rejected(_ refusal: Machine.Refusal) -> Machine.Action {
    .reject(continuing: Machine.Method.allCases, refusal)
  }

  /// The action for each event in each state, in the order of ``waysIn``.
  static let table: [(event: Machine.Event, actions: [Machine.Action])] = [
    (
      .request(none),
      [
        rejected(.noneMethod), rejected(.noneMethod), reordered, reordered, reordered, rejected(.noneMethod),
        reordered, .ignore, .ignore,
      ]
    ),
    (
      .request(signed),
      [
        .verifyPublicKey(user: "anna"), .verifyPublicKey(user: "anna"), reordered, reordered, reordered,
        .verifyPublicKey(user: "anna"), reordered, .ignore, .ignore,
      ]
    ),
    (
      .request(offer),
      [
        .verifyPublicKey(user: "anna"), .verifyPublicKey(user: "anna"), reordered, reordered, reordered,
        .verifyPublicKey(user: "anna"), reordered, .ignore, .ignore,
      ]
    ),
    (
      .request(password),
      [
        .verifyPassword,
        .verifyPassword, reordered, reordered, reordered,
        .verifyPassword, reordered, .ignore, .ignore,
      ]
    ),
    (
      .request(interactive),
      [
        .prompt(.password), .prompt(.password), reordered, reordered, reordered, .prompt(.password), reordered, .ignore,
        .ignore,
      ]
    ),
    (
      .request(Requests.passwordChange()),
      [
        rejected(.passwordChange), rejected(.passwordChange), reordered, reordered, reordered,
        rejected(.passwordChange), reordered, .ignore, .ignore,
      ]
    ),
    (
      .request(Requests.other("hostbased")),
      [
        rejected(.methodNotEnabled), rejected(.methodNotEnabled), reordered, reordered, reordered,
        rejected(.methodNotEnabled), reordered, .ignore, .ignore,
      ]
    ),
    (
      .infoResponse(answer),
      [
        unasked, unasked, reordered, reordered, reordered,
        .verifyPassword, reordered, .ignore, .ignore,
      ]
    ),
    (
      .infoResponse(Requests.answer([])),
      [
        unasked, unasked, reordered, reordered, reordered, rejected(.wrongNumberOfResponses), reordered, .ignore,
        .ignore,
      ]
    ),
    (
      .infoResponse(Requests.answer(["a", "b"])),
      [
        unasked, unasked, reordered, reordered, reordered, rejected(.wrongNumberOfResponses), reordered, .ignore,
        .ignore,
      ]
    ),
    (
      .malformed,
      [malformed, malformed, malformed, malformed, malformed, malformed, malformed, .ignore, .ignore]
    ),
    (
      .verdict(.rejected, account: .ordinary),
      [
        .ignore, .ignore, rejected(.credentials), rejected(.credentials), rejected(.credentials), .ignore,
        rejected(.credentials), .ignore, .ignore,
      ]
    ),
    (
      .verdict(.acceptable, account: .ordinary),
      [
        .ignore, .ignore, .publicKeyOK(algorithm: "ssh-ed25519", key: [1, 2, 3]), internalError, internalError,
        .ignore, internalError, .ignore, .ignore,
      ]
    ),
    (
      .verdict(.accepted, account: .ordinary),
      [
        .ignore, .ignore, internalError, .accept(user: "anna", steps: [.publicKey]),
        .accept(user: "anna", steps: [.password]), .ignore, .accept(user: "anna", steps: [.keyboardInteractive]),
        .ignore, .ignore,
      ]
    ),
  ]

  @Test func `every event in every state leads to the action in the table`() {
    for (event, actions) in Self.table {
      #expect(actions.count == Self.waysIn.count)
      for (way, action) in zip(Self.waysIn, actions) {
        var machine = Self.machine(way.events)
        #expect(machine.handle(event) == action, "\(way.name) × \(event)")
      }
    }
  }

  @Test func `a machine that is disconnected or logged in stays so`() {
    for way in Self.waysIn {
      for (event, _) in Self.table {
        var machine = Self.machine(way.events)
        switch machine.handle(event) {
        case .disconnect: #expect(machine.state == .disconnected)
        case .accept: #expect(machine.state == .loggedIn)
        case .verifyPublicKey, .verifyPassword, .verifyCode, .prompt, .reject, .acceptPartly, .publicKeyOK, .ignore:
          #expect(machine.state != .disconnected || way.name == "disconnected")
          #expect(machine.state != .loggedIn || way.name == "logged in")
        }
      }
    }
  }

  @Test func `there is no login without an accepted verdict on a signature or password`() {
    // Tries every sequence of three events from every state: a login may follow only such a verdict.
    let events = Self.table.map(\.event)
    for way in Self.waysIn where way.name != "logged in" {
      for first in events {
        for second in events {
          for third in events {
            var machine = Self.machine(way.events)
            for event in [first, second, third] {
              let before = machine.state
              guard case .accept = machine.handle(event) else { continue }
              #expect(event == .verdict(.accepted, account: .ordinary))
              switch before {
              case .verifying: break
              case .waitingForRequest, .verifyingOffer, .prompting, .loggedIn, .disconnected:
                Issue.record("logged in from \(before)")
              }
            }
          }
        }
      }
    }
  }

  @Test func `the sixth counted failure ends the connection`() {
    var machine = Self.machine([.request(Self.none)])
    for count in 1...5 {
      _ = machine.handle(.request(Self.password))
      #expect(machine.handle(.verdict(.rejected, account: .ordinary)) == Self.rejected(.credentials))
      #expect(machine.failures == count)
    }
    _ = machine.handle(.request(Self.password))
    #expect(
      machine.handle(.verdict(.rejected, account: .ordinary))
        == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `the first none request is free and later ones count as failures`() {
    var machine = Self.machine([.request(Self.none)])
    #expect(machine.failures == 0)
    for _ in 1...5 { #expect(machine.handle(.request(Self.none)) == Self.rejected(.noneMethod)) }
    #expect(
      machine.handle(.request(Self.none)) == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `abandoned prompts count as failures`() {
    var machine = Self.machine([.request(Self.interactive)])
    for _ in 1...5 { #expect(machine.handle(.request(Self.interactive)) == .prompt(.password)) }
    #expect(
      machine.handle(.request(Self.interactive)) == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test func `the twenty-first key offer ends the connection`() {
    var machine = Self.machine([])
    for _ in 1...20 {
      #expect(machine.handle(.request(Self.offer)) == .verifyPublicKey(user: "anna"))
      #expect(machine.handle(.verdict(.rejected, account: .ordinary)) == Self.rejected(.credentials))
    }
    #expect(machine.failures == 0)
    #expect(
      machine.handle(.request(Self.offer)) == .disconnect(code: 2, text: "Too many authentication failures"))
  }

  @Test(arguments: [
    (Machine.PermitRoot.no, false, false), (.publicKey, true, false), (.yes, true, true),
  ])
  func `root logs in only as the policy permits`(permit: Machine.PermitRoot, byKey: Bool, byPassword: Bool) {
    let policy = Self.policy(root: permit)
    var machine = Self.machine([.request(Self.signed)], policy)
    #expect(
      machine.handle(.verdict(.accepted, account: .root))
        == (byKey ? .accept(user: "anna", steps: [.publicKey]) : Self.rejected(.rootNotPermitted)))
    machine = Self.machine([.request(Self.offer)], policy)
    #expect(
      machine.handle(.verdict(.acceptable, account: .root))
        == (byKey
          ? .publicKeyOK(algorithm: "ssh-ed25519", key: [1, 2, 3]) : Self.rejected(.rootNotPermitted)))
    machine = Self.machine([.request(Self.password)], policy)
    #expect(
      machine.handle(.verdict(.accepted, account: .root))
        == (byPassword ? .accept(user: "anna", steps: [.password]) : Self.rejected(.rootNotPermitted)))
    machine = Self.machine([.request(Self.interactive), .infoResponse(Self.answer)], policy)
    #expect(
      machine.handle(.verdict(.accepted, account: .root))
        == (byPassword ? .accept(user: "anna", steps: [.keyboardInteractive]) : Self.rejected(.rootNotPermitted)))
  }

  @Test func `a user without an account does not log in whatever the verdict`() {
    for request in [Self.signed, Self.password] {
      var machine = Self.machine([.request(request)])
      #expect(machine.handle(.verdict(.accepted, account: .none)) == Self.rejected(.noAccount))
      #expect(machine.failures == 1)
    }
    var machine = Self.machine([.request(Self.offer)])
    #expect(machine.handle(.verdict(.acceptable, account: .none)) == Self.rejected(.noAccount))
  }

  @Test func `a step refused by policy gains nothing and other steps still do`() {
    var policy = Self.policy()
    policy.refusals = [.password: .methodNotAllowed, .keyboardInteractive: .passwordExpired]
    var machine = Self.machine([.request(Self.password)], policy)
    #expect(machine.handle(.verdict(.accepted, account: .ordinary)) == Self.rejected(.methodNotAllowed))
    #expect(machine.failures == 1)
    machine = Self.machine([.request(Self.interactive), .infoResponse(Self.answer)], policy)
    #expect(machine.handle(.verdict(.accepted, account: .ordinary)) == Self.rejected(.passwordExpired))
    machine = Self.machine([.request(Self.signed)], policy)
    guard case .accept = machine.handle(.verdict(.accepted, account: .ordinary)) else {
      Issue.record("the key was not taken")
      return
    }
    policy.refusals = [.publicKey: .userDenied]
    machine = Self.machine([.request(Self.offer)], policy)
    #expect(machine.handle(.verdict(.acceptable, account: .ordinary)) == Self.rejected(.userDenied))
    machine = Self.machine([.request(Self.signed)], policy)
    #expect(machine.handle(.verdict(.accepted, account: .none)) == Self.rejected(.noAccount))
  }

  @Test func `user id 0 and the name root are both classified as root`() {
    #expect(Machine.AccountKind(name: "toor", uid: 0) == .root)
    #expect(Machine.AccountKind(name: "root", uid: 1000) == .root)
    #expect(Machine.AccountKind(name: "anna", uid: 1000) == .ordinary)
    #expect(Machine.AccountKind(name: "root", uid: nil) == .none)
  }

  @Test(arguments: ["Anna", "root", "ann", "annaa"])
  func `the user name may not change between requests`(name: String) {
    var machine = Self.machine([.request(Self.none)])
    guard case .disconnect(code: 2, _) = machine.handle(.request(Requests.none(user: name))) else {
      Issue.record("not disconnected")
      return
    }
  }

  @Test func `names that look alike but differ in their bytes are different users`() {
    var machine = Self.machine([.request(Requests.none(user: "ren\u{e9}"))])
    guard case .disconnect(code: 2, _) = machine.handle(.request(Requests.none(user: "rene\u{301}"))) else {
      Issue.record("not disconnected")
      return
    }
  }

  @Test func `a request for a service other than ssh-connection ends the connection`() {
    var machine = Self.machine([])
    guard case .disconnect(code: 7, _) = machine.handle(.request(Requests.none(service: "ssh-userauth"))) else {
      Issue.record("not disconnected")
      return
    }
  }

  @Test(arguments: Machine.Method.allCases)
  func `a method that is not enabled is refused and counted`(method: Machine.Method) {
    let others = Machine.Method.allCases.filter { $0 != method }
    let requests: [UserauthRequest] =
      switch method {
      case .publicKey: [Self.offer, Self.signed]
      case .password: [Self.password, Requests.passwordChange()]
      case .keyboardInteractive: [Self.interactive]
      }
    for request in requests {
      var machine = Self.machine([], Self.policy(others))
      #expect(machine.handle(.request(request)) == .reject(continuing: others, .methodNotEnabled))
      #expect(machine.failures == 1)
      #expect(machine.state == .waitingForRequest)
    }
  }
}
