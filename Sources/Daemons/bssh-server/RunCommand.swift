import Configuration
import Glibc
import IPC
import System

/// `run`, which executes bssh-supervisor, and `load`, which replies to it.
///
/// Both send the same message: `run` into a socket that bssh-supervisor inherits as descriptor 3, `load` into the
/// socket on its own descriptor 3.
enum RunCommand {
  /// Loads the configuration, and replaces this process by the daemon.
  static func run(_ arguments: Arguments) throws(Failure) {
    let file = ConfigurationFile(arguments)
    let listeners = ListeningSockets.take()
    let answer: LoaderReply
    do throws(Rejected) { answer = try LoaderReply(file, arguments, listeners: listeners, readsBans: true) } catch {
      Output.complain(error.warnings.map { "warning: \($0)" }, .warning)
      var failure = Failure(.configuration)
      failure.lines = error.problems.map(\.description)
      throw failure
    }
    let failure: SystemError
    do throws(SystemError) {
      let (ours, theirs) = try MessageSocket.pair()
      try answer.send(over: ours)
      failure = try becomeSupervisor(arguments, file, theirs.descriptor)
    } catch { failure = error }
    throw Failure(.systemError, "bssh-server: \(failure)")
  }

  /// Loads the configuration again, for the supervisor.
  static func load(_ arguments: Arguments) throws(Failure) {
    let socket = MessageSocket(Descriptor(owning: 3))
    do throws(SystemError) {
      let answer: LoaderReply
      do throws(Rejected) {
        answer = try LoaderReply(ConfigurationFile(arguments), arguments, listeners: [], readsBans: false)
      } catch {
        return try LoaderReply.send(error.problems, over: socket)
      }
      try answer.send(over: socket)
    } catch {
      throw Failure(.systemError, "bssh-server: descriptor 3: \(error)")
    }
  }

  private static func becomeSupervisor(
    _ arguments: Arguments, _ file: ConfigurationFile, _ socket: Descriptor
  ) throws(SystemError) -> SystemError {
    let ourselves = try Executables.find("bssh-server")
    let supervisor = try Executables.find("bssh-supervisor")
    let environment = ProcessEnvironment.all.filter { variable in
      !["LISTEN_", "SWIFT_BACKTRACE=", "LD_BIND_NOW="].contains { variable.hasPrefix($0) }
    }
    return Executables.replaceProcess(
      with: supervisor, arguments: supervisorArguments(arguments, file, ourselves),
      environment: environment + ProcessEnvironment.fixed, descriptor: socket)
  }

  /// `bssh-supervisor --log-level 7 -- /usr/sbin/bssh-server -c /etc/bssh/server.yaml`: after `--`, the program that
  /// loads the configuration again, with `load` after its name, and its options.
  static func supervisorArguments(_ arguments: Arguments, _ file: ConfigurationFile, _ ourselves: String) -> [String] {
    var words = ["bssh-supervisor"]
    let level: Log.Level? = arguments.has("verbose") ? .debug : arguments.has("quiet") ? .warning : nil
    if let level { words += ["--log-level", "\(level.rawValue)"] }
    if arguments.has("foreground") { words.append("--foreground") }
    if let path = arguments.value("pid-file") { words += ["--pid-file", ConfigurationFile.absolute(path)] }
    words += ["--", ourselves]
    if let path = file.path { words += ["-c", path] }
    for (short, long) in [("-b", "bind-address"), ("-p", "port"), ("-k", "host-key")] {
      for value in arguments.values[long] ?? [] { words += [short, value] }
    }
    return words
  }
}
