import Glibc
import System

/// The daemon's own process: what shows its state to others, and its hand-over to a copy of itself.
protocol DaemonProcess: AnyObject {
  /// A service manager started it, and is told its state.
  var isService: Bool { get }
  /// Why other accounts than root cannot start our programs: one line for each reason.
  var obstacles: [String] { get }

  /// Creates the directory that transports have as root.
  ///
  /// - Throws: as `EmptyDirectory.prepare(_:)`.
  func prepareTransportRoot() throws(SystemError)
  /// Writes the pid file, if there is to be one.
  ///
  /// - Throws: as `Daemon.writePidFile(_:)`.
  func writePidFile() throws(SystemError)
  /// Removes the pid file that this process has written, if it has.
  func removePidFile()
  /// Tells the service manager.
  func notify(_ state: ServiceState)
  /// Ends the program that started the daemon in the background, and detaches from its terminal. Returns the socket that
  /// the log goes to from then on; nil: the daemon runs in the foreground.
  ///
  /// - Throws: when that program is gone, or there is no /dev/log.
  func reportReady(_ status: String) throws(SystemError) -> Descriptor?
  /// Returns in a copy of this process, which has neither pid file nor service manager. This process ends; `staying` are
  /// the processes that leave the service with the copy.
  ///
  /// - Throws: when there can be no copy: this process goes on.
  func continueInCopy(with staying: [Int32]) throws(SystemError)
}

/// A state of the daemon, for the service manager.
enum ServiceState: Equatable {
  case ready(status: String)
  case status(String)
  case reloading, stopping
}

/// The process that this is.
final class SystemDaemonProcess: DaemonProcess {
  private let pidFile: String?
  private let programs: Programs
  /// nil: none, or not any more.
  private var service: ServiceManager?
  private var report: Daemon.Report?
  private var hasPidFile = false

  init(_ arguments: SupervisorArguments, _ programs: Programs, _ report: Daemon.Report?) {
    pidFile = arguments.pidFile
    self.programs = programs
    self.report = report
    service = arguments.isForeground ? ServiceManager() : nil
  }

  var isService: Bool { service?.isPresent ?? false }
  var obstacles: [String] { programs.obstacles }

  func prepareTransportRoot() throws(SystemError) { try EmptyDirectory.prepare(EmptyDirectory.ofTransports) }

  func writePidFile() throws(SystemError) {
    guard let pidFile else { return }
    try Daemon.writePidFile(pidFile)
    hasPidFile = true
  }

  func removePidFile() { if hasPidFile, let pidFile { Daemon.removePidFile(pidFile) } }

  func notify(_ state: ServiceState) {
    switch state {
    case .ready(let status): service?.ready(status: status)
    case .status(let status): service?.status(status)
    case .reloading: service?.reloading()
    case .stopping: service?.stopping()
    }
  }

  func reportReady(_ status: String) throws(SystemError) -> Descriptor? {
    guard let report else { return nil }
    self.report = nil
    try report.succeed("bssh-server: \(status), pid \(Daemon.processID)")
    return try Descriptor.datagram(to: "/dev/log")
  }

  func continueInCopy(with staying: [Int32]) throws(SystemError) {
    switch try Daemon.fork() {
    case .parent(let copy):
      removePidFile()
      becomeHandOver([copy] + staying)
    case .child:
      hasPidFile = false
      service = nil
    }
  }

  /// Becomes a program that moves these processes into a scope of their own, so that the next daemon finds the service
  /// empty. Only root can do that.
  private func becomeHandOver(_ processes: [Int32]) -> Never {
    guard Hardening.isRoot else { _exit(0) }
    let words = ["bssh-session", "hand-over"] + processes.map(String.init)
    _ = ThisProcess.become(programs.executables.session, arguments: words.map { Array($0.utf8) })
    _exit(0)
  }
}
