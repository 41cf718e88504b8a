import Glibc
import IPC
import System

/// Creates the files of recordings and writes login records.
///
/// This is a separate process because both can block: recordings may be on another disk than the journal, and every
/// user who can read utmp can lock it. The process creates new files, and opens existing login records at its start;
/// afterwards it cannot open existing files for writing.
struct RecorderProcess {
  private let supervisor: MessageSocket
  private var files: LoginRecordFiles
  private var settings: RecorderSettings?
  private var directories: [String: Descriptor] = [:]
  /// Failures of login records that were logged; each is logged once.
  private var loggedFailures: Set<String> = []

  init(_ supervisor: MessageSocket, files: LoginRecordFiles = .system) {
    self.supervisor = supervisor
    self.files = files
  }

  /// Runs until the supervisor closes the connection.
  mutating func run() {
    while true {
      let received: MessageSocket.Received
      do throws(SystemError) { received = try supervisor.receive(wait: -1) } catch {
        var log = Log(threshold: .error, style: .bare)
        log.write(.error, "the supervisor: \(error)")
        return
      }
      guard case .message(let bytes, let descriptors) = received,
        let message = try? SupervisorToRecorder(wireBytes: bytes[...])
      else { return }
      switch message {
      case .prepare(let settings): prepare(settings, descriptors)
      case .open(let number, let directory, let name): open(number, directory, name, for: descriptors.first)
      case .login(let entry, let connection):
        if files.areReplaced {
          _ = try? supervisor.send(RecorderToSupervisor.replaced(entry, connection: connection).wireBytes, wait: true)
          continue
        }
        keep(entry)
        reply(entry.kind, connection)
      }
    }
  }

  /// Takes ownership of the directories; no others can be opened afterwards.
  private mutating func prepare(_ settings: RecorderSettings, _ descriptors: [Descriptor]) {
    guard self.settings == nil else { return }
    self.settings = settings
    for (directory, descriptor) in zip(settings.directories, descriptors) { directories[directory.path] = descriptor }
    if settings.keepsLogins { files.hold() }
    do throws(SystemError) {
      if try !Hardening.allowOnlyAdditions(to: Array(directories.values)) { log(Hardening.missingLandlock) }
    } catch { log("\(error)") }
  }

  /// Creates a file and sends its descriptor to the transport at the other end of `transport`.
  private func open(_ number: UInt64, _ directory: String, _ name: String, for transport: Descriptor?) {
    do throws(SystemError) {
      guard !name.utf8.contains(UInt8(ascii: "/")) else { throw SystemError("open \(name)", code: EINVAL) }
      guard let place = directories[directory] else { throw SystemError("open it", code: ENOENT) }
      let file = try place.makeFile(Array(name.utf8), [.write, .append], mode: 0o600)
      guard let transport else { throw SystemError("open \(name)", code: EDESTADDRREQ) }
      guard case .bytes = try MessageSocket(transport).send([0], descriptors: [file]) else {
        throw SystemError("hand on \(name)", code: EAGAIN)
      }
      try supervisor.send(RecorderToSupervisor.opened(number: number).wireBytes, wait: true)
    } catch {
      let reason = Self.short("\(directory): \(error)")
      _ = try? supervisor.send(RecorderToSupervisor.failed(number: number, reason: reason).wireBytes, wait: true)
    }
  }

  private mutating func keep(_ entry: LoginEntry) {
    let record = LoginRecord(
      user: entry.user, terminal: entry.terminal, process: entry.process, address: entry.address, time: entry.time)
    let failures =
      switch entry.kind {
      case .began: files.began(record, uid: entry.uid)
      case .ended: files.ended(record)
      case .refused: files.refused(record)
      }
    for failure in failures where loggedFailures.count < 16 && loggedFailures.insert("\(failure)").inserted {
      log("login records: \(failure)")
    }
  }

  /// Acknowledges an entry. Nobody waits for entries about refused logins.
  private func reply(_ kind: LoginEntry.Kind, _ connection: UInt64) {
    switch kind {
    case .began: _ = try? supervisor.send(RecorderToSupervisor.entered(connection: connection).wireBytes, wait: true)
    case .ended: _ = try? supervisor.send(RecorderToSupervisor.left(connection: connection).wireBytes, wait: true)
    case .refused: return
    }
  }

  private func log(_ text: String) {
    _ = try? supervisor.send(RecorderToSupervisor.log(Self.short(text)).wireBytes, wait: true)
  }

  private static func short(_ text: String) -> String { String(Log.printable(text).prefix(250)) }
}
