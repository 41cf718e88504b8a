import AccessControl
import Audit
import Authentication
import IPC
import Wire

extension ConnectionMachine {
  /// A message of a client that logs in.
  enum ClientMessage: Equatable, Sendable {
    case request(UserauthRequest, payload: SecretBytes)
    case response(InfoResponse)
  }

  /// What an authority said about the user, as soon as it did.
  var accountAnswer: AccountAnswer? {
    switch identity {
    case .unknown, .asked: nil
    case .checking(let answer, _, _), .known(let answer): answer
    }
  }

  /// An authority says who the user is; nil: it could not, and the next request asks again.
  mutating func account(_ answer: AccountAnswer?, at now: Int64) -> [Action] {
    switch phase {
    case .starting, .keyExchange, .opening, .loggedIn, .closing: return []
    case .authenticating: break
    }
    guard case .asked(let user, let message) = identity else { return [] }
    guard let answer else {
      identity = .unknown
      let actions = self.answer(message, at: now)
      guard judgement != nil else { return actions }
      judgement?.stage = .verdict
      return actions + judged(nil, at: now)
    }
    identity = .checking(answer, user: user, message)
    guard let question = comparison(of: user).question(answer) else { return decide(nil, at: now) }
    return [.setTimer(.accountCheck, milliseconds: Self.accountCheckTime), .checkAccount(question)]
  }

  private func comparison(of user: String) -> AccountComparison {
    AccountComparison(
      user: user, address: IPAddress(context.client.address) ?? .unspecified, settings: context.settings,
      singleUser: context.singleUser)
  }

  private mutating func startLookUp(_ answer: AccountAnswer) -> [Action] {
    guard context.looksKeysUp && !answer.lookUpPaths.isEmpty else {
      lookUp = .done([], isAlive: false)
      return []
    }
    lookUp = .running
    return [
      .setTimer(.lookUp, milliseconds: Self.lookUpTime), .startLookUp(answer.lookUp, paths: answer.lookUpPaths),
    ]
  }

  /// What the system says about the account; nil: that is not known, and nobody gets in.
  mutating func accountChecked(_ state: AccountState?, at now: Int64) -> [Action] {
    guard phase == .authenticating, case .checking = identity else { return [] }
    return [.cancelTimer(.accountCheck)] + decide(state, at: now)
  }

  /// Everything is known that rules look at: from now on they apply, keys are looked up, and the client's message is
  /// answered.
  private mutating func decide(_ state: AccountState?, at now: Int64) -> [Action] {
    guard case .checking(let told, let user, let message) = identity else { return [] }
    let (answer, fault) = comparison(of: user).verified(told, state)
    identity = .known(answer)
    var actions: [Action] = []
    if let fault { actions.append(.log(.error, "an authority's account of \(user.quoted()) does not count: \(fault)")) }
    var applicant = context.applicant(user, answer)
    let blocks = context.settings.matching(applicant)
    context.settings = context.settings.applying(blocks)
    if !blocks.isEmpty {
      let names = blocks.map { "match[\($0)]" }.joined(separator: ", ")
      actions.append(.log(.debug, "for \(user.quoted()) holds \(names)"))
    }
    applicant.account = status(state)
    applicant.isRoot = accountKind(of: user) == .root
    authentication.policy = context.settings.policy(for: applicant)
    if let refusal = answer.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal)"))
    } else if let first = context.settings.refusal(ofEveryStep: applicant), let refusal = first.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal.rawValue) (\(first))"))
    }
    return actions + startLookUp(answer) + self.answer(message, at: now)
  }

  private func status(_ state: AccountState?) -> AccountStatus? {
    if context.singleUser != nil { return AccountStatus() }
    return state.map {
      AccountStatus(
        isLocked: $0.isLocked, isExpired: $0.isExpired, isPasswordExpired: $0.isPasswordExpired)
    }
  }

  /// Whose rights a login as `user` would have.
  func accountKind(of user: String) -> AuthenticationMachine.AccountKind {
    AuthenticationMachine.AccountKind(name: user, uid: accountAnswer?.login?.uid)
  }

  /// What to tell a user who has proven who they are, while nobody but root is let in; nil: they are let in. nologin(5)
  func noLoginsNotice(for user: String) -> String? {
    guard let notice = accountAnswer?.noLogins, accountKind(of: user) != .root else { return nil }
    let text = String(
      String.UnicodeScalarView(
        notice.unicodeScalars.filter { $0 == "\n" || $0.properties.generalCategory != .control }))
    // A goodbye has at most 1,024 bytes; the last character may be cut and become U+FFFD.
    return text.isEmpty ? "Nobody but root may log in now" : String(decoding: text.utf8.prefix(1000), as: UTF8.self)
  }
}
