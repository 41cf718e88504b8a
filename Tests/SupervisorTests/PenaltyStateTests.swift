import AccessControl
import Testing

@testable import Supervisor

@Suite struct PenaltyStateTests {
  private typealias Event = PenaltyState.Event
  private static let events: [PenaltyState.Event] = [
    .askedForLogin, .triedKey, .triedOther, .failed, .misbehaved, .excused, .crashed,
  ]

  /// The index of each event. Exhaustive, so that a new event does not compile before it is in ``events``.
  private func index(_ event: Event) -> Int {
    switch event {
    case .askedForLogin: 0
    case .triedKey: 1
    case .triedOther: 2
    case .failed: 3
    case .misbehaved: 4
    case .excused: 5
    case .crashed: 6
    }
  }

  @Test func `the penalty at the end is the same for all orders of events`() {
    #expect(Self.events.enumerated().allSatisfy { index($0.element) == $0.offset })
    for subset in 0..<(1 << Self.events.count) {
      let happened = Self.events.filter { subset >> index($0) & 1 == 1 }
      let expected: AdmissionControl.PenaltyEvent? =
        if happened.contains(.excused) || happened.contains(.crashed) || happened.contains(.failed) {
          nil
        } else if happened.contains(.misbehaved) {
          .failed
        } else if happened.contains(.triedKey), !happened.contains(.triedOther) {
          .keysRefused
        } else {
          happened.contains(.askedForLogin) ? .failed : nil
        }
      for events in [happened, happened.reversed()] {
        var state = PenaltyState()
        for event in events { state.handle(event) }
        #expect(state.atEnd == expected, "\(happened)")
      }
    }
  }

  @Test func `each failure counts immediately, a crash once, and nothing else before the end`() {
    var state = PenaltyState()
    for event in Self.events {
      let actions = [event, event].flatMap { state.handle($0) }
      switch event {
      case .failed: #expect(actions == [.penalty(.failed), .penalty(.failed)])
      case .crashed: #expect(actions == [.penalty(.crashed)])
      case .askedForLogin, .triedKey, .triedOther, .misbehaved, .excused: #expect(actions == [])
      }
    }
    #expect(state.failures == 2 && state.hasAskedForLogin)
  }
}
