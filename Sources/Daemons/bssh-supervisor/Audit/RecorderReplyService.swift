import Glibc
import IPC
import System
import Wire

/// Hands what recorders say, and their ends, to the service that asked them.
final class RecorderReplyService {
  private let runtime: any Runtime
  private let recorders: RecorderService
  private let recordings: RecordingService
  private let logins: LoginRecordService

  init(
    _ runtime: any Runtime, _ recorders: RecorderService, _ recordings: RecordingService, _ logins: LoginRecordService
  ) {
    self.runtime = runtime
    self.recorders = recorders
    self.recordings = recordings
    self.logins = logins
  }

  /// Handles a message of a recorder.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    let isExpected =
      switch descriptors.isEmpty ? try? RecorderToSupervisor(wireBytes: bytes[...]) : nil {
      case .opened(let number): recordings.opened(number, by: child)
      case .failed(let number, let reason): recordings.failed(number, reason, by: child)
      case .log(let text): note(text)
      case .entered(let connection): logins.isWritten(.began, connection, by: child)
      case .left(let connection): logins.isWritten(.ended, connection, by: child)
      case .replaced(let entry, let connection): logins.areReplaced(entry, connection, by: child)
      case nil: false
      }
    if isExpected { return }
    runtime.log(.error, "recorder \(child.pid) sent something that it was not asked for: killed")
    child.signal(SIGKILL)
  }

  private func note(_ text: String) -> Bool {
    runtime.log(.warning, "recorder: \(text)")
    return true
  }

  /// Handles the end of a recorder, with its unfinished requests.
  func ended(_ child: Child, _ status: ExitStatus) {
    recorders.ended(child, status)
    recordings.recorderEnded(child, status)
    logins.recorderEnded(child)
  }

  /// Waits for a limited time until all login records and recordings are written, because the daemon ends.
  func end() {
    recorders.skipPause()
    logins.sendToRecorder()
    recorders.end()
  }
}
