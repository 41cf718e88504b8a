/// The pending requests to recorders for files of recordings.
///
/// There can be several recorders, because a retired one completes its requests. A reply only completes the request of
/// the same recorder with the same number, never a later one of the same connection.
struct PendingRecordings: Equatable, Sendable {
  /// Maximum number of pending requests.
  static let limit = 8192

  /// A pending request.
  struct Opening: Equatable, Sendable {
    let number: UInt64
    /// The number of the recorder process.
    let recorder: UInt64
    /// The connection that waits for the file; nil: none any more.
    var connection: UInt64?
    let path: String
  }

  private var all: [Opening] = []

  /// Adds a request; false: there are too many.
  mutating func ask(_ number: UInt64, of recorder: UInt64, for connection: UInt64, path: String) -> Bool {
    guard all.count < Self.limit else { return false }
    all.append(Opening(number: number, recorder: recorder, connection: connection, path: path))
    return true
  }

  /// Removes and returns the request that a recorder replies to; nil: there is none.
  mutating func remove(_ number: UInt64, by recorder: UInt64) -> Opening? {
    guard let index = all.firstIndex(where: { $0.number == number && $0.recorder == recorder }) else { return nil }
    return all.remove(at: index)
  }

  /// Handles that a connection no longer waits. Returns the recorder that it waited for.
  mutating func giveUp(_ connection: UInt64) -> UInt64? {
    guard let index = all.firstIndex(where: { $0.connection == connection }) else { return nil }
    all[index].connection = nil
    return all[index].recorder
  }

  /// Handles the end of a recorder. Returns the connections that waited for it, in order.
  mutating func end(_ recorder: UInt64) -> [UInt64] {
    let lost = all.filter { $0.recorder == recorder }.compactMap(\.connection)
    all.removeAll { $0.recorder == recorder }
    return lost
  }
}
