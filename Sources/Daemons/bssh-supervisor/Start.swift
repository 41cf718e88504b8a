import Glibc
import IPC
import System

/// From the first instruction to the loop.
enum Start {
  /// Runs the supervisor; returns how it ended.
  static func run(_ commandLine: [String]) -> ExitCode {
    var log = Log(threshold: .info, style: ProcessEnvironment.isLoggedByJournal ? .journal : .plain)
    guard let arguments = Arguments(Array(commandLine.dropFirst())) else {
      log.write(.error, "bssh-server starts this program, nobody else")
      return .usage
    }
    log = Log(
      threshold: arguments.logLevel ?? .info, style: ProcessEnvironment.isLoggedByJournal ? .journal : .plain)
    do throws(SystemError) {
      guard let supervisor = try supervisor(arguments, &log) else { return .configuration }
      return try supervisor.run()
    } catch {
      log.write(.error, "\(error)")
      return .systemError
    }
  }

  /// The supervisor, which alone has the configuration then: its memory, host keys in it, is closed by a reload. nil:
  /// there is none that could be used.
  private static func supervisor(_ arguments: Arguments, _ log: inout Log) throws(SystemError) -> Supervisor? {
    try Hardening.forbidInspection()
    SignalSource.ignoreBrokenPipes()
    umask(0o022)
    guard let loaded = try load(&log) else { return nil }
    log.threshold = arguments.logLevel(loaded.settings)
    let executables = try Programs.Executables(
      in: ProcessEnvironment.executableFolder(), server: arguments.server)
    let directory = ProcessEnvironment.directory
    let report = arguments.isForeground ? nil : try Daemon.detach()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let programs = Programs(
      executables: executables, null: null, openFiles: try ResourceLimit.raiseOpenFiles(),
      coreFiles: try ResourceLimit.forbidCores(),
      outOfMemoryScore: Hardening.isRoot ? OutOfMemoryScore.protectThisProcess() : nil)
    return try Supervisor(arguments, loaded, log: log, programs: programs, directory: directory, report: report)
  }

  /// The configuration that bssh-server left on descriptor 3 before it became this program.
  private static func load(_ log: inout Log) throws(SystemError) -> LoadedSettings? {
    switch try MessageSocket(Descriptor(owning: 3)).receive(wait: 10_000) {
    case .wouldBlock, .closed:
      log.write(.error, "there is no configuration on descriptor 3; bssh-server starts this program, nobody else")
      return nil
    case .message(let bytes, let descriptors):
      do throws(LoadedSettings.Problem) {
        return try LoadedSettings(bytes, descriptors)
      } catch {
        switch error {
        case .rejected(let problems): for problem in problems { log.write(.error, problem) }
        case .malformed(let what): log.write(.error, what)
        }
        return nil
      }
    }
  }
}
