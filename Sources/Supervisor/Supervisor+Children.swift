import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Starts a process with one end of a new connection. Those that are root, and load the configuration or open the
  /// directory of the journal, have descriptors to send; no other has.
  func spawn(_ role: Child.Role, _ request: (Programs.Ends) -> ChildProcess.Request) throws(SystemError) -> Child {
    let (ours, theirs): (MessageSocket, [Descriptor])
    if role == .loader || role == .journalOpener {
      let pair = try MessageSocket.pair()
      (ours, theirs) = (pair.0, [pair.1.descriptor])
    } else {
      (ours, theirs) = try MessageSocket.supervised()
    }
    let errors = try errorPipe()
    let process = try ChildProcess(request(Programs.Ends(standardError: errors.writer, supervisor: theirs)))
    let child = Child(number: newNumber(), role: role, process: process, socket: ours, errors: errors.reader)
    do throws(SystemError) {
      try loop.add(ours.descriptor, .read, token: Self.token(child.number))
      try loop.add(process.descriptor, .read, token: Self.token(child.number, .end))
    } catch {
      process.signal(SIGKILL)
      throw error
    }
    children[child.number] = child
    watchErrors(child)
    return child
  }

  /// Sends a message to a process; one that is gone or does not read is killed, and its end is an event of its own.
  func send(_ message: some WireCodable, _ descriptors: [Descriptor] = [], to child: Child) {
    send(SecretBytes(encoding: message), descriptors, to: child)
  }

  /// Sends a message, which may have a secret in it and may have to wait.
  func send(_ message: SecretBytes, _ descriptors: [Descriptor] = [], to child: Child) {
    sent(child.send(message, descriptors), to: child)
  }

  /// Goes on after sending.
  func sent(_ result: Child.Sent, to child: Child) {
    switch result {
    case .sent: watch(child, .read)
    case .waits: watch(child, [.read, .write])
    case .failed(let why):
      log.write(.debug, "\(child.role.name) \(child.pid) \(why)")
      child.signal(SIGKILL)
    }
  }

  private func watch(_ child: Child, _ interest: EventLoop.Interest) {
    do throws(SystemError) { try child.watch(interest, in: loop) } catch { child.signal(SIGKILL) }
  }

  /// Takes messages of a process, at most `limit`, so that none keeps the others waiting.
  func read(_ child: Child, limit: Int) {
    for _ in 0..<limit {
      guard child.isOpen, exitCode == nil, !child.isHeld || limit > Self.readLimit else { return }
      let received: MessageSocket.Received
      do throws(SystemError) { received = try child.socket.receive() } catch { received = .closed }
      switch consume received {
      case .wouldBlock: return
      case .message(var bytes, let descriptors):
        take(bytes, descriptors, from: child)
        // It may have been a password.
        bytes.wipe()
      case .closed:
        child.isOpen = false
        loop.remove(child.socket.descriptor)
        loop.remove(child.socket.writing)
        // A process that has nothing more to say has ended, or is about to.
        if !timers.contains(.kill(child.number)) {
          timers.set(.kill(child.number), at: Clock.milliseconds + Self.sessionEndTime)
        }
      }
    }
  }

  private func take(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    switch child.role {
    case .authority: takeFromAuthority(bytes, descriptors, child)
    case .transport: takeFromTransport(bytes, descriptors, child)
    case .session: takeFromSession(bytes, descriptors, child)
    case .loader: takeFromLoader(bytes, descriptors, child)
    case .banWriter: takeFromBanWriter(bytes, child)
    case .journalOpener: takeFromJournalOpener(bytes, descriptors, child)
    case .journal: takeFromJournal(bytes, descriptors, child)
    case .recorder: takeFromRecorder(bytes, descriptors, child)
    case .exporter: takeFromExporter(bytes, descriptors, child)
    case .scopes: takeFromScopes(bytes, descriptors, child)
    case .transportZygote, .sessionZygote: takeFromZygote(bytes, descriptors, child)
    }
  }

  /// A process has ended: first what it said before, then its end.
  func ended(_ child: Child) {
    // As many as a pipe holds, so that the last word of a process is never lost.
    read(child, limit: Self.lastReadLimit)
    guard let process = child.process, let status = process.reap() else { return }
    loop.remove(process.descriptor)
    forget(child, status)
  }

  /// A process has ended, or was never made.
  func forget(_ child: Child, _ status: ExitStatus) {
    if child.isOpen {
      loop.remove(child.socket.descriptor)
      loop.remove(child.socket.writing)
    }
    child.isOpen = false
    finishErrors(child)
    children[child.number] = nil
    timers.cancel(.kill(child.number))
    timers.cancel(.made(child.number))
    timers.cancel(.throttle(child.number))
    switch child.role {
    case .authority: authorityEnded(child, status)
    case .transport: transportEnded(child, status)
    case .session: sessionEnded(child, status)
    case .loader: loaderEnded(child, status)
    case .banWriter: banWriterEnded(child, status)
    case .journalOpener: journalOpenerEnded(child, status)
    case .journal: journalEnded(child, status)
    case .recorder: recorderEnded(child, status)
    case .exporter: exporterEnded(child, status)
    case .scopes: scopesEnded(child, status)
    case .transportZygote, .sessionZygote: zygoteEnded(child, status)
    }
    if case .signal(let number, _) = status, child.sentSignal == nil { crashed(child, signal: number) }
    endWhenIdle()
  }
}
