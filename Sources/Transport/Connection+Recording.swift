import Audit
import IPC
import System

/// A message to the session that waits for its turn.
struct UntoldMessage {
  let bytes: [UInt8]
  /// The terminal that it asks for, which is to be recorded: the file comes first.
  var terminal: WantedTerminal?
}

/// A terminal as a client wants it.
struct WantedTerminal {
  let channel: UInt32
  let term: [UInt8]
  let columns: UInt32
  let rows: UInt32

  /// nil: the message asks for no terminal.
  init?(_ message: TransportToSession) {
    guard case .request(let channel, .terminal(let term, let columns, let rows, _, _, _)) = message else { return nil }
    self.channel = channel
    self.term = term
    self.columns = columns
    self.rows = rows
  }
}

// Recordings of terminals. Before a recorded terminal is asked for, its file is there: while it is made, nothing is read
// from the client, and what was read waits in order.
extension Connection {
  /// Sends the session what waits for it, as far as it takes it and nothing has to be asked for first.
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

  /// The answer of the supervisor.
  func recordingAnswered(_ number: UInt32, title: String?, _ descriptors: [Descriptor]) {
    guard isAwaitingRecording, let terminal = untold.first?.terminal, terminal.channel == number,
      descriptors.count == (title == nil ? 0 : 1)
    else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
    isAwaitingRecording = false
    untold[0].terminal = nil
    if let title, let end = descriptors.first {
      // The recorder has sent it before the supervisor told us.
      guard case .message(_, let files)? = try? MessageSocket(end).receive(), let file = files.first, files.count == 1
      else { return disconnect(.byApplication, "internal error", reason: .toldToDisconnect) }
      let header = AsciicastWriter.Header(
        columns: terminal.columns, rows: terminal.rows, time: Clock.secondsSince1970, title: title, term: terminal.term)
      let recorder = TerminalRecorder(file, header)
      // A channel that is gone has an empty recording.
      if let channel = channels[number] {
        channel.recorder = recorder
      } else {
        report(.recorded(recorder.finish(number)))
      }
    }
    tellSession()
  }

  /// A recording is over.
  func recorded(_ end: RecordingEnd) { report(.recorded(end)) }

  /// When the next recording has to be written.
  var recordingDeadline: Int64? {
    isRecorded ? channels.values.compactMap { $0.recorder?.deadline }.min() : nil
  }

  /// Writes what has waited long enough.
  func flushRecordings() {
    guard isRecorded else { return }
    let now = Clock.milliseconds
    for channel in channels.values { channel.flushRecording(at: now) }
  }
}
