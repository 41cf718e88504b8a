/// The files of recordings that recorders were asked for and have not answered yet.
///
/// There can be several recorders: one that is retired finishes what it was told. Each answers for itself alone, and an
/// answer is for the request that it belongs to, never for a later one of the same connection.
struct RecordingOpenings: Equatable, Sendable {
  /// Files that may be asked for at a time.
  static let limit = 8192

  /// A file that is being made.
  struct Opening: Equatable, Sendable {
    let number: UInt64
    /// The number of the process that was asked.
    let recorder: UInt64
    /// Who waits for it; nil: nobody any more.
    var connection: UInt64?
    let path: String
  }

  private var all: [Opening] = []

  /// Takes a request down; false: there are too many.
  mutating func ask(_ number: UInt64, of recorder: UInt64, for connection: UInt64, path: String) -> Bool {
    guard all.count < Self.limit else { return false }
    all.append(Opening(number: number, recorder: recorder, connection: connection, path: path))
    return true
  }

  /// What a recorder has answered; nil: it was not asked for that.
  mutating func answer(_ number: UInt64, by recorder: UInt64) -> Opening? {
    guard let index = all.firstIndex(where: { $0.number == number && $0.recorder == recorder }) else { return nil }
    return all.remove(at: index)
  }

  /// A connection waits no longer. Returns the recorder that it has waited for.
  mutating func giveUp(_ connection: UInt64) -> UInt64? {
    guard let index = all.firstIndex(where: { $0.connection == connection }) else { return nil }
    all[index].connection = nil
    return all[index].recorder
  }

  /// A recorder has ended. Returns the connections that have waited for it, in order.
  mutating func end(_ recorder: UInt64) -> [UInt64] {
    let lost = all.filter { $0.recorder == recorder }.compactMap(\.connection)
    all.removeAll { $0.recorder == recorder }
    return lost
  }
}
