import AccessControl
import Glibc
import IPC
import System

/// What a connection needs from a recorder, now or after its login.
struct RecordingNeeds: Equatable {
  /// Its terminals are entered in the login records.
  var keepsLogins: Bool
  /// The paths of the directories for its recordings.
  var directories: [String]
}

/// The part of ``RecorderService`` that a service needs to use the recorder.
protocol Recorders: AnyObject {
  /// Sets whether login records are pending. Recorders keep login records then, regardless of the settings.
  func setHasLoginRecords(_ has: Bool)

  /// The current recorder; a new one if none is running or the settings of the current one are insufficient.
  ///
  /// - Throws: `SystemError` when none can be started at the moment.
  func current(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child
  /// The current recorder, regardless of its settings.
  ///
  /// - Throws: `SystemError` when none can be started at the moment.
  func current() throws(SystemError) -> Child
  /// True if this is not the current recorder, or another one was allowed to replace it.
  func isReplaced(_ recorder: Child) -> Bool
  /// The directory at a path; nil: it is not open.
  func directory(at path: String) -> OpenedDirectory?
}

/// Starts, replaces and ends recorders: processes that create the files of recordings and write login records.
///
/// One of them is the current recorder. A retired one completes its requests and exits.
final class RecorderService: Recorders, RecorderDemand {
  /// Milliseconds before a recorder that has ended is restarted.
  static let pause: Int64 = 1000
  /// Time limit for recorders to complete their requests when the daemon ends, in milliseconds.
  private static let endTime: Int64 = 4000
  /// Time limit for a retired recorder to complete its requests, in milliseconds: as long as a connection waits for a
  /// recording.
  private static let retirement = ConnectionTerminals.recorderTime
  /// Limits how often a recorder is replaced because it reports that files were replaced.
  private static let renewalRate = TokenBucket.Rate(interval: 1000, burst: 10)

  private let runtime: any Runtime
  private var accounts: ServiceAccounts?
  /// The recorder's part of the current settings.
  private var settings = RecorderSettings(directories: [], keepsLogins: false)
  /// The directories of recordings, by path, including those of earlier settings as long as there are logins that started
  /// with these.
  private var open: [String: LoadedSettings.OpenDirectory] = [:]
  private var needs: [UInt64: RecordingNeeds] = [:]
  /// The current recorder; nil: none is running.
  private var recorder: Child?
  /// The settings that were sent to it.
  private var sentSettings: RecorderSettings?
  /// The earliest time of the next start.
  private var startTime: Int64 = 0
  private var renewals = TokenBucket()
  private var hasLoginRecords = false

  init(_ runtime: any Runtime) { self.runtime = runtime }

  /// The settings for a new recorder: the current ones, and those that existing logins started with.
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
    // Only root can write login records.
    all.keepsLogins = (all.keepsLogins || hasLoginRecords) && accounts != nil
    return all
  }

  /// Applies new settings.
  func apply(_ loaded: LoadedSettings) {
    accounts = loaded.accounts
    settings = RecorderSettings(
      directories: loaded.recordings.map(\.directory), keepsLogins: loaded.settings.audit.loginRecords)
    for directory in loaded.recordings { open[directory.directory.path] = directory }
    let wanted = wanted
    closeDirectories()
    if let recorder, sentSettings != wanted { retire(recorder) }
    guard recorder == nil, wanted.keepsLogins || !wanted.directories.isEmpty else { return }
    do throws(SystemError) { _ = try current() } catch {
      runtime.log(.error, "there are no recordings and no login records: \(error)")
    }
  }

  func setNeeds(_ new: RecordingNeeds?, of connection: UInt64) {
    needs[connection] = new
    if new == nil { closeDirectories() }
  }

  /// Closes the directories that are no longer needed.
  private func closeDirectories() {
    guard open.count > settings.directories.count else { return }
    let wanted = wanted.directories
    open = open.filter { wanted.contains($0.value.directory) }
  }

  func setHasLoginRecords(_ has: Bool) { hasLoginRecords = has }

  func directory(at path: String) -> OpenedDirectory? { open[path]?.directory }

  func current(for isEnough: (RecorderSettings) -> Bool) throws(SystemError) -> Child {
    if let recorder, recorder.sentSignal == nil, let sentSettings, !isEnough(sentSettings), mayRenew() {
      retire(recorder)
    }
    return try current()
  }

  func current() throws(SystemError) -> Child {
    if let recorder {
      // It was killed and has not ended; another one would hang as well.
      guard recorder.sentSignal == nil else { throw SystemError("ask the recorder", code: ETIMEDOUT) }
      return recorder
    }
    guard runtime.now >= startTime else { throw SystemError("start the recorder again", code: EAGAIN) }
    let child = try runtime.spawn(.recorder(accounts))
    recorder = child
    let wanted = wanted
    sentSettings = wanted
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

  /// Retires a recorder: it completes its requests, then finds its socket closed and exits.
  private func retire(_ child: Child) {
    recorder = nil
    child.finish()
    runtime.setTimer(.kill(child.number), after: Self.retirement)
  }

  /// Handles the end of a recorder.
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

  /// Lets the next recorder start without a pause, because the daemon ends.
  func skipPause() { startTime = 0 }

  /// Waits for a limited time until recorders have completed their requests, because the daemon ends.
  func end() {
    let deadline = runtime.now + Self.endTime
    for child in runtime.children.values where child.role == .recorder {
      child.finish()
      if !runtime.waitForEnd(of: child, until: deadline) { child.signal(SIGKILL) }
    }
  }
}
