import Audit
import Glibc
import IPC
import System
import Wire

/// A terminal that a client requests and that has to be recorded.
struct RequestedTerminal {
  let channel: UInt32
  let term: [UInt8]
  let columns: UInt32
  let rows: UInt32

  /// nil when the message does not request a terminal.
  init?(_ message: TransportToSession) {
    guard case .request(let channel, .terminal(let term, let columns, let rows, _, _, _)) = message else { return nil }
    self.channel = channel
    self.term = term
    self.columns = columns
    self.rows = rows
  }
}

// Recordings of terminals. The request for a recorded terminal waits until the recording's file exists. Meanwhile
// nothing is read from the client, and what was read stays queued in order.
extension Connection {
  /// Sends queued messages to the session, as many as it accepts, up to one that needs a recording first.
  func sendPendingMessages() {
    while !isAwaitingRecording, let outcome = toSession?.flush() {
      switch outcome {
      case .sent, .waiting: return
      case .failed: return sessionEnded()
      case .held:
        guard let terminal = wantedTerminals.first, sessions[terminal.channel] != nil else {
          requestTerminal()
          continue
        }
        isAwaitingRecording = true
        return report(.record(channel: terminal.channel))
      }
    }
  }

  /// The request for the next recorded terminal may be sent.
  private func requestTerminal() {
    _ = wantedTerminals.popFirst()
    toSession?.releaseFirst()
  }

  /// At the end of the connection, sends what is queued for the session, up to a terminal that would have to be recorded.
  /// The ends of a thousand channels do not fit into the socket at once; waits a second at most.
  func tellSessionTheRest() {
    let deadline = Clock.milliseconds + 1000
    while case .waiting? = toSession?.flush(), let session {
      let left = deadline - Clock.milliseconds
      guard left > 0, session.writing.wait(for: POLLOUT, milliseconds: Int32(left)) else { return }
    }
  }

  /// Handles the supervisor's answer to a request for a recording.
  func recordingAnswered(_ number: UInt32, title: String?, _ descriptors: [Descriptor]) {
    guard isAwaitingRecording, let terminal = wantedTerminals.first, terminal.channel == number,
      descriptors.count == (title == nil ? 0 : 1)
    else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
    isAwaitingRecording = false
    requestTerminal()
    if let title, let end = descriptors.first {
      // The recorder sent the file before the supervisor told us.
      guard case .message(_, let files)? = try? MessageSocket(end).receive(), let file = files.first, files.count == 1
      else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
      let header = AsciicastWriter.Header(
        columns: terminal.columns, rows: terminal.rows, time: Clock.secondsSince1970, title: title, term: terminal.term)
      let recorder = TerminalRecorder(file, header)
      // The recording of a channel that is gone is empty.
      if let channel = sessions[number] {
        channel.recorder = recorder
      } else {
        report(.recorded(recorder.finish(number)))
      }
    }
    sendPendingMessages()
  }

  /// Reports a finished recording to the supervisor.
  func recorded(_ end: RecordingEnd) { report(.recorded(end)) }

  /// When the next recording has to be written, in milliseconds of the monotonic clock; nil: none has.
  var recordingDeadline: Int64? {
    isRecorded ? sessions.values.compactMap { $0.recorder?.deadline }.min() : nil
  }

  /// Writes the recordings' lines that are due.
  func flushRecordings() {
    guard isRecorded else { return }
    let now = Clock.milliseconds
    for channel in sessions.values { channel.flushRecording(at: now) }
  }
}
