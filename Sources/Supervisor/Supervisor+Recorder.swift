import AccessControl
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

  /// How often another recorder takes over because files were replaced; whoever claims that all the time gets no other.
  static let renewalRate = TokenBucket.Rate(interval: 1000, burst: 10)
  /// Messages that may wait for the recorder before no more logins go into the records; ends do.
  static let backlogLimit = 1024

  /// What the recorder is told: what applies now, and what logins began with that go on.
  private var recorderSettings: RecorderSettings {
    var all = RecorderSettings(
      directories: loaded.settings.recordingDirectories, keepsLogins: loaded.settings.audit.loginRecords)
    for machine in connections.values.map(\.machine) {
      let settings = machine.context.settings
      all.keepsLogins = all.keepsLogins || settings.audit.loginRecords
      let isLogin = machine.phase == .loggedIn
      let others = isLogin ? [settings.audit.recordingDirectory] : settings.recordingDirectories
      for path in others where !isLogin || machine.terminals.isRecorded {
        guard all.directories.count < RecorderSettings.mostDirectories else { break }
        if !all.directories.contains(path) { all.directories.append(path) }
      }
    }
    // They are root's to keep.
    all.keepsLogins = all.keepsLogins && loaded.accounts != nil
    return all
  }

  /// The settings have changed.
  func applyRecorderSettings() {
    let wanted = recorderSettings
    if let recorder, recorderTold != wanted { retireRecorder(recorder) }
    guard recorder == nil, wanted.keepsLogins || !wanted.directories.isEmpty else { return }
    do throws(SystemError) { _ = try currentRecorder() } catch {
      log.write(.error, "there are no recordings and no login records: \(error)")
    }
  }

  /// The recorder, after one that was told of something else.
  private func currentRecorder(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child {
    if let recorder, recorder.sentSignal == nil, let told = recorderTold, !isEnough(told), mayRenewRecorder() {
      retireRecorder(recorder)
    }
    return try currentRecorder()
  }

  private func mayRenewRecorder() -> Bool {
    recorderRenewals.take(Self.renewalRate, at: Clock.milliseconds) == 0
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
    let settings = recorderSettings
    recorderTold = settings
    send(ToRecorder.prepare(settings), to: child)
    return child
  }

  /// Another one is the recorder from now on. This one does what it was told; then it finds the socket closed.
  private func retireRecorder(_ child: Child) {
    recorder = nil
    if !child.hasBacklog { child.socket.shutDownWriting() }
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
      let recorder = try currentRecorder { $0.directories.contains(directory) }
      let number = newNumber()
      openings.append(
        Opening(
          number: number, recorder: recorder.number, connection: connection.number, path: "\(directory)/\(name)"))
      send(ToRecorder.open(number: number, directory: directory, name: name), to: recorder)
    } catch {
      deliver(.recordingFailed("\(error)"), to: connection.number)
    }
  }

  /// The recorder that this connection has asked does not answer.
  func killRecorder(of connection: Connection) {
    guard let opening = openings.first(where: { $0.connection == connection.number }) else { return }
    children[opening.recorder]?.signal(SIGKILL)
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
    case .replaced(let entry, let number):
      guard descriptors.isEmpty else { break }
      return filesAreReplaced(child, entry, number)
    case nil: break
    }
    log.write(.error, "recorder \(child.pid) sent something that it was not asked for: killed")
    child.signal(SIGKILL)
  }

  private func takeOpening(_ number: UInt64) -> Opening? {
    guard let index = openings.firstIndex(where: { $0.number == number }) else { return nil }
    return openings.remove(at: index)
  }

  /// A recorder has ended, with it what it was asked for.
  func recorderEnded(_ child: Child, _ status: ExitStatus) {
    if child === recorder {
      recorder = nil
      recorderStart = Clock.milliseconds + Self.recorderPause
      log.write(.error, "recorder \(child.pid) \(status)")
    }
    let lost = openings.filter { $0.recorder == child.number }
    openings.removeAll { $0.recorder == child.number }
    for opening in lost { deliver(.recordingFailed("the recorder \(status)"), to: opening.connection) }
  }

  // MARK: Login records

  /// Puts something into the login records, as root; whoever waits for that is told, also when it is left out.
  func recordLogin(_ entry: LoginEntry, _ connection: UInt64) {
    var entry = entry
    entry.time = Clock.microsecondsSince1970
    switch entry.kind {
    case .began: loginBegins(entry, connection)
    case .ended:
      guard connections[connection]?.terminals.ends(entry.terminal) == true else { return }
      if let recorder = try? loginRecorder() { send(ToRecorder.login(entry, connection: connection), to: recorder) }
    case .refused:
      // Who guesses passwords must not fill the memory.
      guard loaded.accounts != nil, loaded.settings.audit.loginRecords, let recorder = try? loginRecorder(),
        !recorder.hasBacklog
      else { return }
      send(ToRecorder.login(entry, connection: connection), to: recorder)
    }
  }

  private func loginRecorder() throws(SystemError) -> Child { try currentRecorder(for: \.keepsLogins) }

  /// A login begins on a terminal, as its session process says.
  private func loginBegins(_ entry: LoginEntry, _ number: UInt64) {
    guard let connection = connections[number] else { return }
    guard loaded.accounts != nil, connection.machine.context.settings.audit.loginRecords,
      let recorder = try? loginRecorder()
    else { return entered(number) }
    guard recorder.backlog < Self.backlogLimit else { return leaveOut(entry, number, "the recorder is slow") }
    let owner = TerminalOwner(of: entry.terminal)
    switch connection.terminals.begins(entry.terminal, uid: entry.uid, owner: owner, at: Clock.milliseconds) {
    case .record: send(ToRecorder.login(entry, connection: number), to: recorder)
    case .leaveOut(let why): leaveOut(entry, number, why)
    case .refuse: deliver(.sessionMisbehaved("told of a terminal that is not its user's"), to: number)
    }
  }

  private func leaveOut(_ entry: LoginEntry, _ number: UInt64, _ why: String) {
    if let connection = connections[number], !connection.terminals.hasTold {
      connection.terminals.hasTold = true
      log.write(.warning, "[\(number)] \(entry.terminal) is not in the login records: \(why)")
    }
    entered(number)
  }

  /// A recorder cannot write the files that there are now: another one can, and gets what this one did not write.
  private func filesAreReplaced(_ child: Child, _ entry: LoginEntry, _ connection: UInt64) {
    if child === recorder, mayRenewRecorder() {
      log.write(.info, "the files of login records were replaced: another recorder than \(child.pid) takes over")
      retireRecorder(child)
    }
    if let other = try? currentRecorder(), other !== child {
      return send(ToRecorder.login(entry, connection: connection), to: other)
    }
    log.write(.error, "[\(connection)] not in the login records, whose files were replaced: \(entry.terminal)")
    if entry.kind == .began { entered(connection) }
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
        .refused, user: ConnectionMachine.short(user), uid: 0, terminal: "ssh:notty", process: 0,
        address: subject.clientAddress ?? ""), subject.connection ?? 0)
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
    /// The number of the process that was asked.
    let recorder: UInt64
    let connection: UInt64
    let path: String
  }
}
