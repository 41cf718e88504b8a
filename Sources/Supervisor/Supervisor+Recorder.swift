import Audit
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Milliseconds until a recorder that has ended is started again.
  static let recorderPause: Int64 = 1000
  /// Milliseconds that a recorder has at the end for what it was told.
  static let recorderEndTime: Int32 = 2000

  /// Login records are root's to keep.
  private var keepsLogins: Bool { loaded.accounts != nil && loaded.settings.audit.loginRecords }

  /// What the recorder is told; it is another one when this changes.
  private var recorderSettings: RecorderSettings {
    RecorderSettings(directories: loaded.settings.recordingDirectories, keepsLogins: keepsLogins)
  }

  /// The settings have changed.
  func applyRecorderSettings() {
    if let recorder, recorderTold != recorderSettings {
      // What it was told it does; then it finds the socket closed.
      retireRecorder(recorder)
    }
    guard recorder == nil, keepsLogins || !loaded.settings.recordingDirectories.isEmpty else { return }
    do throws(SystemError) { _ = try currentRecorder() } catch {
      log.write(.error, "there are no recordings and no login records: \(error)")
    }
  }

  private func currentRecorder() throws(SystemError) -> Child {
    if let recorder {
      // It was killed, and hangs: another one would hang as well.
      guard recorder.sentSignal == nil else { throw SystemError("ask the recorder", code: ETIMEDOUT) }
      return recorder
    }
    guard Clock.milliseconds >= recorderStart else { throw SystemError("start the recorder again", code: EAGAIN) }
    let child = try spawn(.recorder) { programs.recorder(loaded.accounts, socket: $0) }
    recorder = child
    recorderTold = recorderSettings
    send(ToRecorder.prepare(recorderSettings), to: child)
    return child
  }

  private func retireRecorder(_ child: Child) {
    recorder = nil
    child.socket.shutDownWriting()
    timers.set(.kill(child.number), at: Clock.milliseconds + Int64(Self.recorderEndTime))
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
      let recorder = try currentRecorder()
      let number = newNumber()
      openings.append(Opening(number: number, connection: connection.number, path: "\(directory)/\(name)"))
      send(ToRecorder.open(number: number, directory: directory, name: name), to: recorder)
    } catch {
      deliver(.recordingFailed("\(error)"), to: connection.number)
    }
  }

  /// Gives the transport its file.
  func giveRecording(_ connection: Connection, _ channel: UInt32, _ title: String) {
    guard let file = connection.recording else { return }
    connection.recording = nil
    tell(connection, .recording(channel: channel, title: title), [file])
  }

  /// A message of a recorder.
  func takeFromRecorder(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    switch try? FromRecorder(wireBytes: bytes[...]) {
    case .opened(let number):
      guard let opening = takeOpening(number), descriptors.count == 1 else { break }
      guard let connection = connections[opening.connection] else { return }
      connection.recording = descriptors[0]
      deliver(.recordingOpened(opening.path), to: opening.connection)
      connection.recording = nil
      return
    case .failed(let number, let reason):
      guard let opening = takeOpening(number), descriptors.isEmpty else { break }
      return deliver(.recordingFailed(reason), to: opening.connection)
    case .note(let text):
      guard descriptors.isEmpty else { break }
      return log.write(.warning, "recorder: \(text)")
    case .entered(let number):
      guard descriptors.isEmpty else { break }
      return entered(number)
    case nil: break
    }
    log.write(.error, "recorder \(child.pid) sent something that it was not asked for: killed")
    child.signal(SIGKILL)
  }

  private func takeOpening(_ number: UInt64) -> Opening? {
    guard let index = openings.firstIndex(where: { $0.number == number }) else { return nil }
    return openings.remove(at: index)
  }

  /// A recorder has ended.
  func recorderEnded(_ child: Child, _ status: ExitStatus) {
    guard child === recorder else { return }
    recorder = nil
    recorderStart = Clock.milliseconds + Self.recorderPause
    log.write(.error, "recorder \(child.pid) \(status)")
    let lost = openings
    openings = []
    for opening in lost { deliver(.recordingFailed("the recorder \(status)"), to: opening.connection) }
  }

  // MARK: Login records

  /// Puts something into the login records, as root; whoever waits for that is told, also when there are none.
  func recordLogin(_ entry: LoginEntry, _ connection: UInt64) {
    guard keepsLogins, let recorder = try? currentRecorder() else {
      if entry.kind == .began { entered(connection) }
      return
    }
    // Who guesses passwords must not fill the memory.
    if entry.kind == .refused, recorder.hasBacklog { return }
    var entry = entry
    entry.time = Clock.microsecondsSince1970
    send(ToRecorder.login(entry, connection: connection), to: recorder)
  }

  /// The session of this connection may start its program.
  private func entered(_ connection: UInt64) {
    guard let connection = connections[connection], connection.machine.phase == .loggedIn,
      connection.machine.context.settings.audit.loginRecords, let session = connection.session
    else { return }
    send(ToSession.terminalEntered, to: session)
  }

  /// A login was refused. btmp hears, as from sshd(8), of what was typed and of names that nobody has; a key that does
  /// not fit is no guess.
  func recordRefusal(_ fact: Fact, of subject: Subject) {
    guard let user = subject.user, let method = subject.method else { return }
    let isTyped = method.split(separator: ",").contains { ["password", "keyboard-interactive", "totp"].contains($0) }
    guard isTyped || fact.reason == "no_such_user" else { return }
    recordLogin(
      LoginEntry(
        .refused, user: String(decoding: user.utf8.prefix(256), as: UTF8.self), uid: 0, terminal: "ssh:notty",
        process: 0, address: subject.clientAddress ?? ""), subject.connection ?? 0)
  }

  /// Nobody records any more: waits a moment until all of it is written.
  func endRecorder() {
    guard let recorder, let process = recorder.process else { return }
    while recorder.hasBacklog, recorder.socket.descriptor.wait(for: POLLOUT, milliseconds: Self.recorderEndTime) {
      guard case .waits = recorder.flush() else { break }
    }
    recorder.socket.shutDownWriting()
    if !process.descriptor.wait(for: POLLIN, milliseconds: Self.recorderEndTime) { recorder.signal(SIGKILL) }
  }

  /// A file of a recording that is being made.
  struct Opening {
    let number: UInt64
    let connection: UInt64
    let path: String
  }
}
