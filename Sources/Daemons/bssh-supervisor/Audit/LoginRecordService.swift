import AccessControl
import IPC
import System

/// Refused logins in btmp. What a service needs of ``LoginRecordService`` to report one.
protocol RefusedLogins: AnyObject {
  /// Enters a refused login in btmp.
  func recordRefusal(_ entry: LoginEntry, of connection: UInt64)
}

/// Decides which entries recorders write to utmp, wtmp, lastlog and btmp.
final class LoginRecordService: TerminalRecords, RefusedLogins {
  private let runtime: any Runtime
  private let recorders: any Recorders
  /// Returns the owner of a terminal, by its name relative to /dev.
  private let owner: (String) -> TerminalOwner
  /// The entries that are not in the records yet.
  private var queue = LoginRecordQueue() {
    didSet { recorders.setHasLoginRecords(queue.count > 0) }
  }
  /// The terminals of each connection.
  private var books: [UInt64: LoginRecordPolicy] = [:]
  /// True if the daemon runs as root, so that it can write the records.
  private var isPossible = false
  /// True if the settings enable login records.
  private var isWanted = false

  /// - Parameter owner: returns the owner of a terminal, by its name relative to /dev.
  init(
    _ runtime: any Runtime, _ recorders: any Recorders,
    owner: @escaping (String) -> TerminalOwner = { TerminalOwner(of: $0) }
  ) {
    self.runtime = runtime
    self.recorders = recorders
    self.owner = owner
  }

  /// Applies new settings.
  func apply(_ loaded: LoadedSettings) {
    isPossible = loaded.accounts != nil
    isWanted = loaded.settings.audit.loginRecords
  }

  func record(_ entry: LoginEntry, isWanted: Bool, of connection: UInt64) {
    var entry = entry
    entry.time = runtime.time
    switch entry.kind {
    case .began: begins(entry, isWanted, connection)
    case .ended:
      guard books[connection]?.ends(entry.terminal) == true else { return }
      queue.add(LoginRecordQueue.Item(entry, of: connection))
      sendToRecorder()
    case .refused: break
    }
  }

  func recordRefusal(_ entry: LoginEntry, of connection: UInt64) {
    var entry = entry
    entry.time = runtime.time
    // Password guessing must not fill the memory.
    guard isPossible, isWanted, let recorder = try? loginRecorder(), !recorder.hasBacklog else { return }
    runtime.send(SupervisorToRecorder.login(entry, connection: connection), to: recorder)
  }

  func forget(_ connection: UInt64) { books[connection] = nil }

  private func loginRecorder() throws(SystemError) -> Child { try recorders.current(for: \.keepsLogins) }

  /// Sends the waiting entries to the recorder, or sets a timer if there can be none at the moment.
  func sendToRecorder() {
    guard queue.isWaiting else { return }
    guard let recorder = try? loginRecorder() else {
      return runtime.setTimer(.loginRecords, after: RecorderService.pause)
    }
    for item in queue.dequeue(for: recorder.number) {
      runtime.send(SupervisorToRecorder.login(item.entry, connection: item.connection), to: recorder)
    }
  }

  private func begins(_ entry: LoginEntry, _ isWanted: Bool, _ connection: UInt64) {
    guard isPossible, isWanted else { return runtime.post(.terminalEntered(connection)) }
    guard queue.count < LoginRecordQueue.limit else { return leaveOut(entry, connection, "the recorder is slow") }
    let isTaken = books.contains { $0.key != connection && $0.value.has(entry.terminal) }
    switch books[connection, default: LoginRecordPolicy()].begins(
      entry.terminal, uid: entry.uid, owner: owner(entry.terminal), isTaken: isTaken, at: runtime.now)
    {
    case .record:
      queue.add(LoginRecordQueue.Item(entry, of: connection))
      sendToRecorder()
    case .leaveOut(let why): leaveOut(entry, connection, why)
    case .refuse:
      runtime.post(.connection(.sessionMisbehaved("told of a terminal that is not its user's"), of: connection))
    }
  }

  private func leaveOut(_ entry: LoginEntry, _ connection: UInt64, _ why: String) {
    if !books[connection, default: LoginRecordPolicy()].hasLogged {
      books[connection, default: LoginRecordPolicy()].hasLogged = true
      runtime.log(.warning, "[\(connection)] \(entry.terminal) is not in the login records: \(why)")
    }
    runtime.post(.terminalEntered(connection))
  }

  // MARK: Recorders

  /// Handles that the oldest entry of a recorder is in the records; false: that entry does not match.
  func isWritten(_ kind: LoginEntry.Kind, _ connection: UInt64, by recorder: Child) -> Bool {
    let item = queue.acknowledge(by: recorder.number) { $0.entry.kind == kind && $0.connection == connection }
    sendToRecorder()
    guard item != nil else { return false }
    if kind == .began { runtime.post(.terminalEntered(connection)) }
    return true
  }

  /// Handles that a recorder cannot write because the files were replaced. Another one can, and gets the entries that this
  /// one did not write. False: the recorder was not sent this entry.
  func areReplaced(_ entry: LoginEntry, _ connection: UInt64, by child: Child) -> Bool {
    // Refusals are not queued: a lost one leaves no entry without an end.
    let item = LoginRecordQueue.Item(entry, of: connection)
    if entry.kind != .refused, queue.acknowledge(by: child.number, item.isSame) == nil { return false }
    if !recorders.isReplaced(child) {
      runtime.log(
        .error, "[\(connection)] not in the login records, whose files were replaced: \(entry.terminal)")
      if entry.kind == .began { runtime.post(.terminalEntered(connection)) }
    } else if entry.kind != .refused {
      queue.add(item)
      sendToRecorder()
    } else if let other = try? recorders.current() {
      runtime.send(SupervisorToRecorder.login(entry, connection: connection), to: other)
    }
    return true
  }

  /// Handles the end of a recorder: the next one gets the entries that it had not written.
  func recorderEnded(_ child: Child) {
    let leftOut = queue.end(child.number) { books[$0.connection]?.has($0.entry.terminal) == true }
    for item in leftOut {
      runtime.log(
        .warning, "[\(item.connection)] not in the login records, as recorders died: \(item.entry.terminal)")
    }
    sendToRecorder()
  }
}
