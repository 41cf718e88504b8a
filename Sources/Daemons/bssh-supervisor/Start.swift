import Glibc
import IPC
import System

/// The start of the process, up to the event loop.
enum Start {
  /// Runs the supervisor, and returns the exit code.
  static func run(_ commandLine: [String]) -> ExitCode {
    var log = Log(threshold: .info, style: ProcessEnvironment.isLoggedByJournal ? .journal : .plain)
    guard let arguments = SupervisorArguments(Array(commandLine.dropFirst())) else {
      log.write(.error, "bssh-server starts this program, nobody else")
      return .usage
    }
    log = Log(
      threshold: arguments.logLevel ?? .info, style: ProcessEnvironment.isLoggedByJournal ? .journal : .plain)
    do throws(SystemError) {
      guard let (supervisor, runtime) = try build(arguments, &log) else { return .configuration }
      try runtime.run(supervisor.handle)
      return supervisor.life.end()
    } catch {
      log.write(.error, "\(error)")
      return .systemError
    }
  }

  /// Creates the supervisor, which then holds the only reference to the configuration, so that a reload closes its memory
  /// with the host keys. nil: the configuration cannot be used.
  private static func build(
    _ arguments: SupervisorArguments, _ log: inout Log
  ) throws(SystemError) -> (Supervisor, ProcessRuntime)? {
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
    let runtime = try ProcessRuntime(programs, log: log)
    let supervisor = Supervisor(
      arguments, loaded, runtime, SystemDaemonProcess(arguments, programs, report), isRoot: Hardening.isRoot,
      directory: directory, transfer: executables.transfer.descriptor)
    return (supervisor, runtime)
  }

  /// Reads the configuration that bssh-server sent to descriptor 3 before it executed this program.
  private static func load(_ log: inout Log) throws(SystemError) -> LoadedSettings? {
    switch try MessageSocket(Descriptor(owning: 3)).receive(wait: 10_000) {
    case .wouldBlock, .closed:
      log.write(.error, "there is no configuration on descriptor 3; bssh-server starts this program, nobody else")
      return nil
    case .message(let bytes, let descriptors):
      do throws(LoadedSettings.LoadError) {
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
