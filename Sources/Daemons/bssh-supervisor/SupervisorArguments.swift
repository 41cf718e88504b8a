import Configuration
import System

/// The command line of bssh-supervisor, which only bssh-server creates:
/// `bssh-supervisor [--log-level N] [--foreground] [--pid-file F] -- SERVER ARGUMENT…`.
struct SupervisorArguments: Equatable {
  /// The log level; nil: that of `server.log_level`.
  var logLevel: Log.Level?
  /// Stay in the foreground and log to standard error.
  var isForeground = false
  /// The path of the PID file; nil: none.
  var pidFile: String?
  /// The path of bssh-server, which loads the configuration again.
  var server: String
  /// The arguments that bssh-server was started with.
  var serverArguments: [String]

  /// Parses the arguments after the name of the program; nil if bssh-server would not create them.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--log-level":
        logLevel = rest.popFirst().flatMap { Int($0) }.flatMap { Log.Level(rawValue: $0) }
        if logLevel == nil { return nil }
      case "--foreground": isForeground = true
      case "--pid-file":
        pidFile = rest.popFirst()
        if pidFile == nil { return nil }
      case "--":
        guard let server = rest.popFirst() else { return nil }
        self.server = server
        serverArguments = Array(rest)
        return
      default: return nil
      }
    }
    return nil
  }

  /// The path of the configuration, for messages.
  var configurationName: String {
    serverArguments.firstIndex(of: "-c").flatMap { serverArguments.dropFirst($0 + 1).first } ?? "the configuration"
  }

  /// The lowest level of log lines that are written with these settings.
  func logLevel(_ settings: Settings) -> Log.Level {
    if let logLevel { return logLevel }
    return switch settings.server.logLevel {
    case .error: .error
    case .warning: .warning
    case .info: .info
    case .debug: .debug
    }
  }
}
