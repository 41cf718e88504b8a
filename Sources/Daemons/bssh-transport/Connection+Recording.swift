import Audit
import IPC
import System

/// A message to the session that is queued.
struct UntoldMessage {
  let bytes: [UInt8]
  /// The terminal that the message requests, if it has to be recorded: its file is needed first.
  var terminal: WantedTerminal?
}

/// A terminal that a client requests.
struct WantedTerminal {
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
  func tellSession() {
    while let session, let next = untold.first, !isAwaitingRecording {
      if let terminal = next.terminal, channels[terminal.channel] != nil {
        isAwaitingRecording = true
        return report(.record(channel: terminal.channel))
      }
      switch (try? session.send(next.bytes)) ?? .ended {
      case .bytes: untold.removeFirst()
      case .wouldBlock: return
      case .ended: return sessionEnded()
      }
    }
  }

  /// Handles the supervisor's answer to a request for a recording.
  func recordingAnswered(_ number: UInt32, title: String?, _ descriptors: [Descriptor]) {
    guard isAwaitingRecording, let terminal = untold.first?.terminal, terminal.channel == number,
      descriptors.count == (title == nil ? 0 : 1)
    else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
    isAwaitingRecording = false
    untold[0].terminal = nil
    if let title, let end = descriptors.first {
      // The recorder sent the file before the supervisor told us.
      guard case .message(_, let files)? = try? MessageSocket(end).receive(), let file = files.first, files.count == 1
      else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
      let header = AsciicastWriter.Header(
        columns: terminal.columns, rows: terminal.rows, time: Clock.secondsSince1970, title: title, term: terminal.term)
      let recorder = TerminalRecorder(file, header)
      // The recording of a channel that is gone is empty.
      if let channel = channels[number] {
        channel.recorder = recorder
      } else {
        report(.recorded(recorder.finish(number)))
      }
    }
    tellSession()
  }

  /// Reports a finished recording to the supervisor.
  func recorded(_ end: RecordingEnd) { report(.recorded(end)) }

  /// When the next recording has to be written, in milliseconds of the monotonic clock; nil: none has.
  var recordingDeadline: Int64? {
    isRecorded ? channels.values.compactMap { $0.recorder?.deadline }.min() : nil
  }

  /// Writes the recordings' lines that are due.
  func flushRecordings() {
    guard isRecorded else { return }
    let now = Clock.milliseconds
    for channel in channels.values { channel.flushRecording(at: now) }
  }
}
