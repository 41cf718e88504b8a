import Audit
import IPC
import System

/// What is reported of a connection itself: that it was accepted, why it ended, and how much it carried.
///
/// A connection that a load balancer makes to check that the server is up is not reported but counted.
struct ConnectionReport: Sendable {
  typealias Action = ConnectionMachine.Action

  private let startTime: Int64
  /// Where it came in: the server's address, and the proxy's.
  private let destination: String
  /// It comes from a load balancer itself, and has done nothing yet that a health check does not do.
  private var isPerhapsCheck: Bool
  /// Why it ended, and what the other side said to it: the first reason counts.
  private var ending: (reason: CloseReason, detail: String?)?
  /// As its transport counted it; nil: the transport did not say.
  private var traffic: (bytesIn: UInt64, bytesOut: UInt64)?
  /// When the login began; nil: there is none.
  private var loginTime: Int64?

  /// - Parameters:
  ///   - proxy: the load balancer that forwards it; nil: it comes from the client.
  ///   - isOfProxy: the client is a load balancer itself.
  init(_ server: SocketAddress, proxy: SocketAddress?, isOfProxy: Bool, at now: Int64) {
    startTime = now
    destination = "to \(server)" + (proxy.map { ", by way of \($0)" } ?? "")
    isPerhapsCheck = isOfProxy
  }

  /// The connection was accepted.
  func accepted(_ subject: Subject) -> [Action] { isPerhapsCheck ? [] : [opened(subject)] }

  private func opened(_ subject: Subject) -> Action {
    var fact = Fact(.connectionOpen, .success, .ssh)
    fact.details = destination
    return .audit(fact, subject)
  }

  /// The login begins.
  mutating func loggedIn(at now: Int64) { loginTime = now }

  /// The connection ends, or is about to.
  mutating func ends(_ reason: CloseReason, _ detail: String? = nil) { ending = ending ?? (reason, detail) }

  /// The transport was killed: if the session ended before that was known, it ended because of that.
  mutating func transportKilled() { if ending?.reason == .sessionEnded { ending = (.transportLost, nil) } }

  /// The transport has counted the connection's bytes.
  mutating func carried(bytesIn: UInt64, bytesOut: UInt64) { traffic = (bytesIn, bytesOut) }

  /// The last events of a connection, and of its login.
  func closed(_ subject: Subject, at now: Int64) -> [Action] {
    let (reason, detail) = ending ?? (.transportLost, nil)
    var closed = Fact(.connectionClosed, reason.result, .ssh)
    (closed.reason, closed.details) = (Reason(reason), detail)
    if let (bytesIn, bytesOut) = traffic {
      (closed.bytes, closed.bytesIn, closed.bytesOut) = (bytesIn &+ bytesOut, bytesIn, bytesOut)
    }
    closed.milliseconds = UInt64(max(now - startTime, 0))
    guard let loginTime else { return [.audit(closed, subject)] }
    var end = closed
    end.type = .sessionEnd
    end.milliseconds = UInt64(max(now - loginTime, 0))
    return [.auditAfterSession(end, subject), .auditAfterSession(closed, subject)]
  }

  /// What remains of `actions` when the connection may be a health check: its beginning is reported as soon as anything
  /// else is, and an end that is the only event is counted.
  mutating func filter(_ actions: [Action], _ subject: Subject, hasAskedForLogin: Bool) -> [Action] {
    guard isPerhapsCheck else { return actions }
    func isEnd(_ action: Action) -> Bool {
      if case .audit(let fact, _) = action { fact.type == .connectionClosed } else { false }
    }
    func isReport(_ action: Action) -> Bool {
      switch action {
      case .audit: !isEnd(action)
      case .log(let level, _): level != .debug
      default: false
      }
    }
    if hasAskedForLogin || actions.contains(where: isReport) {
      isPerhapsCheck = false
      return [opened(subject)] + actions
    }
    return actions.map { isEnd($0) ? .countCheck : $0 }
  }

  /// A process of the connection, or a client, does what none that keeps to the protocol does.
  static func suspicious(
    _ reason: Suspicion, _ details: String, _ subject: Subject, _ result: EventResult = .failure
  ) -> Action {
    var fact = Fact(.suspiciousActivity, result, .ssh)
    (fact.reason, fact.details) = (Reason(reason), details)
    return .audit(fact, subject)
  }
}
