import Audit
import IPC
import System

// How a connection ends: by its transport's last word, by its end, or because we end it.
extension ConnectionMachine {
  /// The last word of a transport.
  mutating func closed(_ reason: TransportEnd, _ detail: String, _ traffic: (bytesIn: UInt64, bytesOut: UInt64))
    -> [Action]
  {
    ending = ending ?? Ending(reason: CloseReason(reason), detail: detail.isEmpty ? nil : detail)
    self.traffic = traffic
    phase = .closing(.closed)
    var actions: [Action] = []
    // A login that asks for too much is not an attack on others.
    if reason == .outOfMemory {
      conduct.isExcused = true
      actions.append(.log(.error, detail))
    }
    if reason == .protocolError {
      conduct.isUnfit = true
      actions.append(suspicious(.protocolError, detail))
    }
    return actions + [.endSession, .setTimer(.goodbye, milliseconds: Self.goodbyeTime)]
  }

  /// The transport is gone: the last event of a connection that had one.
  mutating func transportEnded(_ status: ExitStatus, at now: Int64) -> [Action] {
    var actions: [Action] = []
    switch phase {
    case .starting, .closing(.killed): break
    case .closing(.told), .closing(.closed):
      // Its session may be the first of which we hear when a transport is killed.
      if case .signal = status, ending?.reason == .sessionEnded { ending = Ending(reason: .transportLost) }
      if status.isCrash {
        actions += crashed(status)
      } else if case .signal = status {
        actions.append(.log(.error, "its transport \(status)"))
      }
    case .keyExchange, .authenticating, .opening, .loggedIn:
      actions += status.isCrash ? crashed(status) : [.log(.error, "its transport \(status) without a word")]
    }
    phase = .closing(.killed)
    actions += endTerminals()
    return actions + lastWords + lastNotes + [.endSession, .close]
  }

  /// The transport did what it may not do now: it is not the program that we started, or no longer.
  mutating func violation(_ what: String) -> [Action] {
    if phase == .closing(.killed) { return [] }
    ending = ending ?? Ending(reason: .transportMisbehaved)
    phase = .closing(.killed)
    return [suspicious(.transportMisbehaved, "its transport \(what)", .error), .killTransport] + crashed()
  }

  /// Lets the transport say goodbye; reason codes are those of RFC 4253, section 11.1.
  mutating func end(reason: UInt32, _ text: String, log: CloseReason, detail: String? = nil) -> [Action] {
    switch phase {
    case .starting:
      ending = Ending(reason: log, detail: detail)
      return lastWords + [.close]
    case .keyExchange, .authenticating, .opening, .loggedIn:
      ending = ending ?? Ending(reason: log, detail: detail)
      phase = .closing(.told)
      return [
        .tell(.disconnect(reason: reason, text: text)), .setTimer(.goodbye, milliseconds: Self.goodbyeTime),
      ]
    case .closing:
      return []
    }
  }

  /// Another daemon takes over: nobody waits for anything.
  mutating func abandon() -> [Action] {
    conduct.isExcused = true
    switch phase {
    case .starting:
      ending = Ending(reason: .serverRestart)
      return lastWords + [.close]
    case .keyExchange, .authenticating, .opening, .loggedIn:
      ending = ending ?? Ending(reason: .serverRestart)
      phase = .closing(.killed)
      return [.killTransport]
    case .closing(.told), .closing(.closed):
      phase = .closing(.killed)
      return [.killTransport]
    case .closing(.killed):
      return []
    }
  }
}
