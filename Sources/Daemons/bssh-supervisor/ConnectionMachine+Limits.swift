import Audit
import IPC

/// What is known about the time that a login has left.
struct LoginLimits: Equatable, Sendable {
  /// The transport was asked how long the login has been silent.
  private(set) var isAsked = false
  /// When the silence began of which the terminals know that it is about to end the login.
  fileprivate var announcedSilence: Int64?
  /// The terminals know that the login's time is almost over.
  fileprivate var isEndAnnounced = false

  /// Takes the transport's answer; false when there was no question.
  mutating func takeAnswer() -> Bool {
    defer { isAsked = false }
    return isAsked
  }

  fileprivate mutating func ask() { isAsked = true }

  /// Milliseconds before the end of a limit of so many seconds at which the terminals hear of it: a minute, or half of
  /// a limit that is no longer than that.
  static func notice(ofLimit seconds: Int) -> Int64 { seconds > 60 ? 60_000 : Int64(seconds) * 500 }

  /// What terminals are told.
  static func announcement(_ milliseconds: Int64, _ why: String) -> String {
    let seconds = max(1, (milliseconds + 500) / 1000)
    return "bssh: this session ends in \(seconds) \(seconds == 1 ? "second" : "seconds") (\(why))"
  }
}

// `security.idle_timeout` and `security.session_timeout`.
extension ConnectionMachine {
  private var idleTimeout: Int { context.settings.security.idleTimeout }
  private var sessionTimeout: Int { context.settings.security.sessionTimeout }

  /// The time of a login begins.
  func startLimits() -> [Action] {
    var actions: [Action] = []
    if idleTimeout > 0 {
      let notice = LoginLimits.notice(ofLimit: idleTimeout)
      actions.append(.setTimer(.idle, milliseconds: Int64(idleTimeout) * 1000 - notice))
    }
    if sessionTimeout > 0 {
      let notice = LoginLimits.notice(ofLimit: sessionTimeout)
      actions.append(.setTimer(.session, milliseconds: Int64(sessionTimeout) * 1000 - notice))
    }
    return actions
  }

  /// The login may have been silent for too long: its transport knows.
  mutating func askForIdleness() -> [Action] {
    limits.ask()
    return [.tell(.reportIdle)]
  }

  /// The login has been silent since then, as its transport says.
  mutating func idle(since start: Int64, at now: Int64) -> [Action] {
    let limit = Int64(idleTimeout) * 1000
    // What a transport says may be any number.
    let silence = start > now ? 0 : now - max(start, 0)
    let left = limit - min(silence, limit)
    let notice = LoginLimits.notice(ofLimit: idleTimeout)
    if left == 0 {
      return end(
        reason: 11, "Nothing came or went for \(idleTimeout) seconds (\(CloseReason.idleTimeout))", log: .idleTimeout)
    }
    if left > notice { return [.setTimer(.idle, milliseconds: left - notice)] }
    let wait = Action.setTimer(.idle, milliseconds: left)
    if limits.announcedSilence == start { return [wait] }
    limits.announcedSilence = start
    return [.tell(.announce(LoginLimits.announcement(left, "idle"))), wait]
  }

  /// The login's time is almost over, or over.
  mutating func sessionTime() -> [Action] {
    guard limits.isEndAnnounced else {
      limits.isEndAnnounced = true
      let notice = LoginLimits.notice(ofLimit: sessionTimeout)
      return [
        .tell(.announce(LoginLimits.announcement(notice, "session time limit"))),
        .setTimer(.session, milliseconds: notice),
      ]
    }
    return end(
      reason: 11, "The session's time of \(sessionTimeout) seconds is over (\(CloseReason.sessionTimeout))",
      log: .sessionTimeout)
  }
}
