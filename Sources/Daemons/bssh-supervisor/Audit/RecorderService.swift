import AccessControl
import Glibc
import IPC
import System

/// What a connection needs of a recorder, now or once it is a login.
struct RecordingNeeds: Equatable {
  /// Its terminals go into the login records.
  var keepsLogins: Bool
  /// Paths of the directories that its recordings may go to.
  var directories: [String]
}

/// The current recorder. What a service needs of ``RecorderService`` to have something recorded.
protocol Recorders: AnyObject {
  /// Whether login records wait or are under way: recorders keep them then, whatever the settings say.
  func setHasLoginRecords(_ has: Bool)

  /// The recorder; another one than before when that one was not told enough, or none runs.
  ///
  /// - Throws: when there can be none now.
  func current(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child
  /// The recorder, whatever it was told.
  func current() throws(SystemError) -> Child
  /// True when this one is not the recorder any more, or another one was allowed to take over.
  func isReplaced(_ recorder: Child) -> Bool
  /// The directory at a path, when it is open.
  func directory(at path: String) -> OpenedDirectory?
}

/// Starts, replaces and ends recorders: processes that make recordings and keep login records.
///
/// One is the current recorder. One that was retired does what it was told, and ends.
final class RecorderService: Recorders {
  /// Milliseconds until a recorder that has ended is started again.
  static let pause: Int64 = 1000
  /// Milliseconds that recorders have at the end of the daemon for what they were told.
  private static let endTime: Int64 = 4000
  /// Milliseconds that a recorder has when another one has taken over: as long as a recording is waited for.
  private static let retirement = ConnectionTerminals.recorderTime
  /// How often another recorder takes over because files were replaced; whoever claims that all the time gets no other.
  private static let renewalRate = TokenBucket.Rate(interval: 1000, burst: 10)

  private let runtime: any Runtime
  private var accounts: ServiceAccounts?
  /// Of the settings that apply.
  private var settings = RecorderSettings(directories: [], keepsLogins: false)
  /// Directories that recorders work in, by path: also those of settings that were replaced, for as long as there are
  /// logins that began with them.
  private var open: [String: LoadedSettings.OpenDirectory] = [:]
  private var needs: [UInt64: RecordingNeeds] = [:]
  /// nil: none runs.
  private var recorder: Child?
  /// What it was told.
  private var told: RecorderSettings?
  /// When another one may be started.
  private var startTime: Int64 = 0
  private var renewals = TokenBucket()
  private var hasLoginRecords = false

  init(_ runtime: any Runtime) { self.runtime = runtime }

  /// What a recorder is told: what applies now, and what logins began with that go on.
  private var wanted: RecorderSettings {
    var all = settings
    for needs in needs.values {
      all.keepsLogins = all.keepsLogins || needs.keepsLogins
      for path in needs.directories {
        guard all.directories.count < RecorderSettings.mostDirectories else { break }
        guard let known = open[path]?.directory else { continue }
        if !all.directories.contains(known) { all.directories.append(known) }
      }
    }
    // They are root's to keep.
    all.keepsLogins = (all.keepsLogins || hasLoginRecords) && accounts != nil
    return all
  }

  /// These settings apply from now on.
  func apply(_ loaded: LoadedSettings) {
    accounts = loaded.accounts
    settings = RecorderSettings(
      directories: loaded.recordings.map(\.directory), keepsLogins: loaded.settings.audit.loginRecords)
    for directory in loaded.recordings { open[directory.directory.path] = directory }
    let wanted = wanted
    closeDirectories()
    if let recorder, told != wanted { retire(recorder) }
    guard recorder == nil, wanted.keepsLogins || !wanted.directories.isEmpty else { return }
    do throws(SystemError) { _ = try current() } catch {
      runtime.log(.error, "there are no recordings and no login records: \(error)")
    }
  }

  /// What a connection needs from now on; nil: it is over.
  func setNeeds(_ new: RecordingNeeds?, of connection: UInt64) {
    needs[connection] = new
    if new == nil { closeDirectories() }
  }

  /// Closes the directories in which nobody records any more.
  private func closeDirectories() {
    guard open.count > settings.directories.count else { return }
    let wanted = wanted.directories
    open = open.filter { wanted.contains($0.value.directory) }
  }

  func setHasLoginRecords(_ has: Bool) { hasLoginRecords = has }

  func directory(at path: String) -> OpenedDirectory? { open[path]?.directory }

  func current(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child {
    if let recorder, recorder.sentSignal == nil, let told, !isEnough(told), mayRenew() { retire(recorder) }
    return try current()
  }

  func current() throws(SystemError) -> Child {
    if let recorder {
      // It was killed, and hangs: another one would hang as well.
      guard recorder.sentSignal == nil else { throw SystemError("ask the recorder", code: ETIMEDOUT) }
      return recorder
    }
    guard runtime.now >= startTime else { throw SystemError("start the recorder again", code: EAGAIN) }
    let child = try runtime.spawn(.recorder(accounts))
    recorder = child
    let wanted = wanted
    told = wanted
    runtime.send(
      SupervisorToRecorder.prepare(wanted), wanted.directories.compactMap { open[$0.path]?.descriptor }, to: child)
    return child
  }

  func isReplaced(_ child: Child) -> Bool {
    guard child === recorder else { return true }
    guard mayRenew() else { return false }
    runtime.log(.info, "the files of login records were replaced: another recorder than \(child.pid) takes over")
    retire(child)
    return true
  }

  private func mayRenew() -> Bool { renewals.take(Self.renewalRate, at: runtime.now) == 0 }

  /// Another one is the recorder from now on. This one does what it was told; then it finds the socket closed.
  private func retire(_ child: Child) {
    recorder = nil
    child.finish()
    runtime.setTimer(.kill(child.number), after: Self.retirement)
  }

  /// A recorder has ended.
  func ended(_ child: Child, _ status: ExitStatus) {
    if child === recorder {
      recorder = nil
      startTime = runtime.now + Self.pause
    }
    if child.isFinished, status == .code(0) {
      runtime.log(.debug, "recorder \(child.pid) has written what it was told")
    } else {
      runtime.log(.error, "recorder \(child.pid) \(status)")
    }
  }

  /// The daemon ends now: the next recorder may be started without a pause, for there is no later.
  func skipPause() { startTime = 0 }

  /// The daemon ends now: waits a moment until everything is written.
  func end() {
    let deadline = runtime.now + Self.endTime
    for child in runtime.children.values where child.role == .recorder {
      child.finish()
      if !runtime.waitForEnd(of: child, until: deadline) { child.signal(SIGKILL) }
    }
  }
}
