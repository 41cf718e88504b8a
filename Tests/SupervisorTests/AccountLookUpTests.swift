import Audit
import Authentication
import Configuration
import Filter
import IPC
import Testing

@testable import Supervisor

@Suite struct AccountLookUpTests {
  typealias Reaction = ConnectionMachine.Reaction

  private static func answer(_ reaction: Reaction) -> AccountReply? {
    if case .accountKnown(let answer, _) = reaction.next { answer } else { nil }
  }

  @Test func `the user is not known before the system has replied`() {
    var context = Scenario.context(Settings())
    var lookUp = AccountLookUp()
    #expect(lookUp.ask("bob", context) == [.ask(Scenario.whoIsBob)])
    let asked = lookUp.authorityAnswered(Scenario.known(), &context)
    #expect(asked.next == nil && asked.actions.contains(where: \.checksAccount))
    #expect(lookUp.answer == nil)
    let reaction = lookUp.systemAnswered(Scenario.state(Scenario.known()), &context)
    #expect(reaction.actions.first == .cancelTimer(.accountCheck))
    #expect(lookUp.answer?.login == Scenario.account() && Self.answer(reaction) == lookUp.answer)
  }

  @Test func `unexpected replies are ignored`() {
    var context = Scenario.context(Settings())
    var lookUp = AccountLookUp()
    let before = (lookUp, context)
    #expect(lookUp.authorityAnswered(Scenario.known(), &context) == Reaction())
    #expect(lookUp.systemAnswered(Scenario.state(Scenario.known()), &context) == Reaction())
    #expect(lookUp == before.0 && context == before.1)
    _ = lookUp.ask("bob", context)
    #expect(lookUp.systemAnswered(Scenario.state(Scenario.known()), &context) == Reaction())
    _ = lookUp.authorityAnswered(Scenario.known(), &context)
    _ = lookUp.systemAnswered(Scenario.state(Scenario.known()), &context)
    let known = lookUp
    #expect(lookUp.authorityAnswered(Scenario.unknown, &context) == Reaction())
    #expect(lookUp.systemAnswered(nil, &context) == Reaction())
    #expect(lookUp == known)
  }

  @Test func `without an authority the next message causes a new look-up, also of another user`() {
    var context = Scenario.context(Settings())
    var lookUp = AccountLookUp()
    _ = lookUp.ask("bob", context)
    #expect(lookUp.authorityAnswered(nil, &context) == Reaction(next: .accountUnavailable))
    #expect(lookUp.authorityAnswered(Scenario.known(), &context) == Reaction())
    #expect(lookUp.ask("eve", context) == [.ask(.account(user: "eve", address: "203.0.113.7"))])
  }

  @Test func `without a reply of the system the account is refused`() {
    var context = Scenario.context(Settings())
    var lookUp = AccountLookUp()
    _ = lookUp.ask("bob", context)
    _ = lookUp.authorityAnswered(Scenario.known(), &context)
    let reaction = lookUp.systemAnswered(nil, &context)
    #expect(Self.answer(reaction)?.login == nil && Self.answer(reaction)?.refusal == .lookUpFailed)
    #expect(reaction.actions.lines() == ["'bob' cannot log in: \(AccountRefusal.lookUpFailed)"])
  }

  @Test func `without root the system is not asked`() {
    var context = Scenario.context(Settings())
    context.singleUser = 1000
    var lookUp = AccountLookUp()
    _ = lookUp.ask("bob", context)
    #expect(Self.answer(lookUp.authorityAnswered(Scenario.known(), &context))?.login == Scenario.account())
  }

  @Test func `match blocks apply as soon as the account is known and determine the policy`() {
    var block = Match()
    block.groups = [.init(NamePattern("staff"))]
    block.paths = ["auth.methods"]
    block.values.auth.methods = [.publicKey]
    var settings = Settings()
    settings.matches = [block]
    var context = Scenario.context(settings)
    var lookUp = AccountLookUp()
    _ = lookUp.ask("bob", context)
    var answer = Scenario.known()
    answer.groups = ["staff"]
    _ = lookUp.authorityAnswered(answer, &context)
    #expect(context.settings == settings)
    let reaction = lookUp.systemAnswered(Scenario.state(answer), &context)
    #expect(reaction.actions.lines(.debug) == ["for 'bob' holds match[0]"])
    guard case .accountKnown(_, let policy) = reaction.next else {
      Issue.record("the account is not known")
      return
    }
    #expect(policy.methods == [.publicKey] && context.settings.auth.methods == [.publicKey])
  }
}
