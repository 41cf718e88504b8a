import AccessControl
import IPC
import System

/// What goes into utmp, wtmp, lastlog and btmp. Recorders write it.
final class LoginRecordService {
  private let runtime: any Runtime
  private let recorders: any Recorders
  /// Whose a terminal is.
  private let owner: (String) -> TerminalOwner
  /// What is to go into the records.
  private var ledger = LoginLedger() {
    didSet { recorders.setHasLoginRecords(ledger.count > 0) }
  }
  /// The terminals of each connection that the records have.
  private var books: [UInt64: LoginRecordPolicy] = [:]
  /// The daemon is root, and can write the records.
  private var isPossible = false
  /// The settings that apply want them.
  private var isWanted = false

  /// - Parameter owner: whose a terminal is; its name is below /dev.
  init(
    _ runtime: any Runtime, _ recorders: any Recorders,
    owner: @escaping (String) -> TerminalOwner = { TerminalOwner(of: $0) }
  ) {
    self.runtime = runtime
    self.recorders = recorders
    self.owner = owner
  }

  /// These settings apply from now on.
  func apply(_ loaded: LoadedSettings) {
    isPossible = loaded.accounts != nil
    isWanted = loaded.settings.audit.loginRecords
  }

  /// A login begins or ends on a terminal. ``SupervisorEvent/terminalEntered(_:)`` follows a beginning, also when it is left
  /// out of the records.
  ///
  /// - Parameter isWanted: whether the settings of this login want it in the records.
  func record(_ entry: LoginEntry, isWanted: Bool, of connection: UInt64) {
    var entry = entry
    entry.time = runtime.time
    switch entry.kind {
    case .began: begins(entry, isWanted, connection)
    case .ended:
      guard books[connection]?.ends(entry.terminal) == true else { return }
      ledger.add(LoginLedger.Item(entry, of: connection))
      tellRecorder()
    case .refused: break
    }
  }

  /// A login was refused, which goes into btmp.
  func recordRefusal(_ entry: LoginEntry, of connection: UInt64) {
    var entry = entry
    entry.time = runtime.time
    // Who guesses passwords must not fill the memory.
    guard isPossible, isWanted, let recorder = try? loginRecorder(), !recorder.hasBacklog else { return }
    runtime.send(SupervisorToRecorder.login(entry, connection: connection), to: recorder)
  }

  /// A connection is over; its terminals have ended before.
  func forget(_ connection: UInt64) { books[connection] = nil }

  private func loginRecorder() throws(SystemError) -> Child { try recorders.current(for: \.keepsLogins) }

  /// Sends what waits to the recorder; later, when there can be none now.
  func tellRecorder() {
    guard ledger.isWaiting else { return }
    guard let recorder = try? loginRecorder() else {
      return runtime.setTimer(.loginRecords, after: RecorderService.pause)
    }
    for item in ledger.tell(recorder.number) {
      runtime.send(SupervisorToRecorder.login(item.entry, connection: item.connection), to: recorder)
    }
  }

  private func begins(_ entry: LoginEntry, _ isWanted: Bool, _ connection: UInt64) {
    guard isPossible, isWanted else { return runtime.post(.terminalEntered(connection)) }
    guard ledger.count < LoginLedger.limit else { return leaveOut(entry, connection, "the recorder is slow") }
    let isTaken = books.contains { $0.key != connection && $0.value.has(entry.terminal) }
    switch books[connection, default: LoginRecordPolicy()].begins(
      entry.terminal, uid: entry.uid, owner: owner(entry.terminal), isTaken: isTaken, at: runtime.now)
    {
    case .record:
      ledger.add(LoginLedger.Item(entry, of: connection))
      tellRecorder()
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

  /// A recorder says that the oldest entry that it was told of is in the records; false: it was told of no such.
  func isWritten(_ kind: LoginEntry.Kind, _ connection: UInt64, by recorder: Child) -> Bool {
    let item = ledger.answer(by: recorder.number) { $0.entry.kind == kind && $0.connection == connection }
    tellRecorder()
    guard item != nil else { return false }
    if kind == .began { runtime.post(.terminalEntered(connection)) }
    return true
  }

  /// A recorder cannot write the files that there are now: another one can, and gets what this one did not write. False:
  /// it was not told of this.
  func areReplaced(_ entry: LoginEntry, _ connection: UInt64, by child: Child) -> Bool {
    // Refusals are nowhere noted: one that is lost is no entry that stays.
    let item = LoginLedger.Item(entry, of: connection)
    if entry.kind != .refused, ledger.answer(by: child.number, item.isSame) == nil { return false }
    if !recorders.isReplaced(child) {
      runtime.log(
        .error, "[\(connection)] not in the login records, whose files were replaced: \(entry.terminal)")
      if entry.kind == .began { runtime.post(.terminalEntered(connection)) }
    } else if entry.kind != .refused {
      ledger.add(item)
      tellRecorder()
    } else if let other = try? recorders.current() {
      runtime.send(SupervisorToRecorder.login(entry, connection: connection), to: other)
    }
    return true
  }

  /// A recorder has ended: what it had not written is for the next one.
  func recorderEnded(_ child: Child) {
    let leftOut = ledger.end(child.number) { books[$0.connection]?.has($0.entry.terminal) == true }
    for item in leftOut {
      runtime.log(
        .warning, "[\(item.connection)] not in the login records, as recorders died: \(item.entry.terminal)")
    }
    tellRecorder()
  }
}
