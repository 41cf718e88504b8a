import AccessControl
import Configuration
import IPC
import System
import Wire

/// Saves bans in `security.ban_state_file`, so that they survive a restart. The loader reads the file and a process of
/// its own writes it; no disk is waited for here.
final class BanService {
  /// Milliseconds that writing the file may take.
  private static let saveTime: Int64 = 10_000

  private let runtime: any Runtime
  private let source: any BanSource
  /// nil: bans are not saved.
  private var path: String?
  private var saver = BanSaver()
  /// Writes the file; nil: none runs.
  private var writer: Child?
  /// It has said why it cannot.
  private var hasAnswered = false
  /// Why bans were not saved last.
  private var problem = ""
  /// Another daemon may listen by now: bans are its to save.
  private var isHandedOver = false

  init(_ runtime: any Runtime, _ source: any BanSource, _ settings: Settings) {
    self.runtime = runtime
    self.source = source
    path = settings.security.banStateFile
  }

  /// True when everything is saved that can be.
  var isDone: Bool { saver.isDone }

  /// These settings apply from now on.
  func apply(_ settings: Settings) {
    guard path != settings.security.banStateFile else { return }
    path = settings.security.banStateFile
    changed()
  }

  /// There are bans that no file has, or there is another file.
  func changed() {
    guard path != nil, !isHandedOver else { return }
    perform(saver.changed(at: runtime.now))
  }

  /// Bans may be saved again.
  func time() { perform(saver.time(at: runtime.now)) }

  /// The daemon ends: what is left is saved now.
  func finish() { if !isHandedOver { perform(saver.finish(at: runtime.now)) } }

  /// Another daemon takes over.
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

  /// The one message of a process that writes bans: why it could not.
  func handle(_ bytes: [UInt8], from child: Child) {
    guard child === writer, !hasAnswered, case .rejected(let problems)? = try? LoaderResult(wireBytes: bytes[...])
    else { return }
    hasAnswered = true
    notSaved(problems.first ?? "it does not say why")
  }

  /// A process that writes bans has ended. ``SupervisorEvent/bansSaved`` follows when nothing is left to save.
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
    // Once for each reason, not for each ban.
    guard why != problem else { return }
    problem = why
    runtime.log(.warning, "bans cannot be saved, and will end with a restart: \(why)")
  }
}
