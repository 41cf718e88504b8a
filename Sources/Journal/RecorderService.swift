import Glibc
import IPC
import System

/// Makes the files of recordings, and keeps the login records: `bssh-journal records`.
///
/// A process of its own, because both can take long: recordings may lie on another disk than the journal, and whoever may
/// read utmp can lock it. It makes new files, and writes to the login records that were there at its start: those are open
/// then, and no file that exists can be opened for writing afterwards.
struct RecorderService {
  private let supervisor: MessageSocket
  private var files: LoginRecordFiles
  private var settings: RecorderSettings?
  private var directories: [String: Descriptor] = [:]
  /// What was told about login records: each failure once.
  private var told: Set<String> = []

  init(_ supervisor: MessageSocket, files: LoginRecordFiles = .system) {
    self.supervisor = supervisor
    self.files = files
  }

  /// Serves until the supervisor is gone.
  mutating func run() {
    while true {
      guard case .message(let bytes, let descriptors)? = try? supervisor.receive(wait: -1),
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
        answer(entry.kind, connection)
      }
    }
  }

  /// Takes the directories; there are no others.
  private mutating func prepare(_ settings: RecorderSettings, _ descriptors: [Descriptor]) {
    guard self.settings == nil else { return }
    self.settings = settings
    for (directory, descriptor) in zip(settings.directories, descriptors) { directories[directory.path] = descriptor }
    if settings.keepsLogins { files.hold() }
    do throws(SystemError) {
      if try !Hardening.allowOnlyAdditions(to: Array(directories.values)) { note(Hardening.missingLandlock) }
    } catch { note("\(error)") }
  }

  /// Makes a file, and gives it to the transport at the other end of `transport`.
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
    for failure in failures where told.count < 16 && told.insert("\(failure)").inserted {
      note("login records: \(failure)")
    }
  }

  /// Nobody waits for what was refused.
  private func answer(_ kind: LoginEntry.Kind, _ connection: UInt64) {
    switch kind {
    case .began: _ = try? supervisor.send(RecorderToSupervisor.entered(connection: connection).wireBytes, wait: true)
    case .ended: _ = try? supervisor.send(RecorderToSupervisor.left(connection: connection).wireBytes, wait: true)
    case .refused: return
    }
  }

  private func note(_ text: String) {
    _ = try? supervisor.send(RecorderToSupervisor.note(Self.short(text)).wireBytes, wait: true)
  }

  private static func short(_ text: String) -> String { String(Log.printable(text).prefix(250)) }
}
