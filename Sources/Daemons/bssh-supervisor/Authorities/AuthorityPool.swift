import AccessControl
import IPC

/// Identifies a request to an authority by the connection and the purpose. A connection has at most one request of each
/// purpose.
struct Ticket: Hashable, Sendable {
  /// The purpose of a request.
  enum Purpose: CaseIterable, Sendable {
    case signature, hostKeyProofs, account, verdict, code
  }

  let connection: UInt64
  let purpose: Purpose

  /// The ticket of a request of `connection`.
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

  /// True if `answer` is a reply to a request of this purpose.
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

/// Distributes requests to authorities. Decides only: the caller starts and ends them, and sends messages.
///
/// An authority handles one request at a time. Passwords take long and accounts may (a directory service that hangs), so
/// these have lower priority, and never occupy the last free authority. Sources are served in turn, and those without a
/// request being handled first: a flood of passwords from one source delays another source by one hash at most. An
/// authority that dies or hangs fails only the request that it handles.
struct AuthorityPool: Sendable {
  /// What the caller must do.
  enum Action: Equatable, Sendable {
    /// Start an authority, and call `started` or `startFailed`.
    case start
    /// Call `restartTime` after this time.
    case restartAfter(milliseconds: Int64)
    case ask(authority: UInt64, Ticket, SupervisorToAuthority)
    /// Call `hung` unless `stopWatching` follows within ``AuthorityPool/timeout``.
    case watch(authority: UInt64)
    case stopWatching(authority: UInt64)
    /// Deliver the reply; nil: there is none, and the request fails.
    case answer(Ticket, AuthorityToSupervisor?)
    /// Let this authority end.
    case retire(authority: UInt64)
    case kill(authority: UInt64, reason: String)
  }

  /// Time limit for an authority to start or to reply, in milliseconds.
  static let timeout: Int64 = 30_000
  /// Maximum number of waiting requests of each priority.
  static let queueLimit = 256

  private enum State: Equatable {
    case starting, idle
    case busy(Ticket)
    /// Asked to end, or killed.
    case ending
  }

  private struct Member {
    let number: UInt64
    var state: State
    /// The source of the request that it handles.
    var source: ClientSource?
    /// Belongs to an earlier configuration, and gets no more requests.
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

  /// Keeps `size` authorities, at least 2, because accounts never occupy the last free one.
  init(size: Int = 3) { self.size = max(size, 2) }

  /// The number of authorities that are ready for a request.
  var idleCount: Int { members.count { $0.state == .idle && !$0.isRetiring } }

  /// The number of waiting requests.
  var waitingCount: Int { prompt.count + slow.count }

  /// Adds a ready authority as the first one of a new configuration; earlier ones get no more requests.
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

  /// Adds a request of a connection from `source`.
  mutating func ask(_ content: SupervisorToAuthority, for connection: UInt64, from source: ClientSource) -> [Action] {
    let question = Question(ticket: Ticket(connection: connection, for: content), content: content, source: source)
    let dropped: Question? =
      switch content {
      case .sign, .proveHostKeys, .publicKey, .code: prompt.add(question, from: source)
      case .account, .password: slow.add(question, from: source)
      }
    return (dropped.map { [.answer($0.ticket, nil)] } ?? []) + dispatch()
  }

  /// Handles the end of a connection: its waiting requests are dropped. The reply to one that is being handled is still
  /// delivered.
  mutating func forget(connection: UInt64) {
    prompt.removeAll { $0.ticket.connection == connection }
    slow.removeAll { $0.ticket.connection == connection }
  }

  /// Handles that the authority of `start` is running.
  mutating func started(_ number: UInt64) -> [Action] {
    members.append(Member(number: number, state: .starting))
    return [.watch(authority: number)]
  }

  /// Handles that the authority of `start` could not be started.
  mutating func startFailed() -> [Action] { replace() }

  /// Handles the end of `restartAfter`.
  mutating func restartTime() -> [Action] {
    plannedStarts = max(plannedStarts - 1, 0)
    return fill()
  }

  /// Handles a message of an authority.
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

  /// Handles that an authority has not replied within ``timeout``.
  mutating func hung(_ number: UInt64) -> [Action] {
    guard let i = index(of: number) else { return [] }
    switch members[i].state {
    case .starting: return kill(i, "was not ready after \(Self.timeout / 1000) s")
    case .busy: return kill(i, "did not answer within \(Self.timeout / 1000) s")
    case .idle, .ending: return []
    }
  }

  /// Handles that an authority sent an invalid message.
  mutating func misbehaved(_ number: UInt64, _ reason: String) -> [Action] {
    guard let i = index(of: number) else { return [] }
    return kill(i, reason)
  }

  /// Handles the end of an authority.
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

  /// Kills an authority. Its request fails immediately, before the process has ended.
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

  /// The next request, from the sources with the fewest requests being handled.
  private mutating func nextQuestion() -> Question? {
    for limit in 0...members.count {
      let isLight = { [members] (source: ClientSource) in members.count { $0.source == source } <= limit }
      if let question = prompt.next(isLight) { return question }
      guard idleCount >= 2 else { continue }
      // Accounts come first, because they usually take less time than passwords.
      if let question = slow.next(isLight, isQuick: { $0.ticket.purpose == .account }) { return question }
    }
    return nil
  }
}
