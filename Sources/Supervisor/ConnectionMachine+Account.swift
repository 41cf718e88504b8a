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
    let blocks = context.settings.matching(context.applicant(user, answer))
    context.settings = context.settings.applying(blocks)
    identity = .checking(answer, user: user, message)
    let names = blocks.map { "match[\($0)]" }.joined(separator: ", ")
    return (blocks.isEmpty ? [] : [.log(.debug, "for \(user.quoted()) holds \(names)")]) + startLookUp(answer)
      + check(answer, at: now)
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

  private mutating func check(_ answer: AccountAnswer, at now: Int64) -> [Action] {
    guard let name = answer.systemName else { return decide(AccountStatus(), at: now) }
    return [.setTimer(.accountCheck, milliseconds: Self.accountCheckTime), .checkAccount(name)]
  }

  /// What shadow(5) says about the account; nil: that is not known, and nobody gets in.
  mutating func accountChecked(_ state: AccountState?, at now: Int64) -> [Action] {
    guard phase == .authenticating, case .checking = identity else { return [] }
    var status: AccountStatus?
    if let state {
      status = AccountStatus(
        isLocked: state.isLocked, isExpired: state.isExpired, isPasswordExpired: state.isPasswordExpired)
    }
    return [.cancelTimer(.accountCheck)] + decide(status, at: now)
  }

  /// Everything is known that rules look at: from now on they apply, and the client's message is answered.
  private mutating func decide(_ status: AccountStatus?, at now: Int64) -> [Action] {
    guard case .checking(let answer, let user, let message) = identity else { return [] }
    identity = .known(answer)
    var applicant = context.applicant(user, answer)
    applicant.account = status
    applicant.isRoot = accountKind(of: user) == .root
    authentication.policy = context.settings.policy(for: applicant)
    var actions: [Action] = []
    if let refusal = answer.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal)"))
    } else if let first = context.settings.refusal(ofEveryStep: applicant), let refusal = first.refusal {
      actions.append(.log(.info, "\(user.quoted()) cannot log in: \(refusal.rawValue) (\(first))"))
    }
    return actions + self.answer(message, at: now)
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
