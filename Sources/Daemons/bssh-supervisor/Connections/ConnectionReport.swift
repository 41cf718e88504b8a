import Audit
import IPC
import System

/// The events about a connection itself: that it was accepted, why it ended, and how many bytes it transferred.
///
/// Health checks of load balancers are only counted.
struct ConnectionReport: Sendable {
  typealias Action = ConnectionMachine.Action

  private let startTime: Int64
  /// The addresses of the server and of the proxy.
  private let destination: String
  /// True if the client is a load balancer, and has done nothing that a health check would not do.
  private var isPerhapsCheck: Bool
  /// Why it ended, with the text of the other side. The first reason is reported.
  private var ending: (reason: CloseReason, detail: String?)?
  /// The byte counts from the transport; nil: it did not send them.
  private var traffic: (bytesIn: UInt64, bytesOut: UInt64)?
  /// When the login started; nil: there is none.
  private var loginTime: Int64?

  /// - Parameters:
  ///   - proxy: the load balancer that forwards the connection; nil: it comes from the client.
  ///   - isOfProxy: true if the client is a load balancer itself.
  init(_ server: SocketAddress, proxy: SocketAddress?, isOfProxy: Bool, at now: Int64) {
    startTime = now
    destination = "to \(server)" + (proxy.map { ", by way of \($0)" } ?? "")
    isPerhapsCheck = isOfProxy
  }

  /// Reports that the connection was accepted.
  func accepted(_ subject: Subject) -> [Action] { isPerhapsCheck ? [] : [opened(subject)] }

  private func opened(_ subject: Subject) -> Action {
    var record = AuditRecord(.connectionOpen, .success, .ssh)
    record.details = destination
    return .audit(record, subject)
  }

  /// Handles the start of the login.
  mutating func loggedIn(at now: Int64) { loginTime = now }

  /// Handles that the connection ends or is about to.
  mutating func ends(_ reason: CloseReason, _ detail: String? = nil) { ending = ending ?? (reason, detail) }

  /// Handles that the transport was killed. If the end of the session was reported first, the killed transport is the cause.
  mutating func transportKilled() { if ending?.reason == .sessionEnded { ending = (.transportLost, nil) } }

  /// Sets the byte counts.
  mutating func carried(bytesIn: UInt64, bytesOut: UInt64) { traffic = (bytesIn, bytesOut) }

  /// The last events of the connection and its login.
  func closed(_ subject: Subject, at now: Int64) -> [Action] {
    let (reason, detail) = ending ?? (.transportLost, nil)
    var closed = AuditRecord(.connectionClosed, reason.result, .ssh)
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

  /// Filters `actions` of a connection that may be a health check: its start is reported before any other event, and if its
  /// end is the only event, the connection is only counted.
  mutating func filter(_ actions: [Action], _ subject: Subject, hasAskedForLogin: Bool) -> [Action] {
    guard isPerhapsCheck else { return actions }
    func isEnd(_ action: Action) -> Bool {
      if case .audit(let record, _) = action { record.type == .connectionClosed } else { false }
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

  /// An event about a process of the connection or a client that violates the protocol.
  static func suspicious(
    _ reason: Suspicion, _ details: String, _ subject: Subject, _ result: EventResult = .failure
  ) -> Action {
    var record = AuditRecord(.suspiciousActivity, result, .ssh)
    (record.reason, record.details) = (Reason(reason), details)
    return .audit(record, subject)
  }
}
