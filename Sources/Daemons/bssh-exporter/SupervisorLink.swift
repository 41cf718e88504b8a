import Audit
import Glibc
import IPC
import JournalReader
import System

/// The connection to the supervisor. Messages are dropped if they would block, except reports of lost events.
final class SupervisorLink {
  private let socket: MessageSocket

  /// Takes over the socket to the supervisor.
  init(_ socket: MessageSocket) { self.socket = socket }

  /// Readable if the supervisor has closed its end or sent something, which it never does: the exporter must end.
  var descriptor: Descriptor { socket.descriptor }

  /// Sends a log message, truncated to 1000 bytes.
  func log(_ text: String, isProblem: Bool) {
    _ = try? socket.send(ExporterToSupervisor.log(isProblem: isProblem, text: cut(text)).wireBytes)
  }

  /// Reports the exporter's progress.
  func progress(_ progress: ExporterProgress) {
    _ = try? socket.send(ExporterToSupervisor.progress(progress).wireBytes)
  }

  /// Reports events that will never arrive, and waits until the message is sent. Returns false if the supervisor has
  /// closed the connection.
  func lost(first: LineHead, count: UInt64, reason: ExportLoss) -> Bool {
    let message = ExporterToSupervisor.lost(first.series, first: first.sequence, count: count, reason: reason)
    guard case .bytes? = try? socket.send(message.wireBytes, wait: true) else { return false }
    return true
  }

  private func cut(_ text: String) -> String {
    text.utf8.count <= 1000 ? text : String(decoding: text.utf8.prefix(1000), as: UTF8.self) + "…"
  }
}
