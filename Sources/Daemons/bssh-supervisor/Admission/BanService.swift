import AccessControl
import Configuration
import IPC
import System
import Wire

/// Saves bans in `security.ban_state_file`, so that they survive a restart. The loader reads the file and a separate
/// process writes it, so that the supervisor never waits for a disk.
final class BanService {
  /// Time limit for writing the file, in milliseconds.
  private static let saveTime: Int64 = 10_000

  private let runtime: any Runtime
  private let source: any BanSource
  /// The path of the file; nil: bans are not saved.
  private var path: String?
  private var saver = BanSaver()
  /// The process that writes the file; nil: none is running.
  private var writer: Child?
  /// True if ``writer`` has reported an error.
  private var hasAnswered = false
  /// Why bans could not be saved last time; empty: they were.
  private var problem = ""
  /// True if another daemon has taken over and saves bans.
  private var isHandedOver = false

  init(_ runtime: any Runtime, _ source: any BanSource, _ settings: Settings) {
    self.runtime = runtime
    self.source = source
    path = settings.security.banStateFile
  }

  /// True if nothing is left to save.
  var isDone: Bool { saver.isDone }

  /// Applies new settings.
  func apply(_ settings: Settings) {
    guard path != settings.security.banStateFile else { return }
    path = settings.security.banStateFile
    changed()
  }

  /// Handles new bans or another path of the file.
  func changed() {
    guard path != nil, !isHandedOver else { return }
    perform(saver.changed(at: runtime.now))
  }

  /// Handles the end of the pause between two writes.
  func time() { perform(saver.time(at: runtime.now)) }

  /// Saves the remaining bans immediately, because the daemon ends.
  func finish() { if !isHandedOver { perform(saver.finish(at: runtime.now)) } }

  /// Handles that another daemon takes over.
  func handOver() { isHandedOver = true }

  private func perform(_ action: BanSaver.Action) {
    switch action {
    case .nothing: return
    case .wait(let milliseconds): runtime.setTimer(.saveBans, after: milliseconds)
    case .save: save()
    }
  }

  private func save() {
    guard let path else { return saver.failed() }
    let now = runtime.now
    let list = BanList(source.bans.map { Ban(source: $0.source, end: $0.end - now, count: $0.count) })
    do throws(SystemError) {
      let memory = try Descriptor.sealedMessage(name: "bans", list.wireBytes)
      let child = try runtime.spawn(.banWriter(path: path, memory: memory))
      writer = child
      hasAnswered = false
      runtime.setTimer(.kill(child.number), after: Self.saveTime)
    } catch {
      notSaved("\(error)")
    }
  }

  /// Handles the only message of a process that writes bans: its error.
  func handle(_ bytes: [UInt8], from child: Child) {
    guard child === writer, !hasAnswered, case .rejected(let problems)? = try? LoaderResult(wireBytes: bytes[...])
    else { return }
    hasAnswered = true
    notSaved(problems.first ?? "it does not say why")
  }

  /// Handles the end of a process that writes bans. ``SupervisorEvent/bansSaved`` follows when nothing is left to save.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard child === writer else { return }
    writer = nil
    if status == .code(0) {
      problem = ""
      perform(saver.saved(at: runtime.now))
    } else if !hasAnswered {
      notSaved("the process that writes them \(status)")
    }
    if saver.isDone { runtime.post(.bansSaved) }
  }

  private func notSaved(_ why: String) {
    saver.failed()
    // Logged once for each reason, not for each ban.
    guard why != problem else { return }
    problem = why
    runtime.log(.warning, "bans cannot be saved, and will end with a restart: \(why)")
  }
}
