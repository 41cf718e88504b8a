import Audit
import Glibc
import IPC
import JournalReader
import System

/// The way to the supervisor. What it does not take at once is dropped: it is news about the events, never the events.
///
/// But for what was lost: that is waited for.
final class SupervisorLink {
  private let socket: MessageSocket

  init(_ socket: MessageSocket) { self.socket = socket }

  /// Readable when the supervisor has closed its end, or said what it never says: the exporter ends.
  var descriptor: Descriptor { socket.descriptor }

  func note(_ text: String, isProblem: Bool) {
    _ = try? socket.send(ExporterToSupervisor.note(isProblem: isProblem, text: cut(text)).wireBytes)
  }

  func progress(_ progress: ExporterProgress) {
    _ = try? socket.send(ExporterToSupervisor.progress(progress).wireBytes)
  }

  /// Events that will never arrive. Returns when the supervisor has been told; false: it is gone.
  func lost(first: LineHead, count: UInt64, reason: ExportLoss) -> Bool {
    let message = ExporterToSupervisor.lost(first.series, first: first.sequence, count: count, reason: reason)
    guard case .bytes? = try? socket.send(message.wireBytes, wait: true) else { return false }
    return true
  }

  private func cut(_ text: String) -> String {
    text.utf8.count <= 1000 ? text : String(decoding: text.utf8.prefix(1000), as: UTF8.self) + "…"
  }
}
