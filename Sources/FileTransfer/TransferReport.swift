import System

/// Tells the session what happens to files: a line of text for each event, for the daemon's log.
///
/// Waits while the session is behind, so that no line is lost.
public final class TransferReport: FileObserver {
  /// Bytes of a line; what is longer is cut.
  static let lineLength = 1000

  private let socket: MessageSocket

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
  public func tell(_ line: String) {
    var bytes = Array(line.utf8.prefix(TransferReport.lineLength))
    // The last character may be cut; as a replacement it must fit, too.
    if line.utf8.count > bytes.count {
      bytes = Array(String(decoding: bytes.dropLast(3), as: UTF8.self).utf8.prefix(TransferReport.lineLength))
    }
    // Without a session there is nobody to tell.
    _ = try? socket.send(bytes, wait: true)
  }
}
