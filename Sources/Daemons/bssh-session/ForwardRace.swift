import AccessControl

/// Decides in which order and when the addresses of a target are tried: RFC 8305, sections 4 and 5. The first that
/// connects wins.
struct ForwardRace: Equatable {
  /// How long an attempt is alone before the next begins, in milliseconds.
  static let attemptDelay: Int64 = 250

  /// The addresses that are still to be tried, in order.
  private var waiting: [IPAddress]
  /// The addresses of the attempts that go on, by number.
  private(set) var running: [Int: IPAddress] = [:]
  /// How many attempts were begun.
  private var begun = 0
  /// When the next attempt begins although others go on, in milliseconds; nil: it does not.
  private(set) var nextStart: Int64?

  /// A race of these addresses, in the order of getaddrinfo(3): families alternate, beginning with the first one's.
  init(_ addresses: [IPAddress]) {
    let first = addresses.filter { $0.isIPv4 == addresses[0].isIPv4 }
    let second = addresses.filter { $0.isIPv4 != addresses[0].isIPv4 }
    waiting = (0..<max(first.count, second.count)).flatMap { index in
      [first, second].compactMap { $0.indices.contains(index) ? $0[index] : nil }
    }
  }

  /// True when no attempt goes on and none is left.
  var isLost: Bool { running.isEmpty && waiting.isEmpty }

  /// The next attempt, if it is due: its number and address.
  mutating func next(at now: Int64) -> (attempt: Int, address: IPAddress)? {
    guard !waiting.isEmpty, running.isEmpty || (nextStart.map { $0 <= now } ?? true) else { return nil }
    let address = waiting.removeFirst()
    defer { begun += 1 }
    running[begun] = address
    nextStart = waiting.isEmpty ? nil : now + Self.attemptDelay
    return (begun, address)
  }

  /// Notes that an attempt has failed; the next need not wait for it.
  mutating func failed(_ attempt: Int) {
    guard running.removeValue(forKey: attempt) != nil, nextStart != nil else { return }
    nextStart = 0
  }
}
