import Glibc
import IPC
import System

/// Requests the files of recordings from recorders.
///
/// The recorder sends the descriptor of a file directly to the transport, over a socket pair that this service creates.
final class RecordingService: RecordingFiles {
  private let runtime: any Runtime
  private let recorders: any Recorders
  /// The pending requests.
  private var openings = PendingRecordings()
  /// The transports' ends of the socket pairs, until they are sent.
  private var sockets: [UInt64: Descriptor] = [:]
  /// The number of recordings of each connection so far, for their names.
  private var counts: [UInt64: Int] = [:]

  init(_ runtime: any Runtime, _ recorders: any Recorders) {
    self.runtime = runtime
    self.recorders = recorders
  }

  func open(in directory: String, user: String, session: String, for connection: UInt64) {
    let name = RecordingName.make(
      time: Clock.timestamp, user: user, session: session, number: counts[connection, default: 0])
    counts[connection, default: 0] += 1
    do throws(SystemError) {
      // A recorder cannot open what the loader could not open.
      guard let known = recorders.directory(at: directory) else {
        throw SystemError("open \(directory)", code: ENOENT)
      }
      let recorder = try recorders.current { $0.directories.contains(known) }
      let number = runtime.newNumber()
      let isTaken = openings.ask(number, of: recorder.number, for: connection, path: "\(directory)/\(name)")
      guard isTaken else { throw SystemError("ask the recorder", code: EBUSY) }
      let (recorderEnd, transportEnd) = try MessageSocket.pair()
      sockets[connection] = transportEnd.descriptor
      runtime.send(
        SupervisorToRecorder.open(number: number, directory: directory, name: name), [recorderEnd.descriptor],
        to: recorder)
    } catch {
      runtime.post(.connection(.recordingFailed("\(error)"), of: connection))
    }
  }

  func takeSocket(of connection: UInt64) -> Descriptor? { sockets.removeValue(forKey: connection) }

  func killRecorder(of connection: UInt64) {
    guard let number = openings.giveUp(connection) else { return }
    runtime.children[number]?.signal(SIGKILL)
  }

  func forget(_ connection: UInt64) {
    sockets[connection] = nil
    counts[connection] = nil
  }

  /// Handles that a recorder has created a file; false: there is no such request.
  func opened(_ number: UInt64, by recorder: Child) -> Bool {
    guard let opening = openings.remove(number, by: recorder.number) else { return false }
    if let waiting = opening.connection { runtime.post(.connection(.recordingOpened(opening.path), of: waiting)) }
    return true
  }

  /// Handles that a recorder could not create a file; false: there is no such request.
  func failed(_ number: UInt64, _ reason: String, by recorder: Child) -> Bool {
    guard let opening = openings.remove(number, by: recorder.number) else { return false }
    if let waiting = opening.connection { runtime.post(.connection(.recordingFailed(reason), of: waiting)) }
    return true
  }

  /// Handles the end of a recorder: its pending requests fail.
  func recorderEnded(_ child: Child, _ status: ExitStatus) {
    for connection in openings.end(child.number) {
      runtime.post(.connection(.recordingFailed("the recorder \(status)"), of: connection))
    }
  }
}
