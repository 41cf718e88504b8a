import AccessControl
import IPC

/// A question to an authority, and who waits for its answer. A connection has at most one of each purpose.
struct Ticket: Hashable, Sendable {
  /// What an answer is for.
  enum Purpose: CaseIterable, Sendable {
    case signature, hostKeyProofs, account, verdict, code
  }

  let connection: UInt64
  let purpose: Purpose

  /// The ticket of a question that `connection` asks.
  init(connection: UInt64, for question: SupervisorToAuthority) {
    self.connection = connection
    switch question {
    case .sign: purpose = .signature
    case .proveHostKeys: purpose = .hostKeyProofs
    case .account: purpose = .account
    case .publicKey, .password: purpose = .verdict
    case .code: purpose = .code
    }
  }

  /// True when `answer` is one to such a question.
  func fits(_ answer: AuthorityToSupervisor) -> Bool {
    switch answer {
    case .ready: false
    case .signed: purpose == .signature
    case .proved: purpose == .hostKeyProofs
    case .account: purpose == .account
    case .verdict: purpose == .verdict
    case .code: purpose == .code
    }
  }
}

/// Which authority answers what, and when. Decides only: the supervisor starts, asks and ends them.
///
/// An authority has one question at a time. Passwords take long and accounts may (a directory service that hangs), so
/// they wait for everything else, and never occupy the last authority that is free. Sources take turns, and one that has
/// a question under way waits for those that have none: a flood of passwords from one source delays another's by one
/// hash at most. One that dies or hangs fails the question it had, and nothing else.
struct AuthorityPool: Sendable {
  /// What to do now.
  enum Action: Equatable, Sendable {
    /// Start one, and say `started` or `startFailed`.
    case start
    /// Say `restartTime` after so many milliseconds.
    case restartAfter(milliseconds: Int64)
    case ask(authority: UInt64, Ticket, SupervisorToAuthority)
    /// Say `hung` unless it has answered after ``AuthorityPool/patience``.
    case watch(authority: UInt64)
    case stopWatching(authority: UInt64)
    /// Nil: there is no answer; the request is to be rejected.
    case answer(Ticket, AuthorityToSupervisor?)
    /// It is not needed any more: let it end.
    case retire(authority: UInt64)
    case kill(authority: UInt64, reason: String)
  }

  /// Milliseconds that an authority may take to start or to answer.
  static let patience: Int64 = 30_000
  /// Questions of one class that may wait.
  static let queueLimit = 256

  private enum State: Equatable {
    case starting, idle
    case busy(Ticket)
    /// Told to end, or killed.
    case ending
  }

  private struct Member {
    let number: UInt64
    var state: State
    /// Who asked the question that it has.
    var source: ClientSource?
    /// Belongs to an older configuration: gets nothing more.
    var isRetiring = false
  }

  private struct Question {
    let ticket: Ticket
    let content: SupervisorToAuthority
    let source: ClientSource
  }

  private let size: Int
  private var members: [Member] = []
  private var prompt = FairQueue<Question>(limit: queueLimit)
  private var slow = FairQueue<Question>(limit: queueLimit)
  private var backoff = Backoff()
  private var plannedStarts = 0

  /// Keeps `size` authorities, at least 2: with one, no account would ever be looked up.
  init(size: Int = 3) { self.size = max(size, 2) }

  /// How many could take a question now.
  var idleCount: Int { members.count { $0.state == .idle && !$0.isRetiring } }

  /// How many questions wait.
  var waitingCount: Int { prompt.count + slow.count }

  /// Takes an authority that is ready as the first of a new configuration; those before it get no more questions.
  mutating func adopt(_ number: UInt64) -> [Action] {
    var actions: [Action] = []
    for i in members.indices where !members[i].isRetiring {
      members[i].isRetiring = true
      switch members[i].state {
      case .starting, .idle:
        actions.append(contentsOf: retire(i))
      case .busy, .ending: break
      }
    }
    members.append(Member(number: number, state: .idle))
    return actions + fill() + dispatch()
  }

  /// A question of a connection from `source`.
  mutating func ask(_ content: SupervisorToAuthority, for connection: UInt64, from source: ClientSource) -> [Action] {
    let question = Question(ticket: Ticket(connection: connection, for: content), content: content, source: source)
    let dropped: Question? =
      switch content {
      case .sign, .proveHostKeys, .publicKey, .code: prompt.add(question, from: source)
      case .account, .password: slow.add(question, from: source)
      }
    return (dropped.map { [.answer($0.ticket, nil)] } ?? []) + dispatch()
  }

  /// The connection is over: its questions that wait are dropped. The answer to one that is under way still comes.
  mutating func forget(connection: UInt64) {
    prompt.removeAll { $0.ticket.connection == connection }
    slow.removeAll { $0.ticket.connection == connection }
  }

  /// The authority that `start` asked for runs.
  mutating func started(_ number: UInt64) -> [Action] {
    members.append(Member(number: number, state: .starting))
    return [.watch(authority: number)]
  }

  /// The authority that `start` asked for could not be started.
  mutating func startFailed() -> [Action] { replace() }

  /// The time of `restartAfter` has come.
  mutating func restartTime() -> [Action] {
    plannedStarts = max(plannedStarts - 1, 0)
    return fill()
  }

  /// An authority said something.
  mutating func received(_ message: AuthorityToSupervisor, from number: UInt64) -> [Action] {
    guard let i = index(of: number) else { return [] }
    switch members[i].state {
    case .starting:
      guard case .ready = message else { return kill(i, "answered before it was asked") }
      members[i].state = .idle
      return [.stopWatching(authority: number)] + dispatch()
    case .idle:
      return kill(i, "answered without a question")
    case .busy(let ticket):
      guard ticket.fits(message) else { return kill(i, "gave an answer to another question") }
      backoff.succeed()
      members[i].state = .idle
      members[i].source = nil
      var actions: [Action] = [.stopWatching(authority: number), .answer(ticket, message)]
      if members[i].isRetiring { actions += retire(i) }
      return actions + dispatch()
    case .ending:
      return []
    }
  }

  /// An authority has had ``patience`` milliseconds.
  mutating func hung(_ number: UInt64) -> [Action] {
    guard let i = index(of: number) else { return [] }
    switch members[i].state {
    case .starting: return kill(i, "was not ready after \(Self.patience / 1000) s")
    case .busy: return kill(i, "did not answer within \(Self.patience / 1000) s")
    case .idle, .ending: return []
    }
  }

  /// An authority sent what is no message.
  mutating func misbehaved(_ number: UInt64, _ reason: String) -> [Action] {
    guard let i = index(of: number) else { return [] }
    return kill(i, reason)
  }

  /// An authority has ended.
  mutating func ended(_ number: UInt64) -> [Action] {
    guard let i = index(of: number) else { return [] }
    let member = members.remove(at: i)
    var actions: [Action] = [.stopWatching(authority: number)]
    if case .busy(let ticket) = member.state { actions.append(.answer(ticket, nil)) }
    return member.isRetiring ? actions : actions + replace()
  }

  private func index(of number: UInt64) -> Int? { members.firstIndex { $0.number == number } }

  private mutating func retire(_ i: Int) -> [Action] {
    members[i].state = .ending
    return [.stopWatching(authority: members[i].number), .retire(authority: members[i].number)]
  }

  /// The question that it had fails at once, not only when the process has gone.
  private mutating func kill(_ i: Int, _ reason: String) -> [Action] {
    let member = members[i]
    members[i].state = .ending
    var actions: [Action] = [
      .stopWatching(authority: member.number), .kill(authority: member.number, reason: reason),
    ]
    if case .busy(let ticket) = member.state { actions.append(.answer(ticket, nil)) }
    return actions
  }

  private mutating func replace() -> [Action] {
    plannedStarts += 1
    return [.restartAfter(milliseconds: backoff.fail())]
  }

  private mutating func fill() -> [Action] {
    let missing = size - plannedStarts - members.count { !$0.isRetiring }
    return Array(repeating: .start, count: max(missing, 0))
  }

  private mutating func dispatch() -> [Action] {
    var actions: [Action] = []
    while let i = members.firstIndex(where: { $0.state == .idle && !$0.isRetiring }) {
      guard let question = nextQuestion() else { break }
      members[i].state = .busy(question.ticket)
      members[i].source = question.source
      actions.append(.ask(authority: members[i].number, question.ticket, question.content))
      actions.append(.watch(authority: members[i].number))
    }
    return actions
  }

  /// Of the sources with the fewest questions under way, the one whose turn it is.
  private mutating func nextQuestion() -> Question? {
    for limit in 0...members.count {
      let isLight = { [members] (source: ClientSource) in members.count { $0.source == source } <= limit }
      if let question = prompt.next(isLight) { return question }
      guard idleCount >= 2 else { continue }
      // An account is known before a password is hashed, as a rule.
      if let question = slow.next(isLight, isQuick: { $0.ticket.purpose == .account }) { return question }
    }
    return nil
  }
}
