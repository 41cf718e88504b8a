import AccessControl
import Authentication
import Configuration
import IPC
import Model

/// Looks up the account of a connection's user: by an authority, and by a process that reads the system's account as root.
///
/// ``AccountComparison`` compares both. Until then nothing about the user is known, not even the methods.
struct AccountLookUp: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action
  typealias Reaction = ConnectionMachine.Reaction

  private enum State: Equatable {
    case unknown
    case asked(user: String)
    /// The authority has replied; the system's account is being read.
    case checking(AccountReply, user: String)
    case known(AccountReply)
  }

  /// Time limit for reading the system's account, in milliseconds.
  static let systemTime: Int64 = 10_000

  private var state: State = .unknown

  /// The result; nil: not known yet.
  var answer: AccountReply? { if case .known(let answer) = state { answer } else { nil } }

  /// Asks an authority about the user.
  mutating func ask(_ user: String, _ context: ConnectionMachine.Context) -> [Action] {
    state = .asked(user: user)
    return [.ask(.account(user: user, address: context.client.address))]
  }

  /// Handles the authority's reply; nil: there is none.
  mutating func authorityAnswered(_ answer: AccountReply?, _ context: inout ConnectionMachine.Context) -> Reaction {
    guard case .asked(let user) = state else { return Reaction() }
    guard let answer else {
      state = .unknown
      return Reaction(next: .accountUnavailable)
    }
    guard let question = AccountComparison(user, context).question(answer) else {
      return decide(user, answer, nil, &context)
    }
    state = .checking(answer, user: user)
    return Reaction([.setTimer(.accountCheck, milliseconds: Self.systemTime), .checkAccount(question)])
  }

  /// Handles the system's account; nil: it could not be read, and no login is allowed.
  mutating func systemAnswered(_ account: AccountState?, _ context: inout ConnectionMachine.Context) -> Reaction {
    guard case .checking(let answer, let user) = state else { return Reaction() }
    return decide(user, answer, account, &context, [.cancelTimer(.accountCheck)])
  }

  /// Compares both replies, applies the `match` blocks that select the user, and logs both.
  private mutating func decide(
    _ user: String, _ said: AccountReply, _ account: AccountState?, _ context: inout ConnectionMachine.Context,
    _ before: [Action] = []
  ) -> Reaction {
    let (answer, fault) = AccountComparison(user, context).verified(said, account)
    state = .known(answer)
    var actions = before
    if let fault { actions.append(.log(.error, "an authority's account of \(user.quoted()) does not count: \(fault)")) }
    var attempt = context.attempt(user, answer)
    let blocks = context.settings.matching(attempt)
    context.settings = context.settings.applying(blocks)
    if !blocks.isEmpty {
      let names = blocks.map { "match[\($0)]" }.joined(separator: ", ")
      actions.append(.log(.debug, "for \(user.quoted()) holds \(names)"))
    }
    attempt.account = context.singleUser == nil ? account?.status : AccountStatus()
    if let refusal = answer.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal)"))
    } else if let first = context.settings.refusal(ofEveryStep: attempt), let refusal = first.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal.rawValue) (\(first))"))
    }
    return Reaction(actions, next: .accountKnown(answer, context.settings.policy(for: attempt)))
  }
}

extension AccountComparison {
  /// The comparison for a user of this connection.
  fileprivate init(_ user: String, _ context: ConnectionMachine.Context) {
    self.init(
      user: user, address: context.clientAddress, settings: context.settings, singleUser: context.singleUser)
  }
}
