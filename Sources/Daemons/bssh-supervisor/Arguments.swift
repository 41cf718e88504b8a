import Configuration
import System

/// The command line of bssh-supervisor, which only bssh-server writes:
/// `bssh-supervisor [--log-level N] [--foreground] [--pid-file F] -- SERVER ARGUMENT…`.
struct Arguments: Equatable {
  /// nil: `server.log_level` says it.
  var logLevel: Log.Level?
  /// Stay in the foreground and log to standard error.
  var isForeground = false
  /// nil: none.
  var pidFile: String?
  /// bssh-server, to load the configuration again.
  var server: String
  /// The arguments that it was started with.
  var serverArguments: [String]

  /// Reads the arguments after the program's name; nil when they are not what bssh-server writes.
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

  /// The configuration that is loaded again, for people.
  var configurationName: String {
    serverArguments.firstIndex(of: "-c").flatMap { serverArguments.dropFirst($0 + 1).first } ?? "the configuration"
  }

  /// The least important lines that are logged under these settings.
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
