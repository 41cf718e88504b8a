import AccessControl
import IPC
import System
import Wire

// `security.ban_state_file`: bans survive a restart. The loader reads the file and a process of its own writes it; no disk
// is waited for here.
extension Supervisor {
  /// Milliseconds that writing the file may take.
  static let banSaveTime: Int64 = 10_000

  /// Takes over the bans that the loader found.
  func restoreBans() {
    let now = Clock.milliseconds
    let bans = loaded.bans.map { ban in Ban(source: ban.source, end: ban.end + now, count: ban.count) }
    admission.restore(bans, at: now)
    let left = admission.bans(at: now).filter { $0.end > now }
    for ban in left { timers.set(.banEnd(ban.source), at: ban.end) }
    if !left.isEmpty { log.write(.info, "\(left.count) bans of the time before the restart go on") }
  }

  /// There are bans that no file has, or there is another file.
  func bansChanged() {
    guard loaded.settings.security.banStateFile != nil, !hasLetGo else { return }
    perform(banSaver.changed(at: Clock.milliseconds))
  }

  /// Does what the saver says.
  func perform(_ action: BanSaver.Action) {
    switch action {
    case .nothing: return
    case .wait(let milliseconds): timers.set(.saveBans, at: Clock.milliseconds + milliseconds)
    case .save: saveBans()
    }
  }

  private func saveBans() {
    guard let path = loaded.settings.security.banStateFile else { return banSaver.failed() }
    let now = Clock.milliseconds
    let list = BanList(
      admission.bans(at: now).map { Ban(source: $0.source, end: $0.end - now, count: $0.count) })
    do throws(SystemError) {
      let memory = try Descriptor.sealedMemory(name: "bans", list.wireBytes)
      let child = try spawn(.banWriter) { ends in
        programs.banWriter(path, memory, ends: ends)
      }
      timers.set(.kill(child.number), at: now + Self.banSaveTime)
    } catch {
      bansNotSaved("\(error)")
    }
  }

  /// The one message of a process that writes bans: why it could not.
  func takeFromBanWriter(_ bytes: [UInt8], _ child: Child) {
    guard !child.hasAnswered, case .rejected(let problems)? = try? LoaderResult(wireBytes: bytes[...]) else { return }
    child.hasAnswered = true
    bansNotSaved(problems.first ?? "it does not say why")
  }

  /// A process that writes bans has ended.
  func banWriterEnded(_ child: Child, _ status: ExitStatus) {
    if status == .code(0) {
      toldBanProblem = ""
      perform(banSaver.saved(at: Clock.milliseconds))
    } else if !child.hasAnswered {
      bansNotSaved("the process that writes them \(status)")
    }
    if isLettingGo, banSaver.isDone { finishLettingGo() }
  }

  private func bansNotSaved(_ why: String) {
    banSaver.failed()
    // Once for each reason, not for each ban.
    guard why != toldBanProblem else { return }
    toldBanProblem = why
    log.write(.warning, "bans cannot be saved, and will end with a restart: \(why)")
  }
}
