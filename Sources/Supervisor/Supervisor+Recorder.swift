import AccessControl
import Audit
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Milliseconds until a recorder that has ended is started again.
  static let recorderPause: Int64 = 1000
  /// Milliseconds that a recorder has at the end of the daemon for what it was told.
  static let recorderEndTime: Int64 = 4000
  /// Milliseconds that a recorder has when another one has taken over: as long as a recording is waited for.
  static let recorderRetirement = ConnectionMachine.Terminals.recorderTime

  /// How often another recorder takes over because files were replaced; whoever claims that all the time gets no other.
  static let renewalRate = TokenBucket.Rate(interval: 1000, burst: 10)

  /// What the recorder is told: what applies now, and what logins began with that go on.
  private var recorderSettings: RecorderSettings {
    var all = RecorderSettings(
      directories: loaded.recordings.map(\.directory), keepsLogins: loaded.settings.audit.loginRecords)
    for machine in connections.values.map(\.machine) {
      let settings = machine.context.settings
      all.keepsLogins = all.keepsLogins || settings.audit.loginRecords
      let isLogin = machine.phase == .loggedIn
      let others = isLogin ? [settings.audit.recordingDirectory] : settings.recordingDirectories
      for path in others where !isLogin || machine.terminals.isRecorded {
        guard all.directories.count < RecorderSettings.mostDirectories else { break }
        guard let known = recordingDirectories[path]?.directory else { continue }
        if !all.directories.contains(known) { all.directories.append(known) }
      }
    }
    // They are root's to keep.
    all.keepsLogins = (all.keepsLogins || logins.count > 0) && loaded.accounts != nil
    return all
  }

  /// Closes the directories in which nobody records any more: those of settings that were replaced stay open for as long
  /// as there are logins that began with them.
  func closeRecordingDirectories() {
    guard recordingDirectories.count > loaded.recordings.count else { return }
    let wanted = recorderSettings.directories
    recordingDirectories = recordingDirectories.filter { wanted.contains($0.value.directory) }
  }

  /// The settings have changed.
  func applyRecorderSettings() {
    let wanted = recorderSettings
    closeRecordingDirectories()
    if let recorder, recorderTold != wanted { retireRecorder(recorder) }
    guard recorder == nil, wanted.keepsLogins || !wanted.directories.isEmpty else { return }
    do throws(SystemError) { _ = try currentRecorder() } catch {
      log.write(.error, "there are no recordings and no login records: \(error)")
    }
  }

  /// The recorder, after one that was told of something else.
  func currentRecorder(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child {
    if let recorder, recorder.sentSignal == nil, let told = recorderTold, !isEnough(told), mayRenewRecorder() {
      retireRecorder(recorder)
    }
    return try currentRecorder()
  }

  func mayRenewRecorder() -> Bool {
    recorderRenewals.take(Self.renewalRate, at: Clock.milliseconds) == 0
  }

  func currentRecorder() throws(SystemError) -> Child {
    if let recorder {
      // It was killed, and hangs: another one would hang as well.
      guard recorder.sentSignal == nil else { throw SystemError("ask the recorder", code: ETIMEDOUT) }
      return recorder
    }
    guard Clock.milliseconds >= recorderStart else { throw SystemError("start the recorder again", code: EAGAIN) }
    let child = try spawn(.recorder) { programs.recorder(loaded.accounts, ends: $0) }
    recorder = child
    let settings = recorderSettings
    recorderTold = settings
    send(
      SupervisorToRecorder.prepare(settings),
      settings.directories.compactMap { recordingDirectories[$0.path]?.descriptor }, to: child)
    return child
  }

  /// Another one is the recorder from now on. This one does what it was told; then it finds the socket closed.
  func retireRecorder(_ child: Child) {
    recorder = nil
    child.finish()
    timers.set(.kill(child.number), at: Clock.milliseconds + Self.recorderRetirement)
  }

  // MARK: Recordings

  /// Has the file of a recording made.
  func openRecording(_ connection: Connection, _ directory: String) {
    let subject = connection.machine.subject
    let session = subject.sessionID.map(\.description) ?? "\(connection.number)"
    let name = RecordingName.make(
      time: Clock.timestamp, user: connection.machine.authentication.user ?? "", session: session,
      number: connection.recordingCount)
    connection.recordingCount += 1
    do throws(SystemError) {
      // What the loader could not open, no recorder can.
      guard let known = recordingDirectories[directory]?.directory else {
        throw SystemError("open \(directory)", code: ENOENT)
      }
      let recorder = try currentRecorder { $0.directories.contains(known) }
      let number = newNumber()
      let isTaken = openings.ask(number, of: recorder.number, for: connection.number, path: "\(directory)/\(name)")
      guard isTaken else { throw SystemError("ask the recorder", code: EBUSY) }
      // The file goes from one to the other: its descriptor is nothing for this process.
      let (recorderEnd, transportEnd) = try MessageSocket.pair()
      connection.recording = transportEnd.descriptor
      send(
        SupervisorToRecorder.open(number: number, directory: directory, name: name), [recorderEnd.descriptor],
        to: recorder)
    } catch {
      deliver(.recordingFailed("\(error)"), to: connection.number)
    }
  }

  /// The recorder that this connection has asked does not answer.
  func killRecorder(of connection: Connection) {
    guard let number = openings.giveUp(connection.number) else { return }
    children[number]?.signal(SIGKILL)
  }

  /// Gives the transport the way to its file.
  func giveRecording(_ connection: Connection, _ channel: UInt32, _ title: String) {
    guard let end = connection.recording else { return }
    connection.recording = nil
    tell(connection, .recording(channel: channel, title: title), [end])
  }

  /// A message of a recorder.
  func takeFromRecorder(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    switch try? RecorderToSupervisor(wireBytes: bytes[...]) {
    case .opened(let number):
      guard descriptors.isEmpty, let opening = openings.answer(number, by: child.number) else { break }
      guard let waiting = opening.connection, connections[waiting] != nil else { return }
      return deliver(.recordingOpened(opening.path), to: waiting)
    case .failed(let number, let reason):
      guard descriptors.isEmpty, let opening = openings.answer(number, by: child.number) else { break }
      if let waiting = opening.connection { deliver(.recordingFailed(reason), to: waiting) }
      return
    case .note(let text):
      guard descriptors.isEmpty else { break }
      return log.write(.warning, "recorder: \(text)")
    case .entered(let number):
      guard descriptors.isEmpty, loginIsWritten(.began, number, by: child) else { break }
      return entered(number)
    case .left(let number):
      guard descriptors.isEmpty, loginIsWritten(.ended, number, by: child) else { break }
      return
    case .replaced(let entry, let number):
      guard descriptors.isEmpty, filesAreReplaced(child, entry, number) else { break }
      return
    case nil: break
    }
    log.write(.error, "recorder \(child.pid) sent something that it was not asked for: killed")
    child.signal(SIGKILL)
  }

  /// A recorder has ended, with it what it was asked for.
  func recorderEnded(_ child: Child, _ status: ExitStatus) {
    if child === recorder {
      recorder = nil
      recorderStart = Clock.milliseconds + Self.recorderPause
    }
    if child.isFinished, status == .code(0) {
      log.write(.debug, "recorder \(child.pid) has written what it was told")
    } else {
      log.write(.error, "recorder \(child.pid) \(status)")
    }
    for connection in openings.end(child.number) { deliver(.recordingFailed("the recorder \(status)"), to: connection) }
    handOnLogins(of: child)
  }

  /// Nobody records any more: waits a moment until all of it is written.
  func endRecorder() {
    // Without a pause: there is no later.
    recorderStart = 0
    tellLogins()
    let deadline = Clock.milliseconds + Self.recorderEndTime
    for child in children.values where child.role == .recorder { end(child, by: deadline) }
  }

  private func end(_ recorder: Child, by deadline: Int64) {
    guard let process = recorder.process else { return }
    var patience: Int32 { Int32(clamping: max(0, deadline - Clock.milliseconds)) }
    recorder.finish()
    while recorder.hasBacklog, recorder.socket.writing.wait(for: POLLOUT, milliseconds: patience) {
      guard case .waits = recorder.flush() else { break }
    }
    if !process.descriptor.wait(for: POLLIN, milliseconds: patience) { recorder.signal(SIGKILL) }
  }
}
