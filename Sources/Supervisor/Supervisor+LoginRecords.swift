import AccessControl
import Audit
import Glibc
import IPC
import System

// What goes into utmp, wtmp, lastlog and btmp. A recorder writes it.
extension Supervisor {
  /// Puts something into the login records, as root; whoever waits for that is told, also when it is left out.
  func recordLogin(_ entry: LoginEntry, _ connection: UInt64) {
    var entry = entry
    entry.time = Clock.microsecondsSince1970
    switch entry.kind {
    case .began: loginBegins(entry, connection)
    case .ended:
      guard connections[connection]?.terminals.ends(entry.terminal) == true else { return }
      logins.add(LoginLedger.Item(entry, of: connection))
      tellLogins()
    case .refused:
      // Who guesses passwords must not fill the memory.
      guard loaded.accounts != nil, loaded.settings.audit.loginRecords, let recorder = try? loginRecorder(),
        !recorder.hasBacklog
      else { return }
      send(SupervisorToRecorder.login(entry, connection: connection), to: recorder)
    }
  }

  private func loginRecorder() throws(SystemError) -> Child { try currentRecorder(for: \.keepsLogins) }

  /// Tells the recorder what it was not told yet; later, when none can be there now.
  func tellLogins() {
    guard logins.isWaiting else { return }
    guard let recorder = try? loginRecorder() else {
      return timers.set(.loginRecords, at: Clock.milliseconds + Self.recorderPause)
    }
    for item in logins.tell(recorder.number) {
      send(SupervisorToRecorder.login(item.entry, connection: item.connection), to: recorder)
    }
  }

  /// A recorder has ended: what it had not written is for the next one.
  func handOnLogins(of child: Child) {
    let leftOut = logins.end(child.number) { item in
      connections[item.connection]?.terminals.has(item.entry.terminal) == true
    }
    for item in leftOut {
      log.write(.warning, "[\(item.connection)] not in the login records, as recorders died: \(item.entry.terminal)")
    }
    tellLogins()
  }

  /// A login begins on a terminal, as its session process says.
  private func loginBegins(_ entry: LoginEntry, _ number: UInt64) {
    guard let connection = connections[number] else { return }
    guard loaded.accounts != nil, connection.machine.context.settings.audit.loginRecords else { return entered(number) }
    guard logins.count < LoginLedger.limit else { return leaveOut(entry, number, "the recorder is slow") }
    let isTaken = connections.values.contains { $0 !== connection && $0.terminals.has(entry.terminal) }
    let owner = TerminalOwner(of: entry.terminal)
    switch connection.terminals.begins(
      entry.terminal, uid: entry.uid, owner: owner, isTaken: isTaken, at: Clock.milliseconds)
    {
    case .record:
      logins.add(LoginLedger.Item(entry, of: number))
      tellLogins()
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

  /// A recorder says that the oldest entry that it was told of is in the records; false: it was told of no such.
  func loginIsWritten(_ kind: LoginEntry.Kind, _ connection: UInt64, by child: Child) -> Bool {
    let item = logins.answer(by: child.number) { $0.entry.kind == kind && $0.connection == connection }
    tellLogins()
    return item != nil
  }

  /// A recorder cannot write the files that there are now: another one can, and gets what this one did not write. False:
  /// it was not told of this.
  func filesAreReplaced(_ child: Child, _ entry: LoginEntry, _ connection: UInt64) -> Bool {
    // Refusals are nowhere noted: one that is lost is no entry that stays.
    let item = LoginLedger.Item(entry, of: connection)
    if entry.kind != .refused, logins.answer(by: child.number, item.isSame) == nil { return false }
    if child === recorder, mayRenewRecorder() {
      log.write(.info, "the files of login records were replaced: another recorder than \(child.pid) takes over")
      retireRecorder(child)
    }
    if child === recorder {
      log.write(.error, "[\(connection)] not in the login records, whose files were replaced: \(entry.terminal)")
      if entry.kind == .began { entered(connection) }
    } else if entry.kind != .refused {
      logins.add(item)
      tellLogins()
    } else if let other = try? currentRecorder() {
      send(SupervisorToRecorder.login(entry, connection: connection), to: other)
    }
    return true
  }

  /// The session of this connection may start its program.
  func entered(_ connection: UInt64) {
    guard let connection = connections[connection], connection.machine.phase == .loggedIn,
      connection.machine.context.settings.audit.loginRecords, let session = connection.session
    else { return }
    send(SupervisorToSession.terminalEntered, to: session)
  }

  /// A login was refused. btmp hears, as from sshd(8), of what was typed and of names that nobody has; a key that does
  /// not fit is no guess.
  func recordRefusal(_ fact: Fact, of subject: Subject) {
    guard let user = subject.user, let method = subject.method else { return }
    let isTyped = method.split(separator: ",").contains { ["password", "keyboard-interactive", "totp"].contains($0) }
    guard isTyped || fact.reason == Reason(AccountRefusal.noSuchUser) else { return }
    recordLogin(
      LoginEntry(
        .refused, user: ConnectionMachine.short(user), uid: 0, terminal: "ssh:notty", process: 0,
        address: subject.clientAddress ?? ""), subject.connection ?? 0)
  }
}
