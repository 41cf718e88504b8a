import System

/// Tells the session what happens to files: a line of text for each event, for the daemon's log.
///
/// Never waits: while the session is behind, lines are dropped, and the next that goes through says how many.
public final class TransferReport: FileObserver {
  /// Bytes of a line; what is longer is cut.
  static let lineLength = 1000

  private let socket: MessageSocket
  private var dropped: UInt64 = 0

  public init(_ socket: MessageSocket) { self.socket = socket }

  public func record(_ event: FileEvent) {
    switch event {
    // What is in these is told again when the file was written or read.
    case .opened, .closed: return
    case .uploaded, .downloaded, .deleted, .renamed, .made, .linked, .listed, .attributesChanged, .denied:
      tell(TransferLog.text(of: event))
    }
  }

  /// Tells that a rule with the action `log` let an operation through.
  public func record(_ operation: FileOperation, _ paths: [[UInt8]], rule: String) {
    let names = paths.map { "\"\(String(decoding: $0, as: UTF8.self))\"" }
    tell("allowed by \(rule): \(operation.rawValue) \(names.joined(separator: " "))")
  }

  /// Tells something else, for people.
  public func tell(_ text: String) {
    if dropped > 0 {
      guard send("\(dropped) lines were dropped here") else {
        dropped += 1
        return
      }
      dropped = 0
    }
    if !send(text) { dropped += 1 }
  }

  private func send(_ line: String) -> Bool {
    var bytes = Array(line.utf8.prefix(TransferReport.lineLength))
    // The last character may be cut; as a replacement it must fit, too.
    if line.utf8.count > bytes.count {
      bytes = Array(String(decoding: bytes.dropLast(3), as: UTF8.self).utf8.prefix(TransferReport.lineLength))
    }
    switch try? socket.send(bytes) {
    case .bytes, .ended: return true
    case .wouldBlock, nil: return false
    }
  }
}
