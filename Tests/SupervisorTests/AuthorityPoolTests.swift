import AccessControl
import IPC
import Testing

@testable import Supervisor

@Suite struct AuthorityPoolTests {
  private let sign = SupervisorToAuthority.sign(hostKey: [], algorithm: "a", hash: [])
  private let password = SupervisorToAuthority.password(user: "u", password: [])
  private let here = ClientSource(IPAddress("192.0.2.1")!)

  /// A pool with two idle authorities, 1 and 2.
  private func ready() -> AuthorityPool {
    var pool = AuthorityPool(size: 2)
    #expect(pool.adopt(1) == [.start])
    #expect(pool.started(2) == [.watch(authority: 2)])
    _ = pool.received(.ready(hostKeys: []), from: 2)
    return pool
  }

  private func asked(_ actions: [AuthorityPool.Action]) -> [UInt64] {
    actions.compactMap { if case .ask(_, let ticket, _) = $0 { ticket.connection } else { nil } }
  }

  @Test func `an authority has one question at a time, first come, first served`() {
    var pool = ready()
    #expect(asked(pool.ask(sign, for: 10, from: here)) == [10])
    #expect(asked(pool.ask(sign, for: 11, from: here)) == [11])
    #expect(asked(pool.ask(sign, for: 12, from: here)) == [])
    #expect(asked(pool.ask(sign, for: 13, from: here)) == [])
    #expect(asked(pool.received(.signed([1]), from: 2)) == [12])
    #expect(asked(pool.received(.signed([1]), from: 1)) == [13])
  }

  @Test func `passwords never occupy the last free authority`() {
    var pool = ready()
    #expect(asked(pool.ask(password, for: 10, from: here)) == [10])
    #expect(asked(pool.ask(password, for: 11, from: here)) == [])
    #expect(asked(pool.ask(sign, for: 12, from: here)) == [12])
    #expect(asked(pool.received(.signed(nil), from: 2)) == [])
    #expect(asked(pool.received(.verdict(Verdict(outcome: .rejected)), from: 1)) == [11])
  }

  @Test func `codes, which are quick, do not wait for passwords`() {
    var pool = ready()
    let code = SupervisorToAuthority.code(user: "u", code: [])
    _ = pool.ask(password, for: 10, from: here)
    #expect(asked(pool.ask(code, for: 11, from: here)) == [11])
    #expect(pool.received(.code(.wrong), from: 2).contains(.answer(Ticket(connection: 11, for: code), .code(.wrong))))
  }

  @Test(arguments: [AuthorityToSupervisor.verdict(Verdict(outcome: .accepted)), .signed(nil)])
  func `only an answer to a code is one: a verdict would say nothing of its step`(answer: AuthorityToSupervisor) {
    var pool = ready()
    let code = SupervisorToAuthority.code(user: "u", code: [])
    _ = pool.ask(code, for: 11, from: here)
    let actions = pool.received(answer, from: 1)
    #expect(actions.contains(.kill(authority: 1, reason: "gave an answer to another question")))
    #expect(actions.contains(.answer(Ticket(connection: 11, for: code), nil)))
  }

  @Test func `accounts that take long never keep a key exchange waiting`() {
    var pool = ready()
    let account = SupervisorToAuthority.account(user: "u", address: "192.0.2.7")
    #expect(asked(pool.ask(account, for: 10, from: here)) == [10])
    #expect(asked(pool.ask(account, for: 11, from: here)) == [])
    #expect(asked(pool.ask(password, for: 12, from: here)) == [])
    #expect(asked(pool.ask(sign, for: 13, from: here)) == [13])
    pool.forget(connection: 11)
    #expect(asked(pool.received(.signed(nil), from: 2)) == [])
    #expect(asked(pool.hung(1)) == [])
    #expect(pool.waitingCount == 1)
  }

  @Test func `everything else goes before passwords`() {
    var pool = ready()
    _ = pool.ask(sign, for: 1, from: here)
    _ = pool.ask(sign, for: 2, from: here)
    _ = pool.ask(password, for: 3, from: here)
    _ = pool.ask(sign, for: 4, from: here)
    #expect(asked(pool.received(.signed(nil), from: 1)) == [4])
  }

  @Test func `a queue that is full rejects, and passwords cannot fill the others' queue`() {
    var pool = ready()
    _ = pool.ask(password, for: 0, from: here)
    for connection in 1...UInt64(AuthorityPool.queueLimit) {
      #expect(pool.ask(password, for: connection, from: here) == [])
    }
    let ticket = Ticket(connection: 999, for: password)
    #expect(pool.ask(password, for: 999, from: here) == [.answer(ticket, nil)])
    #expect(asked(pool.ask(sign, for: 1000, from: here)) == [1000])
    #expect(pool.ask(sign, for: 1001, from: here) == [])
  }

  @Test func `one that dies fails only its question, and is started again later each time`() {
    var pool = ready()
    _ = pool.ask(sign, for: 10, from: here)
    let actions = pool.ended(1)
    #expect(actions.contains(.answer(Ticket(connection: 10, for: sign), nil)))
    #expect(actions.last == .restartAfter(milliseconds: 100))
    var delays: [Int64] = []
    for number in UInt64(3)...9 {
      #expect(pool.restartTime() == [.start])
      _ = pool.started(number)
      for case .restartAfter(let delay) in pool.ended(number) { delays.append(delay) }
    }
    #expect(delays == [200, 400, 800, 1600, 3200, 5000, 5000])
  }

  @Test func `an answer ends the waiting`() {
    var pool = ready()
    _ = pool.ended(1)
    _ = pool.ask(sign, for: 10, from: here)
    _ = pool.received(.signed(nil), from: 2)
    #expect(pool.ended(2).last == .restartAfter(milliseconds: 100))
  }

  @Test func `one that hangs is killed and its question fails at once`() {
    var pool = ready()
    _ = pool.ask(sign, for: 10, from: here)
    let actions = pool.hung(1)
    #expect(actions.contains(.kill(authority: 1, reason: "did not answer within 30 s")))
    #expect(actions.contains(.answer(Ticket(connection: 10, for: sign), nil)))
    #expect(pool.received(.signed([1]), from: 1) == [])
    #expect(pool.hung(2) == [])
  }

  @Test func `an answer that nobody asked for, or to another question, ends the authority`() {
    var pool = ready()
    #expect(pool.received(.signed([1]), from: 1).contains(.kill(authority: 1, reason: "answered without a question")))
    _ = pool.ask(password, for: 5, from: here)
    _ = pool.ask(sign, for: 6, from: here)
    let actions = pool.received(.verdict(Verdict(outcome: .accepted)), from: 2)
    #expect(actions.contains(.kill(authority: 2, reason: "gave an answer to another question")))
    #expect(actions.contains(.answer(Ticket(connection: 6, for: sign), nil)))
  }

  @Test func `no verdict of an authority that has no question reaches a connection`() {
    var pool = ready()
    let messages: [AuthorityToSupervisor] = [
      .ready(hostKeys: []), .signed([1]), .proved([1]), .account(Scenario.known()),
      .verdict(Verdict(outcome: .accepted)),
    ]
    for message in messages {
      for number in UInt64(0)...3 {
        #expect(
          !pool.received(message, from: number).contains { if case .answer = $0 { true } else { false } })
      }
    }
  }

  @Test func `new settings: the old finish what they have and get nothing more`() {
    var pool = ready()
    _ = pool.ask(sign, for: 10, from: here)
    let actions = pool.adopt(7)
    #expect(actions.contains(.retire(authority: 2)) && !actions.contains(.retire(authority: 1)))
    #expect(actions.contains(.start))
    #expect(pool.ask(sign, for: 11, from: here).contains(.ask(authority: 7, Ticket(connection: 11, for: sign), sign)))
    #expect(pool.ask(sign, for: 12, from: here) == [])
    let end = pool.received(.signed([1]), from: 1)
    #expect(end.contains(.answer(Ticket(connection: 10, for: sign), .signed([1]))))
    #expect(end.contains(.retire(authority: 1)) && asked(end) == [])
    #expect(pool.ended(1) == [.stopWatching(authority: 1)])
  }

  @Test func `a connection that is over no longer waits`() {
    var pool = ready()
    _ = pool.ask(sign, for: 1, from: here)
    _ = pool.ask(sign, for: 2, from: here)
    _ = pool.ask(sign, for: 3, from: here)
    pool.forget(connection: 3)
    #expect(pool.waitingCount == 0)
  }

  // MARK: Fairness

  private let flooder = ClientSource(IPAddress("203.0.113.1")!)

  @Test(arguments: [2, 3, 5]) func `a flood of passwords from one source delays another's by one hash at most`(
    size: Int
  ) {
    for flood in [1, 2, 10, AuthorityPool.queueLimit, 2 * AuthorityPool.queueLimit] {
      for finished in 0..<8 {
        var pool = AuthorityPool(size: size)
        _ = pool.adopt(1)
        for number in 2...UInt64(size) {
          _ = pool.started(number)
          _ = pool.received(.ready(hostKeys: []), from: number)
        }
        var busy: [UInt64] = []
        func take(_ actions: [AuthorityPool.Action]) -> [UInt64] {
          for case .ask(let authority, _, _) in actions { busy.append(authority) }
          return asked(actions)
        }
        for connection in 0..<UInt64(flood) { _ = take(pool.ask(password, for: connection, from: flooder)) }
        func finishOne() -> [UInt64] {
          guard !busy.isEmpty else { return [] }
          return take(pool.received(.verdict(Verdict(outcome: .rejected)), from: busy.removeFirst()))
        }
        for _ in 0..<finished { _ = finishOne() }
        // It is asked at once, or when the first hash that is under way has ended.
        let atOnce = take(pool.ask(password, for: 9999, from: here))
        #expect(atOnce.contains(9999) || finishOne().contains(9999))
      }
    }
  }

  @Test func `look-ups of one source's accounts do not delay another's passwords by more than one`() {
    var pool = ready()
    let account = SupervisorToAuthority.account(user: "u", address: "")
    for connection in 0..<UInt64(50) { _ = pool.ask(account, for: connection, from: flooder) }
    #expect(asked(pool.ask(password, for: 99, from: here)) == [])
    #expect(asked(pool.received(.account(Scenario.known()), from: 1)) == [99])
  }

  @Test func `a queue that one source has filled takes another's question, and rejects the flood's last one`() {
    var pool = ready()
    for connection in 0...UInt64(AuthorityPool.queueLimit) { _ = pool.ask(password, for: connection, from: flooder) }
    let last = Ticket(connection: UInt64(AuthorityPool.queueLimit), for: password)
    #expect(pool.ask(password, for: 999, from: here) == [.answer(last, nil)])
    #expect(pool.waitingCount == AuthorityPool.queueLimit)
    #expect(asked(pool.received(.verdict(Verdict(outcome: .rejected)), from: 1)) == [999])
  }
}
