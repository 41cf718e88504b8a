import Glibc
import IPC
import System

/// Has the files of recordings made.
///
/// The descriptor of a file goes from the recorder to the transport over a socket of their own: it is nothing for this
/// process.
final class RecordingService {
  private let runtime: any Runtime
  private let recorders: any Recorders
  /// Files that recorders were asked to make.
  private var openings = RecordingOpenings()
  /// The transports' ends of the sockets, until they have them.
  private var sockets: [UInt64: Descriptor] = [:]
  /// Recordings of each connection so far, for their names.
  private var counts: [UInt64: Int] = [:]

  init(_ runtime: any Runtime, _ recorders: any Recorders) {
    self.runtime = runtime
    self.recorders = recorders
  }

  /// Has the file of a recording made. The answer is an event of the connection: `recordingOpened` or `recordingFailed`.
  ///
  /// - Parameter session: the id of the login, for the name of the file.
  func open(in directory: String, user: String, session: String, for connection: UInt64) {
    let name = RecordingName.make(
      time: Clock.timestamp, user: user, session: session, number: counts[connection, default: 0])
    counts[connection, default: 0] += 1
    do throws(SystemError) {
      // What the loader could not open, no recorder can.
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

  /// The transport's end of the socket over which the file comes, once; nil: there is none.
  func takeSocket(of connection: UInt64) -> Descriptor? { sockets.removeValue(forKey: connection) }

  /// The recorder that this connection has asked does not answer in time: kills it.
  func killRecorder(of connection: UInt64) {
    guard let number = openings.giveUp(connection) else { return }
    runtime.children[number]?.signal(SIGKILL)
  }

  /// A connection is over.
  func forget(_ connection: UInt64) {
    sockets[connection] = nil
    counts[connection] = nil
  }

  /// A recorder has made a file; false: it was not asked for that.
  func opened(_ number: UInt64, by recorder: Child) -> Bool {
    guard let opening = openings.answer(number, by: recorder.number) else { return false }
    if let waiting = opening.connection { runtime.post(.connection(.recordingOpened(opening.path), of: waiting)) }
    return true
  }

  /// A recorder could not make a file; false: it was not asked for that.
  func failed(_ number: UInt64, _ reason: String, by recorder: Child) -> Bool {
    guard let opening = openings.answer(number, by: recorder.number) else { return false }
    if let waiting = opening.connection { runtime.post(.connection(.recordingFailed(reason), of: waiting)) }
    return true
  }

  /// A recorder has ended, and makes none of the files that it was asked for.
  func recorderEnded(_ child: Child, _ status: ExitStatus) {
    for connection in openings.end(child.number) {
      runtime.post(.connection(.recordingFailed("the recorder \(status)"), of: connection))
    }
  }
}
