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

  @Test func `an authority handles one request at a time, in order`() {
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

  @Test func `codes do not wait for passwords`() {
    var pool = ready()
    let code = SupervisorToAuthority.code(user: "u", code: [])
    _ = pool.ask(password, for: 10, from: here)
    #expect(asked(pool.ask(code, for: 11, from: here)) == [11])
    #expect(pool.received(.code(.wrong), from: 2).contains(.answer(Ticket(connection: 11, for: code), .code(.wrong))))
  }

  @Test(arguments: [AuthorityToSupervisor.verdict(Verdict(outcome: .accepted)), .signed(nil)])
  func `only a reply about a code is accepted for a code`(answer: AuthorityToSupervisor) {
    var pool = ready()
    let code = SupervisorToAuthority.code(user: "u", code: [])
    _ = pool.ask(code, for: 11, from: here)
    let actions = pool.received(answer, from: 1)
    #expect(actions.contains(.kill(authority: 1, reason: "gave an answer to another question")))
    #expect(actions.contains(.answer(Ticket(connection: 11, for: code), nil)))
  }

  @Test func `slow account look-ups never delay a key exchange`() {
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

  @Test func `all other requests precede passwords`() {
    var pool = ready()
    _ = pool.ask(sign, for: 1, from: here)
    _ = pool.ask(sign, for: 2, from: here)
    _ = pool.ask(password, for: 3, from: here)
    _ = pool.ask(sign, for: 4, from: here)
    #expect(asked(pool.received(.signed(nil), from: 1)) == [4])
  }

  @Test func `a full queue rejects requests, and passwords cannot fill the queue of others`() {
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

  @Test func `an authority that dies fails only its request and is restarted after increasing pauses`() {
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

  @Test func `a reply stops the timer`() {
    var pool = ready()
    _ = pool.ended(1)
    _ = pool.ask(sign, for: 10, from: here)
    _ = pool.received(.signed(nil), from: 2)
    #expect(pool.ended(2).last == .restartAfter(milliseconds: 100))
  }

  @Test func `an authority that hangs is killed and its request fails immediately`() {
    var pool = ready()
    _ = pool.ask(sign, for: 10, from: here)
    let actions = pool.hung(1)
    #expect(actions.contains(.kill(authority: 1, reason: "did not answer within 30 s")))
    #expect(actions.contains(.answer(Ticket(connection: 10, for: sign), nil)))
    #expect(pool.received(.signed([1]), from: 1) == [])
    #expect(pool.hung(2) == [])
  }

  @Test func `an unexpected reply ends the authority`() {
    var pool = ready()
    #expect(pool.received(.signed([1]), from: 1).contains(.kill(authority: 1, reason: "answered without a question")))
    _ = pool.ask(password, for: 5, from: here)
    _ = pool.ask(sign, for: 6, from: here)
    let actions = pool.received(.verdict(Verdict(outcome: .accepted)), from: 2)
    #expect(actions.contains(.kill(authority: 2, reason: "gave an answer to another question")))
    #expect(actions.contains(.answer(Ticket(connection: 6, for: sign), nil)))
  }

  @Test func `no verdict of an authority without a request reaches a connection`() {
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

  @Test func `after new settings the earlier authorities complete their requests and get no more`() {
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

  @Test func `requests of an ended connection are dropped`() {
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
        // It is sent immediately, or after the first hash that is being computed.
        let atOnce = take(pool.ask(password, for: 9999, from: here))
        #expect(atOnce.contains(9999) || finishOne().contains(9999))
      }
    }
  }

  @Test func `account look-ups of one source delay another's passwords by one at most`() {
    var pool = ready()
    let account = SupervisorToAuthority.account(user: "u", address: "")
    for connection in 0..<UInt64(50) { _ = pool.ask(account, for: connection, from: flooder) }
    #expect(asked(pool.ask(password, for: 99, from: here)) == [])
    #expect(asked(pool.received(.account(Scenario.known()), from: 1)) == [99])
  }

  @Test func `a queue full of one source accepts another's request and rejects the newest of the flood`() {
    var pool = ready()
    for connection in 0...UInt64(AuthorityPool.queueLimit) { _ = pool.ask(password, for: connection, from: flooder) }
    let last = Ticket(connection: UInt64(AuthorityPool.queueLimit), for: password)
    #expect(pool.ask(password, for: 999, from: here) == [.answer(last, nil)])
    #expect(pool.waitingCount == AuthorityPool.queueLimit)
    #expect(asked(pool.received(.verdict(Verdict(outcome: .rejected)), from: 1)) == [999])
  }
}
