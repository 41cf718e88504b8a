import Audit
import Configuration
import IPC

/// The time limits of a login: `security.idle_timeout` and `security.session_timeout`.
struct LoginLimits: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action
  typealias Reaction = ConnectionMachine.Reaction

  /// True if the transport was asked how long the login has been idle.
  private var isAsked = false
  /// The start of the idle time that was last announced on the terminals; nil: none.
  private var announcedStart: Int64?
  /// True if the end of the session time was announced on the terminals.
  private var isEndAnnounced = false

  /// Starts the timers of a new login.
  func start(_ limits: Settings.Security) -> [Action] {
    [(ConnectionMachine.Timer.idle, limits.idleTimeout), (.session, limits.sessionTimeout)].filter { $0.1 > 0 }.map {
      .setTimer($0.0, milliseconds: Int64($0.1) * 1000 - Self.notice(ofLimit: $0.1))
    }
  }

  /// Asks the transport how long the login has been idle.
  mutating func askForIdleTime() -> [Action] {
    isAsked = true
    return [.send(.reportIdle)]
  }

  /// Handles the transport's reply: the start of the idle time, in milliseconds of the monotonic clock. It is not trusted.
  ///
  /// - Throws: `ProtocolViolation` when the transport was not asked.
  mutating func idle(
    since start: Int64, _ limits: Settings.Security, at now: Int64
  ) throws(ProtocolViolation) -> Reaction {
    guard isAsked else { throw ProtocolViolation("told of idleness without a question") }
    isAsked = false
    let limit = Int64(limits.idleTimeout) * 1000
    let idle = start > now ? 0 : now - max(start, 0)
    let left = limit - min(idle, limit)
    let notice = Self.notice(ofLimit: limits.idleTimeout)
    if left == 0 {
      let text = "Nothing came or went for \(limits.idleTimeout) seconds (\(CloseReason.idleTimeout))"
      return Reaction(next: .disconnect(.init(11, text, .idleTimeout)))
    }
    if left > notice { return Reaction([.setTimer(.idle, milliseconds: left - notice)]) }
    let wait = Action.setTimer(.idle, milliseconds: left)
    if announcedStart == start { return Reaction([wait]) }
    announcedStart = start
    return Reaction([.send(.announce(Self.announcement(left, "idle"))), wait])
  }

  /// Handles that the session time is almost over, or over.
  mutating func sessionTimeExpires(_ limits: Settings.Security) -> Reaction {
    guard isEndAnnounced else {
      isEndAnnounced = true
      let notice = Self.notice(ofLimit: limits.sessionTimeout)
      return Reaction([
        .send(.announce(Self.announcement(notice, "session time limit"))), .setTimer(.session, milliseconds: notice),
      ])
    }
    let text = "The session's time of \(limits.sessionTimeout) seconds is over (\(CloseReason.sessionTimeout))"
    return Reaction(next: .disconnect(.init(11, text, .sessionTimeout)))
  }

  /// Milliseconds from the announcement to the end of a limit: a minute, or half of a limit of a minute or less.
  private static func notice(ofLimit seconds: Int) -> Int64 { seconds > 60 ? 60_000 : Int64(seconds) * 500 }

  /// The announcement on terminals `milliseconds` before the end.
  static func announcement(_ milliseconds: Int64, _ why: String) -> String {
    let seconds = max(1, (milliseconds + 500) / 1000)
    return "bssh: this session ends in \(seconds) \(seconds == 1 ? "second" : "seconds") (\(why))"
  }
}
